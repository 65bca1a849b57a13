"""Corpus: hostile inputs as jobs of the command, each with the exit codes that are right for it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.attacks import hostile_bytes as hb
from tests.attacks.worker import Job

REFUSED = frozenset({2, 3})
DONE = frozenset({0})
MAYBE = frozenset({0, 3})
SECRET = b"BAIT-5f1d9c7e-do-not-copy-this"


@dataclass(frozen=True)
class Case:
    """A job, the codes that are right for it, words its message must hold, and its bundle."""

    family: str
    job: Job
    codes: frozenset[int]
    words: str = ""
    bundle: Path | None = None
    leaves_nothing: bool = False
    most_bytes: int = 0


class Maker:
    """Puts every case into a folder of its own beside a bait that none may open."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.port = root, port
        self.bait = root / "bait"
        self.bait.mkdir()
        self.bait_file = self.bait / "secret.png"
        hb.picture(self.bait_file)
        with self.bait_file.open("ab") as stream:
            stream.write(SECRET)  # after IEND: still a picture, and easy to find again
        self._count = 0
        self.clip = hb.short_clip(root / "clip.mp4")

    def folder(self) -> Path:
        self._count += 1
        folder = self.root / f"case{self._count}"
        (folder / "in").mkdir(parents=True)
        (folder / "work").mkdir()
        return folder

    def case(
        self,
        family: str,
        name: str,
        source: Path,
        codes: frozenset[int],
        words: str = "",
        *options: str,
        formats: str = "html",
        argv: list[str] | None = None,
        **job: object,
    ) -> Case:
        """An audit of ``source`` from the case's working folder into ``out`` there."""
        work = source.parents[0] if source.parent.name != "in" else source.parents[1]
        cwd = work / "work" if (work / "work").is_dir() else work
        words_of_command = argv or ["audit", str(source), "-o", "out", "--format", formats]
        made = Job(
            name=f"{family}: {name}",
            argv=[*words_of_command, *options],
            cwd=str(cwd),
            readable=[str(source)],
            bait=[str(self.bait_file), str(self.bait)],
            **job,  # type: ignore[arg-type]  # fields of Job
        )
        refused = 0 not in codes
        return Case(family, made, codes, words, None if refused else cwd / "out", refused)

    def file(self, name: str | bytes, content: bytes) -> Path:
        path = self.folder() / "in" / os.fsdecode(name)
        path.write_bytes(content)
        return path


def scripts(make: Maker) -> Iterator[Case]:
    """Playlists, descriptions and documents named as media."""
    for name, raw in hb.scripts(str(make.bait_file), make.port).items():
        for ending in ("mp4", "png"):
            path = make.file(f"clip.{ending}", raw)
            yield make.case("playlist or script", f"{name} as .{ending}", path, REFUSED, "clip.")
    for name, raw in hb.disguised_scripts(str(make.bait_file), make.port).items():
        yield make.case("playlist or script", name, make.file("clip.mp4", raw), REFUSED, "clip.mp4")
    clip = make.clip.read_bytes()
    for kind in (b"url ", b"alis"):
        path = make.file("clip.mp4", hb.reference_movie(clip, str(make.bait_file), kind))
        yield make.case("playlist or script", f"reference movie {kind.decode()}", path, MAYBE)


NAMES: tuple[str | bytes, ...] = (
    "-y.png",
    "--force.png",
    ";touch owned.png",
    "$(touch owned).png",
    "`touch owned`.png",
    "|touch owned.png",
    "%s%n%x.png",
    "%2e%2e%2f.png",
    "\u202egnp.exe.png",
    "a\u200bb\ufeffc\u2066d.png",
    "<script>alert(1)<script>.png",
    '"><svg onload=alert(1)>.png',
    "' onerror='alert(1).png",
    "{{7*7}}{% for %}.png",
    "javascript:alert(1).png",
    "\x1b[2J\x1b]0;owned\x07.png",
    "a\nb\r\nforensics: all good.png",
    "=cmd|' -C calc'!A0.png",
    "+1+1.png",
    "@SUM(1).png",
    "\t=1+1.png",
    "CON.png",
    ".png",
    "...png",
    " .png",
    "e\u0301\u0327.png",
    "x" * 250 + ".png",
    "\u3042" * 83 + ".png",
    b"\xff\xfe\x80.png",
    "\U0001f600" * 60 + ".png",
)


def names(make: Maker) -> Iterator[Case]:
    """Names that drive shells, terminals, browsers and spreadsheets, all in one folder."""
    content = hb.picture(make.root / "plain.png").read_bytes()
    folder = make.folder() / "in"
    for raw in NAMES:
        (folder / os.fsdecode(raw)).write_bytes(content)
    yield make.case("names", "all in one folder of frames", folder, DONE)
    clip = make.clip.read_bytes()
    for raw in (b"\xff.mp4", "\u3042" * 83 + ".mp4", "\x1b[31m=1+1.mp4"):
        yield make.case("names", f"clip {raw!r:.40}", make.file(raw, clip), DONE)


def names_each(make: Maker) -> Iterator[Case]:
    """The same names, each of a picture of its own."""
    content = hb.picture(make.root / "single.png").read_bytes()
    for number, raw in enumerate(NAMES):
        name = os.fsdecode(raw)
        path = make.file(raw, content)
        argv = None
        if name.startswith("-"):
            argv = ["audit", "-o", "out", "--format", "html", "--", f"../in/{name}"]
        yield make.case("names, each", f"{number} {ascii(name)[:40]}", path, DONE, argv=argv)


def metadata(make: Maker) -> Iterator[Case]:
    """Tags that attack whatever shows them."""
    text = hb.HOSTILE_TEXT
    tags = {"title": text, "artist": text, "comment": text, "encoder": text}
    folder = make.folder() / "in"
    family = "metadata"
    clip = hb.short_clip(folder / "clip.mp4", **tags)
    yield make.case(family, "MP4 tags, with PDF", clip, DONE, formats="html,pdf")
    yield make.case(family, "Matroska", hb.tagged_matroska(make.folder() / "in" / "c.mkv"), DONE)
    yield make.case(family, "PNG text", hb.tagged_png(make.folder() / "in" / "a.png"), DONE)
    yield make.case(family, "JPEG EXIF", hb.tagged_jpeg(make.folder() / "in" / "a.jpg"), DONE)
    path = hb.picture(make.folder() / "in" / "a.png")
    said = ("--case", text, "--operator", text, "--purpose", text)
    yield make.case(family, "case, operator and purpose", path, DONE, "", *said)


def sizes(make: Maker) -> Iterator[Case]:
    """Headers that declare more than there is, or more than is read."""
    clip = make.clip.read_bytes()
    family = "huge and bombs"
    refused: dict[str, tuple[str, bytes, str]] = {
        "65535 px PNG": ("a.png", hb.huge_png(65535), "pixels"),
        "2^31 px PNG": ("a.png", hb.huge_png(2**31 - 1), ""),
        "65500 px BMP": ("a.bmp", hb.bitmap_header(65500), "pixels"),
        "65500 px JPEG": ("a.jpg", hb.jpeg_header(65500), "pixels"),
        "65535 px TIFF": ("a.tif", hb.tiff_header(65535), "pixels"),
        "10^6 + 1 frames": ("a.mp4", hb.declared_frames(clip + bytes(1_000_100), 1_000_001), ""),
        "4 * 10^9 frames": ("a.mp4", hb.declared_frames(clip, 4_000_000_000), ""),
    }
    for name, (file, raw, words) in refused.items():
        yield make.case(family, name, make.file(file, raw), REFUSED, words)
    # FFmpeg believes the stream, not the box: what counts is that the caps hold.
    path = make.file("a.mp4", hb.declared_size(clip, 65535, 65535))
    yield make.case(family, "65535 px MP4", path, MAYBE)
    path = make.file("a.mp4", hb.declared_duration(clip, 335_000))
    yield make.case(family, "four days declared", path, MAYBE)
    far = hb.far_apart(make.folder() / "in" / "a.mp4", 7 * 3600)
    yield make.case(family, "two frames seven hours apart", far, REFUSED, "seconds")
    path = make.file("a.mp4", hb.declared_frames(clip + bytes(100_100), 100_000))
    yield make.case(family, "10^5 frames of one byte", path, MAYBE)
    bomb = make.file("a.png", hb.zero_png(15_000, 3_300))
    yield make.case(family, "49 M zero pixels, 4 times", bomb, REFUSED, "--upscale", "-s", "4")
    over = make.file("a.png", hb.zero_png(15_000, 6_000))
    yield make.case(family, "90 M zero pixels", over, REFUSED, "pixels")
    text = hb.text_bomb_png(make.folder() / "in" / "a.png")
    yield make.case(family, "100 MB of compressed text", text, MAYBE)
    profile = make.file("a.png", hb.profile_bomb_png())
    yield make.case(family, "200 MB of compressed profile", profile, MAYBE)


def numbers(make: Maker) -> Iterator[Case]:
    """Samples that are no numbers."""
    tiff = hb.nan_tiff(make.folder() / "in" / "a.tif")
    yield make.case("NaN", "floating-point TIFF", tiff, REFUSED, "mode F")
    exr = make.file("a.exr", b"\x76\x2f\x31\x01" + bytes(200))
    yield make.case("NaN", "OpenEXR", exr, REFUSED, "not footage")
    pfm = make.file("a.pfm", b"Pf\n2 2\n-1.0\n" + b"\0\0\xc0\x7f" * 4)
    yield make.case("NaN", "PFM", pfm, REFUSED, "not footage")
    path = hb.picture(make.folder() / "in" / "a.png")
    case = make.case("NaN", "from the restorer", path, frozenset({3}), "", engines="nan")
    bundle = Path(case.job.cwd) / "out"
    yield Case(case.family, case.job, case.codes, "not restored", bundle)


def weights(make: Maker) -> Iterator[Case]:
    """Pickles with code where weights belong."""
    from forensics.models.catalogue import ALEXNET
    from forensics.models.load import EMBEDDED

    for name, argv in {"models verify": ["models", "verify"], "models list": None}.items():
        folder = make.folder()
        marker = folder / "executed"
        (folder / "in" / ALEXNET.file).write_bytes(hb.pickled_code(marker))
        codes = frozenset({4}) if argv else DONE
        case = make.case(
            "pickled code",
            f"as official weights, {name}",
            folder / "in" / ALEXNET.file,
            codes,
            argv=argv or ["models", "list"],
            marker=str(marker),
            models=str(folder / "in"),
        )
        yield Case(case.family, case.job, codes)
    for name in ("official", "embedded", "embedded, card changed too"):
        folder = make.folder()
        marker = folder / "executed"
        code = hb.pickled_code(marker)
        path = hb.picture(folder / "in" / "a.png")
        places = {"models": str(folder / "none")}
        if name == "official":
            (folder / "models").mkdir()
            (folder / "models" / ALEXNET.file).write_bytes(code)
            places = {"models": str(folder / "models")}
        else:
            shutil.copytree(EMBEDDED, folder / "embedded")
            (folder / "embedded" / "restorer.safetensors").write_bytes(code)
            places["embedded"] = str(folder / "embedded")
        if name.endswith("too"):
            _change_card(folder / "embedded" / "restorer.json", code)
        case = make.case(
            "pickled code",
            f"as {name} weights, audit",
            path,
            frozenset({4}),
            marker=str(marker),
            engines="real",
            **places,
        )
        readable = [*case.job.readable, *places.values()]
        case.job.readable[:] = readable
        yield case


def _change_card(card: Path, weights_raw: bytes) -> None:
    import hashlib

    document = json.loads(card.read_text("utf-8"))
    document["sha256"] = hashlib.sha256(weights_raw).hexdigest()
    card.write_text(json.dumps(document), "utf-8")


ALL: tuple[Callable[[Maker], Iterator[Case]], ...] = (
    scripts,
    names,
    names_each,
    metadata,
    sizes,
    numbers,
    weights,
)

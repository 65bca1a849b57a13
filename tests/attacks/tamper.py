"""Tampering: every way to change a sealed bundle, by class, with the words that must name it.

An `Attack` changes a copy in place.  ``words`` are what one of the failed lines must hold; for the
attackers who re-hash, the stale or foreign signature is named instead, where nothing else shows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.attacks.sealed import ATTACKERS, Attacker, Target

Act = Callable[[Path], object]
PLAIN: tuple[Attacker, ...] = ("does not re-hash",)
SEED = 20260103
# Small text files whose every bit is meant; pictures and media are chosen by name where needed.
RECORDS = (
    "data/audit.json",
    "data/frames.jsonl",
    "data/faces.jsonl",
    "data/faces.csv",
    "data/log/events.jsonl",
    "data/run/environment.json",
    "data/run/command.json",
    "data/report/report.html",
)
MEDIA = ("data/original/two_people.mp4", "data/restored/two_people.mp4")
PICTURES = (
    "data/cropped_faces/000001_00.png",
    "data/restored_faces/000001_00.png",
    "data/cmp/000001_00.png",
    "data/maps/000001_00.png",
)
TAGS = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest-sha512.txt",
        "tagmanifest-sha256.txt", "tagmanifest-sha512.txt")  # fmt: skip
SIGNATURES = ("signatures/bundle.dsse.json", "signatures/signer.pem")


@dataclass(frozen=True)
class Attack:
    """One change of a bundle."""

    fault: str
    name: str
    act: Act
    words: tuple[str, ...]
    attackers: tuple[Attacker, ...] = ATTACKERS
    pack: Callable[[Path], Path] | None = None
    """Makes of the changed folder what is checked."""
    seamless: bool = False
    """Everything adds up: without a key nothing may be found but that nobody checked the signer."""


def base(path: str) -> str:
    """The file's own name; the log's faults carry the name of their step."""
    return "events:" if path.endswith("events.jsonl") else path.rsplit("/", 1)[-1]


def flip(path: str, rng: random.Random) -> Act:
    def act(root: Path) -> None:
        raw = bytearray((root / path).read_bytes())
        bit = rng.randrange(len(raw) * 8)
        raw[bit // 8] ^= 1 << bit % 8
        (root / path).write_bytes(raw)

    return act


def replace(path: str, change: Callable[[bytes], bytes]) -> Act:
    def act(root: Path) -> None:
        target = root / path
        before = target.read_bytes()
        after = change(before)
        assert after != before, path
        target.write_bytes(after)

    return act


def add(path: str, content: bytes = b"x") -> Act:
    def act(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)

    return act


def swap(one: str, two: str) -> Act:
    def act(root: Path) -> None:
        a, b = (root / one).read_bytes(), (root / two).read_bytes()
        (root / one).write_bytes(b)
        (root / two).write_bytes(a)

    return act


def delete(*paths: str) -> Act:
    def act(root: Path) -> None:
        for path in paths:
            (root / path).unlink()

    return act


def together(*acts: Act) -> Act:
    def act(root: Path) -> None:
        for one in acts:
            one(root)

    return act


def flips(target: Target) -> Iterator[Attack]:
    """One bit in every file, whoever the attacker."""
    rng = random.Random(SEED)
    files = sorted(
        p.relative_to(target.bundle).as_posix() for p in target.bundle.rglob("*") if p.is_file()
    )
    for path in files:
        words = (path.rsplit("/", 1)[-1], "signature", "bundle.dsse.json", "time stamp")
        yield Attack("bit flip", path, flip(path, rng), words, PLAIN)
    for path in (*RECORDS, *MEDIA, *PICTURES[:2]):
        words = (base(path), path.split("/")[1], "chain", "pixels", "seal event")
        yield Attack("bit flip", f"{path}, sealed again", flip(path, rng), words, ATTACKERS[1:])


def cuts(target: Target) -> Iterator[Attack]:
    """Files cut short or emptied, and files that grew."""
    for path in (*MEDIA, *PICTURES[:2], *RECORDS[1:4], *TAGS[2:4], *SIGNATURES):
        who = PLAIN if not path.startswith("data/") else ATTACKERS
        cut = replace(path, lambda raw: raw[: len(raw) * 2 // 3])
        yield Attack("truncation", path, cut, (base(path),), who)
        empty = replace(path, lambda raw: b"")
        yield Attack("truncation", f"{path}, emptied", empty, (base(path),), PLAIN)
    for path in (*MEDIA, *PICTURES, *RECORDS, *TAGS, *SIGNATURES):
        who = PLAIN if not path.startswith("data/") else ATTACKERS
        grown = replace(path, lambda raw: raw + b"\n")
        yield Attack("appended bytes", path, grown, (base(path),), who)


def swaps(target: Target) -> Iterator[Attack]:
    """Files in each other's place."""
    pairs = (
        MEDIA,
        (PICTURES[0], "data/cropped_faces/000002_00.png"),
        (PICTURES[1], "data/restored_faces/000001_01.png"),
        (PICTURES[0], PICTURES[1]),
        (PICTURES[2], "data/cmp/000002_00.png"),
        (PICTURES[3], "data/maps/000002_00.png"),
        ("data/frames.jsonl", "data/faces.jsonl"),
        ("data/frames/original.framehash", "data/frames/restored.framehash"),
        ("data/run/environment.json", "data/run/command.json"),
    )
    for one, two in pairs:
        words = (base(one), base(two))
        yield Attack("swapped files", f"{one} and {base(two)}", swap(one, two), words)
    for one, two in ((TAGS[2], TAGS[3]), (TAGS[4], TAGS[5]), SIGNATURES):
        words = (base(one), base(two))
        yield Attack("swapped files", f"{one} and {two}", swap(one, two), words, PLAIN)


def missing(target: Target) -> Iterator[Attack]:
    """Files taken away and put in."""
    for path in (*PICTURES, *RECORDS, MEDIA[1]):
        yield Attack("deleted files", path, delete(path), (base(path),))
    for path in (*TAGS, *SIGNATURES):
        yield Attack("deleted files", path, delete(path), (base(path),), PLAIN)
    yield Attack(
        "deleted files", "both tag manifests", delete(*TAGS[4:]), ("tagmanifest-sha256.txt",), PLAIN
    )
    yield Attack(
        "deleted files",
        "both tag manifests and the signature",
        delete(*TAGS[4:], *SIGNATURES, "signatures/bundle.dsse.json.tsr"),
        ("tagmanifest-sha256.txt",),
        PLAIN,
    )
    strangers = (
        "data/extra.txt",
        "data/maps/000009_07.png",
        "data/restored/b.mp4",
        "data/report/report.pdf",
        "data/original/b.mp4",
        "data/cropped_faces/notes.txt",
    )
    for path in strangers:
        words = (base(path), f"{path.rsplit('/', 1)[0]}/ holds 2 files")
        yield Attack("added files", path, add(path), words)
    outside = ("extra.txt", "signatures/other.pem", "signatures/a.ots", ".hidden", "data.zip")
    for path in outside:
        yield Attack("added files", path, add(path), (base(path),), PLAIN)
    line = b"https://example.org/x - data/x.bin\n"
    yield Attack("added files", "fetch.txt", add("fetch.txt", line), ("fetch.txt",), PLAIN)
    listed = together(add("fetch.txt", line), _listed_as_tag("fetch.txt"))
    yield Attack("added files", "fetch.txt, listed as a tag", listed, ("fetch.txt",), PLAIN)


def _listed_as_tag(name: str) -> Act:
    """Add a file at the root to both tag manifests, as another writer would."""
    import hashlib

    def act(root: Path) -> None:
        raw = (root / name).read_bytes()
        for algorithm in ("sha256", "sha512"):
            path = root / f"tagmanifest-{algorithm}.txt"
            digest = hashlib.new(algorithm, raw).hexdigest()
            lines = [*path.read_text("utf-8").splitlines(), f"{digest}  {name}"]
            lines.sort(key=lambda text: text.split("  ", 1)[1])
            path.write_text("\n".join(lines) + "\n", "utf-8")

    return act


def respelled(target: Target) -> Iterator[Attack]:
    """Tag files that say the same in another spelling."""
    changes: dict[str, Callable[[bytes], bytes]] = {
        "capitals": lambda raw: raw[:64].upper() + raw[64:],
        "CRLF": lambda raw: raw.replace(b"\n", b"\r\n"),
        "another order": lambda raw: b"".join(reversed(raw.splitlines(keepends=True))),
        "a line twice": lambda raw: raw + raw.splitlines(keepends=True)[-1],
        "a binary mark": lambda raw: raw.replace(b"  ", b" *", 1),
        "no last line feed": lambda raw: raw[:-1],
        "BOM": lambda raw: b"\xef\xbb\xbf" + raw,
        "./ before a path": lambda raw: raw.replace(b"  ", b"  ./", 1),
    }
    for name, change in changes.items():
        for tag in (TAGS[2], TAGS[4]):
            act = replace(tag, change)
            yield Attack("respelled manifests", f"{tag}: {name}", act, (tag,), PLAIN)
    declared = replace("bagit.txt", lambda raw: raw.replace(b"1.0", b"0.97"))
    yield Attack("respelled manifests", "BagIt 0.97", declared, ("BagIt 1.0",), PLAIN)
    for algorithm in ("md5", "sha1"):
        weak = add(f"manifest-{algorithm}.txt", b"0" * 32 + b"  data/audit.json\n")
        words = (f"manifest-{algorithm}.txt",)
        yield Attack("respelled manifests", f"a {algorithm} manifest", weak, words, PLAIN)


def places(target: Target) -> Iterator[Attack]:
    """Links and names that look like others."""

    def link(path: str, absolute: bool) -> Act:
        def act(root: Path) -> None:
            aside = root.parent / f"{root.name}-aside-{base(path)}"
            (root / path).rename(aside)
            (root / path).symlink_to(aside if absolute else f"../../../{aside.name}")

        return act

    for path in (MEDIA[1], PICTURES[0], "data/audit.json", "data/maps", "signatures"):
        words = (f"{path!r} is a link",)
        yield Attack("links and names", f"link at {path}", link(path, True), words, PLAIN)
    self_link = together(delete(PICTURES[0]), lambda root: (root / PICTURES[0]).symlink_to(root))
    yield Attack("links and names", "link to itself", self_link, ("is a link",), PLAIN)
    names = {
        "data/original/\u202e4pm.exe": "U+202E",
        "data/original/two_people\u200b.mp4": "U+200B",
        "data/original/u\u0308.mp4": "NFC",
        "data/original/two_people.mp4.": "ends with",
        "data/original/two_people.mp4 ": "ends with",
        "data/original/TWO_people.MP4": "one name on some systems",
        "data/report/r\u0435port.html": "r\u0435port.html",
        "data/original/a\x1b[2J.mp4": "U+001B",
        "data/original/a\\b.mp4": "backslash",
        "signatures/bundle.dsse.json\u2060": "U+2060",
        "data/\ufeffaudit.json": "U+FEFF",
    }
    for path, words in names.items():
        yield Attack("links and names", ascii(path), add(path), (words,), PLAIN)


ALL = (flips, cuts, swaps, missing, respelled, places)

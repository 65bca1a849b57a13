"""Tampering with wholes: credentials inside a medium, archives, and bundles re-made without a seam.

A bundle that an attacker re-made consistently is intact for everybody who holds no key of the true
signer: `Attack.seamless` says that exactly this, and no more, must come out without a key.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from forensics.evidence.archive import write_archive
from forensics.evidence.lines import iter_faces
from forensics.evidence.table import FaceTable
from tests.attacks.sealed import ATTACKERS, Target
from tests.attacks.tamper import MEDIA, PICTURES, PLAIN, Act, Attack, base, replace, together
from tests.attacks.tamper_records import FACES, HTML, audit, document, in_line

RESTORED = MEDIA[1]
Items = list[tuple[zipfile.ZipInfo, bytes]]
_DAY_ONE = (1980, 1, 1, 0, 0, 0)


# ---------------------------------------------------------------- credentials in a medium


def credentials(target: Target) -> Iterator[Attack]:
    """Bytes that C2PA's own check does not cover, or that take the credentials away."""
    for after in (4, 5, 6, 7, 8, 11):
        act = replace(RESTORED, _flip_after(b"ftyp", after))
        yield Attack("C2PA and boxes", f"ftyp, byte {after}", act, (base(RESTORED),))
    free = struct.pack(">I", 108) + b"free" + bytes(100)
    changes: dict[str, Callable[[bytes], bytes]] = {
        "free box appended": lambda raw: raw + free,
        "free box after ftyp": lambda raw: raw[: _first_box(raw)] + free + raw[_first_box(raw) :],
        "free box in front": lambda raw: free + raw,
        "credentials taken out": _without_credentials,
        "credentials blanked": lambda raw: raw.replace(b"uuid", b"free", 1),
        "moov, one bit": _flip_after(b"mvhd", 20),
        "mdat, one bit": _flip_after(b"mdat", 60),
    }
    for name, change in changes.items():
        act = replace(RESTORED, change)
        yield Attack("C2PA and boxes", name, act, (base(RESTORED), "the restored file"))


def _flip_after(mark: bytes, after: int) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        at = raw.index(mark) + len(mark) + after
        return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]

    return change


def _first_box(raw: bytes) -> int:
    return int(struct.unpack_from(">I", raw)[0])


def _without_credentials(raw: bytes) -> bytes:
    """The file without its first ``uuid`` box, where C2PA lies."""
    at = raw.index(b"uuid") - 4
    return raw[:at] + raw[at + struct.unpack_from(">I", raw, at)[0] :]


# ---------------------------------------------------------------- archives


def archives(target: Target) -> Iterator[Attack]:
    """The bundle as a ZIP, with every trick of the format."""
    top = target.bundle.name

    def adding(name: str, content: bytes = b"x", mode: int = 0, squeeze: bool = False) -> Act:
        def change(items: Items) -> Items:
            more = _info(name)
            more.external_attr = (mode or 0o100644) << 16
            if squeeze:
                more.compress_type = zipfile.ZIP_DEFLATED
            return [*items, (more, content)]

        return _packed(change)

    def squeezed(items: Items) -> Items:
        for item, _ in items:
            item.compress_type = zipfile.ZIP_DEFLATED
        return items

    tricks: dict[str, tuple[Act, str]] = {
        "a name twice": (adding(f"{top}/data/audit.json", b"{}"), "is there twice"),
        "../": (adding("../outside"), "leads out of the bundle"),
        "../ inside": (adding(f"{top}/../../x"), "leads out of the bundle"),
        "absolute": (adding("/etc/passwd"), "is absolute"),
        "drive": (adding("C:/x"), "is absolute"),
        "link": (adding(f"{top}/data/zlink", b"/etc/passwd", stat.S_IFLNK | 0o777), "is a link"),
        "bomb": (adding(f"{top}/data/z", bytes(3_000_000), squeeze=True), "would grow"),
        "second folder": (adding("zother/x"), "lies outside the folder"),
        "look-alike": (adding(f"{top}/data/AUDIT.json"), "one name on some"),
        "bidi": (adding(f"{top}/data/z\u202egnp"), "U+202E"),
        "unlisted file": (adding(f"{top}/data/extra.txt"), "extra.txt"),
        "compressed": (_packed(squeezed), "is compressed"),
        "reversed": (_packed(lambda items: items[::-1]), "not in the order"),
        "a file left out": (_packed(lambda items: items[:-1]), "tagmanifest-sha512.txt"),
        "bytes behind": (_raw(lambda raw: raw + b"x"), "follow the archive's end"),
        "bytes in front": (_raw(lambda raw: b"#!/bin/sh\n" + raw), "archive"),
        "comment": (_raw(lambda raw: raw[:-2] + b"\x03\x00abc"), "follow the archive's end"),
    }
    for name, (act, words) in tricks.items():
        # What else departs from the one spelling may be named instead.
        accepted = (words, "not in the form this tool writes", "two_people-audit")
        yield Attack("ZIP", name, act, accepted, PLAIN)
    for path in (MEDIA[1], PICTURES[0], "data/faces.csv", HTML):
        yield Attack(
            "ZIP",
            f"{path} changed, packed again",
            replace(path, lambda raw: raw + b"\n"),
            (base(path),),
            ATTACKERS,
            pack=write_archive,
        )
    for name in ("case", "operator", "purpose", "version"):
        act = audit(lambda d, n=name: d["run"].update({n: "changed"}))
        yield Attack(
            "ZIP", f"{name} changed, packed again", act, ("audit.json",), ATTACKERS[1:],
            pack=write_archive,
        )  # fmt: skip


def _info(name: str) -> zipfile.ZipInfo:
    item = zipfile.ZipInfo(name, _DAY_ONE)
    item.external_attr = 0o100644 << 16
    item.flag_bits = 0x800
    item.create_system = 3
    return item


def _packed(change: Callable[[Items], Items]) -> Act:
    """The archive written again by Python's own writer, as most people would."""

    def act(root: Path) -> None:
        archive = write_archive(root)
        with zipfile.ZipFile(archive) as box:
            items = [(_info(name), box.read(name)) for name in box.namelist()]
        with warnings.catch_warnings(), zipfile.ZipFile(archive, "w") as box:
            warnings.simplefilter("ignore")  # of names that are there twice
            for item, content in change(items):
                box.writestr(item, content)

    return act


def _raw(change: Callable[[bytes], bytes]) -> Act:
    def act(root: Path) -> None:
        archive = write_archive(root)
        archive.write_bytes(change(archive.read_bytes()))

    return act


# ---------------------------------------------------------------- re-made without a seam


def seamless(target: Target) -> Iterator[Attack]:
    """Lies in which everything adds up; only whose signature it is tells them from the truth."""

    def run(**changes: object) -> Act:
        acquired = document("data/run/acquisition.json", lambda d: d.update(changes))
        return together(audit(lambda d: d["run"].update(changes)), acquired)

    edits: dict[str, Act] = {
        "another case": run(case="2026-666"),
        "another operator": run(operator="Somebody Else"),
        "no purpose": run(purpose=None),
        "another model licence": audit(lambda d: d["models"][0].update(licence="MIT")),
        "another card": audit(lambda d: d["models"][0].update(card="other.md")),
        "a kinder note": audit(lambda d: d["source"].update(note="shot by our own crew")),
        "kinder words of a flag": audit(lambda d: d["flags"][0].update(words="Nothing to see.")),
        "a kinder summary": audit(lambda d: d["people"][0].update(summary="Person 00: fine.")),
        "a limit left out": audit(lambda d: d["limits"].pop()),
        "another measure": together(in_line(FACES, 0, _lower), _table_again),
        "another report": replace(HTML, lambda raw: raw.replace(b"drawn", b"genuine")),
        "another original": _medium(MEDIA[0], "source"),
        "another restored clip": _medium(MEDIA[1], "restored"),
        "another pair picture": replace(
            PICTURES[2], lambda raw: (target.bundle / "data/cmp/000002_00.png").read_bytes()
        ),
    }
    for name, act in edits.items():
        yield Attack("re-made whole", name, _mended(act), (), ATTACKERS[2:], seamless=True)


def _mended(act: Act) -> Act:
    """The same, and every record that names a changed file's digest names the new one."""

    def whole(root: Path) -> None:
        before = _digests(root)
        act(root)
        for _ in range(3):  # a record that was mended has a new digest itself
            after = _digests(root)
            for path, old in before.items():
                if after[path] != old:
                    _everywhere(root, old, after[path])
            before = after

    return whole


def _digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in (root / "data").rglob("*") if path.is_file())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _lower(face: dict[str, Any]) -> None:
    face["measures"]["blur"] = 0.125


def _table_again(root: Path) -> None:
    table = FaceTable(root / "data")
    for face in iter_faces(root):
        table.write(face)
    table.close()


def _medium(path: str, record: str) -> Act:
    """Another file, and its digests wherever the records hold them."""

    def act(root: Path) -> None:
        old = (root / path).read_bytes()
        new = old[:-1] + bytes([old[-1] ^ 1])
        (root / path).write_bytes(new)
        for name in ("sha256", "sha512"):
            before, after = (hashlib.new(name, raw).hexdigest() for raw in (old, new))
            _everywhere(root, before, after)

    return act


def _everywhere(root: Path, old: str, new: str) -> None:
    """Replace a digest in every record, and join the event chain again."""
    for path in sorted(root.glob("data/**/*.json*")):
        raw = path.read_bytes()
        if path.name == "events.jsonl":
            previous, out = "0" * 64, b""
            for line in raw.replace(old.encode(), new.encode()).splitlines(keepends=True):
                at = line.index(b'"prev":"') + 8
                line = line[:at] + previous.encode() + line[at + 64 :]
                previous = hashlib.sha256(line).hexdigest()
                out += line
            path.write_bytes(out)
        elif old.encode() in raw:
            path.write_bytes(raw.replace(old.encode(), new.encode()))


ALL = (credentials, archives, seamless)

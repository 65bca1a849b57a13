"""A bundle as one ZIP: equal bytes each time, read in place, every trick of the format refused."""

from __future__ import annotations

import os
import random
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.errors import InputError, UsageError
from forensics.evidence.archive import Entry, archive_path, check_target, closing, write_archive
from forensics.evidence.archive_tree import open_tree, scan_archive
from forensics.evidence.tree import scan
from forensics.evidence.verify import verify
from tests.evidence.edits import edit, failed_steps

DAY_ONE = (1980, 1, 1, 0, 0, 0)


@pytest.fixture(scope="module")
def packed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ZIP of a small sealed bundle that no test may change."""
    return write_archive(made).rename(tmp_path_factory.mktemp("packed") / "bundle.zip")


def members(archive: Path) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as box:
        return [(name, box.read(name)) for name in box.namelist()]


def repack(path: Path, items: list[tuple[zipfile.ZipInfo, bytes]]) -> Path:
    """A ZIP as Python's own writer makes it from ``items``."""
    with zipfile.ZipFile(path, "w") as box:
        for info, content in items:
            box.writestr(info, content)
    return path


def info(name: str) -> zipfile.ZipInfo:
    item = zipfile.ZipInfo(name, DAY_ONE)
    item.external_attr = 0o100644 << 16
    item.flag_bits = 0x800
    return item


def test_the_zip_holds_every_file_stored_and_other_tools_read_it(made: Path, packed: Path) -> None:
    with zipfile.ZipFile(packed) as box:
        assert box.testzip() is None
        stored = {item.filename: item.file_size for item in box.infolist()}
        assert {item.compress_type for item in box.infolist()} == {zipfile.ZIP_STORED}
        assert {item.date_time for item in box.infolist()} == {DAY_ONE}
    assert stored == {f"{made.name}/{name}": size for name, size in scan(made).files.items()}


def test_the_same_bundle_gives_the_same_bytes(made: Path, packed: Path) -> None:
    again = write_archive(made)
    assert again.read_bytes() == packed.read_bytes()
    again.unlink()


def test_verify_reads_the_zip_as_it_reads_the_folder(made: Path, packed: Path) -> None:
    folder, archive = verify(made), verify(packed)
    assert archive.exit_code == 0
    assert archive.verdict == folder.verdict
    assert archive.steps == folder.steps


def test_verify_unpacks_nothing(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = os.open

    def watch(path: str, flags: int, *rest: int, **more: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            opened.append(str(path))
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", watch)
    assert verify(packed).exit_code == 0
    assert opened == []


def test_every_flipped_bit_is_seen(packed: Path, tmp_path: Path) -> None:
    raw = packed.read_bytes()
    directory = raw.rindex(b"PK\x05\x06") - 4000  # headers and end records are denser in tricks
    rng = random.Random(11)
    places = [rng.randrange(len(raw)) for _ in range(12)]
    places += [rng.randrange(directory, len(raw)) for _ in range(28)]
    for place in places:
        bits = bytearray(raw)
        bits[place] ^= 1 << rng.randrange(8)
        target = tmp_path / "flipped.zip"
        target.write_bytes(bytes(bits))
        result = verify(target)
        assert result.exit_code in {3, 4}, (place, result.first_line)
        assert result.verdict in {"altered", "incomplete"}


# ---------------------------------------------------------------- tricks of the format


def doubled(items: list[tuple[str, bytes]]) -> list[tuple[zipfile.ZipInfo, bytes]]:
    name = next(n for n, _ in items if n.endswith("audit.json"))
    return [*((info(n), c) for n, c in items), (info(name), b"{}")]


def added(name: str) -> Callable[[list[tuple[str, bytes]]], list[tuple[zipfile.ZipInfo, bytes]]]:
    return lambda items: [*((info(n), c) for n, c in items), (info(name), b"x")]


def linked(items: list[tuple[str, bytes]]) -> list[tuple[zipfile.ZipInfo, bytes]]:
    link = info("bundle/data/zlink")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return [*((info(n), c) for n, c in items), (link, b"/etc/passwd")]


def squeezed(items: list[tuple[str, bytes]]) -> list[tuple[zipfile.ZipInfo, bytes]]:
    out = [(info(n), c) for n, c in items]
    for item, _ in out:
        item.compress_type = zipfile.ZIP_DEFLATED
    return out


def bomb(items: list[tuple[str, bytes]]) -> list[tuple[zipfile.ZipInfo, bytes]]:
    big = info("two_people-audit/data/zeros")
    big.compress_type = zipfile.ZIP_DEFLATED
    return [*((info(n), c) for n, c in items), (big, bytes(3_000_000))]


def shuffled(items: list[tuple[str, bytes]]) -> list[tuple[zipfile.ZipInfo, bytes]]:
    return [(info(n), c) for n, c in reversed(items)]


def dated(items: list[tuple[str, bytes]]) -> list[tuple[zipfile.ZipInfo, bytes]]:
    return [(zipfile.ZipInfo(n, (2026, 1, 2, 3, 4, 6)), c) for n, c in items]


TRICKS = [
    pytest.param(doubled, "is there twice", id="doubled"),
    pytest.param(added("../outside"), "leads out of the bundle", id="parent"),
    pytest.param(added("two_people-audit/../../x"), "leads out of the bundle", id="parent-inside"),
    pytest.param(added("/etc/passwd"), "is absolute", id="absolute"),
    pytest.param(added("C:/x"), "is absolute", id="drive"),
    pytest.param(added("zother/x"), "lies outside the folder", id="second-folder"),
    pytest.param(added("zroot"), "lies outside the bundle's folder", id="no-folder"),
    pytest.param(added("two_people-audit/data/AUDIT.json"), "one name on some", id="look-alike"),
    pytest.param(added("two_people-audit/data/z\u202egnp"), "U+202E", id="bidi"),
    pytest.param(added("two_people-audit/data/ze\u0301"), "form NFC", id="decomposed"),
    pytest.param(added("two_people-audit/data/z."), "ends with a dot", id="final-dot"),
    pytest.param(added("two_people-audit/zdir/"), "entry for a folder", id="folder-entry"),
    pytest.param(linked, "is a link", id="link"),
    pytest.param(squeezed, "is compressed", id="compressed"),
    pytest.param(bomb, "would grow", id="bomb"),
    pytest.param(shuffled, "not in the order of names", id="shuffled"),
    pytest.param(dated, "not in the form this tool writes", id="dated"),
]


@pytest.mark.parametrize(("trick", "words"), TRICKS)
def test_tricks_of_the_format_are_named(
    packed: Path,
    tmp_path: Path,
    trick: Callable[[list[tuple[str, bytes]]], list[tuple[zipfile.ZipInfo, bytes]]],
    words: str,
) -> None:
    with pytest.warns(UserWarning, match="Duplicate") if trick is doubled else _nothing():
        target = repack(tmp_path / "tricky.zip", trick(members(packed)))
    result = verify(target)
    assert (result.exit_code, result.verdict) == (4, "altered")
    assert words in failed_steps(result)["names"]


def _nothing() -> pytest.MonkeyPatch.context:
    return pytest.MonkeyPatch.context()


BYTES = [
    pytest.param(lambda raw: raw + b"x", 4, "follow the archive's end", id="behind"),
    pytest.param(lambda raw: b"#!/bin/sh\n" + raw, 4, "", id="before"),
    pytest.param(
        lambda raw: raw[:-2] + b"\x03\x00abc", 4, "follow the archive's end", id="comment"
    ),
    pytest.param(lambda raw: raw[: len(raw) // 2], 3, "cut off", id="cut-off"),
    pytest.param(lambda raw: raw[:4], 3, "", id="only-a-sign"),
    pytest.param(lambda raw: b"", 3, "no ZIP", id="empty"),
    pytest.param(lambda raw: b"something else entirely " * 9, 3, "no ZIP", id="no-zip"),
    pytest.param(lambda raw: closing(0, 0, 0), 3, "no bundle", id="no-file"),
]


@pytest.mark.parametrize(("change", "code", "words"), BYTES)
def test_bytes_around_the_files_are_seen(
    packed: Path, tmp_path: Path, change: Callable[[bytes], bytes], code: int, words: str
) -> None:
    target = tmp_path / "b.zip"
    target.write_bytes(change(packed.read_bytes()))
    result = verify(target)
    assert result.exit_code == code, result.first_line
    assert words in "; ".join(step.reason for step in result.steps)


def test_overlapping_entries_are_a_fault(tmp_path: Path) -> None:
    """Two names for the same bytes, as the densest bombs are made."""
    first = Entry("b/bagit.txt", 0, 0, 0)
    second = Entry("b/data", 0, 0, 0)
    directory = first.central() + second.central()
    raw = first.local() + directory + closing(2, len(directory), len(first.local()))
    (tmp_path / "o.zip").write_bytes(raw)
    assert any(
        "right behind" in f or "headers" in f for f in scan_archive(tmp_path / "o.zip").faults
    )


def test_large_files_and_far_places_have_wide_numbers() -> None:
    entry = Entry("b/x", 7, 5 * 2**30, 6 * 2**30)
    assert struct.pack("<Q", 5 * 2**30) in entry.local()
    assert entry.central().endswith(struct.pack("<3Q", 5 * 2**30, 5 * 2**30, 6 * 2**30))
    assert closing(70_000, 10, 10).startswith(b"PK\x06\x06")


def test_a_changed_file_in_a_rewritten_zip_is_altered(bundle: Path) -> None:
    edit(bundle / "data" / "faces.csv", "restored", "Restored")
    result = verify(write_archive(bundle))
    assert result.exit_code == 4
    assert "'data/faces.csv' was changed" in failed_steps(result)["digests"]


# ---------------------------------------------------------------- writing


def test_nothing_half_written_gets_the_name(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_archive(bundle)
    assert sorted(p.name for p in bundle.parent.iterdir()) == ["bundle"]


def test_an_older_archive_is_kept_without_force(bundle: Path) -> None:
    archive_path(bundle).write_bytes(b"old")
    with pytest.raises(UsageError, match="exists"):
        check_target(bundle, force=False)
    check_target(bundle, force=True)
    write_archive(bundle)
    assert verify(archive_path(bundle)).exit_code == 0


def test_a_folder_with_a_link_is_not_archived(bundle: Path) -> None:
    (bundle / "data" / "link").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="is a link"):
        write_archive(bundle)


def test_what_is_neither_folder_nor_zip_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InputError, match="no regular file"):
        open_tree(tmp_path / "fifo")
    with pytest.raises(InputError, match="no such folder"):
        open_tree(tmp_path / "absent")

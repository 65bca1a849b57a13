"""Archive tree: the files of a ZIP as a bundle's tree, read in place and never unpacked.

Only the one spelling that `archive` writes is accepted: what differs from it by one byte is a
fault.  So no compressed, doubled, overlapping, linked or hidden entry can exist, and nothing can
stand before, between or behind the files.
"""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from forensics.errors import InputError
from forensics.evidence.archive import (
    CENTRAL,
    CENTRAL_SIGN,
    END,
    END_64,
    END_64_SIGN,
    END_SIGN,
    LOCAL_SIGN,
    LOCATOR_64,
    LOCATOR_64_SIGN,
    MAX_16,
    MAX_32,
    STORED,
    Entry,
    closing,
    crc_of,
)
from forensics.evidence.names import collision_key, name_fault
from forensics.evidence.tree import MAX_DEPTH, MAX_FILES, Tree, scan

_MAX_FAULTS: Final = 20
_MAX_COMMENT: Final = 2**16
_LINK: Final = 0o120000
_REPACK: Final = "unpack it and check the folder, or make it with 'forensics audit --zip'"


class NoArchive(InputError):
    """The file is no ZIP, or one that is cut off."""


@dataclass(frozen=True)
class ArchiveTree(Tree):
    """A scanned ZIP; ``places`` are offset and size of each file's bytes."""

    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def open(self, path: str) -> BinaryIO:
        if path not in self.places:
            raise FileNotFoundError(2, "no such file in the bundle", path)
        return window(self.root, *self.places[path])


class _Window(io.RawIOBase):
    """A read-only, seekable view of a stretch of a file that is open."""

    def __init__(self, file: io.RawIOBase, start: int, size: int) -> None:
        super().__init__()
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the beginning")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # typeshed names a private type here
        room = max(0, min(len(buffer), self._size - self._at))
        self._file.seek(self._start + self._at)
        count = self._file.readinto(memoryview(buffer)[:room])
        self._at += count or 0
        return int(count or 0)

    def close(self) -> None:
        self._file.close()
        super().close()


def window(path: Path, start: int, size: int) -> BinaryIO:
    """A stretch of a file as a stream of its own."""
    return io.BufferedReader(_Window(_open(path), start, size))


def _open(path: Path) -> io.FileIO:
    """The raw file; OSError when it is none (a FIFO would hang the check)."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"{path.name!r} is no regular file")
    return io.FileIO(handle, "rb")


@dataclass
class _Scan:
    file: io.FileIO
    size: int
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    crcs: dict[str, int] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Entries that are safe and yet not as this tool writes them."""
    folder: str | None = None
    last: str = ""
    cursor: int = 0
    aligned: bool = True
    """Whether every file so far stood exactly behind the one before."""

    def at(self, offset: int, size: int) -> bytes:
        self.file.seek(offset)
        found = self.file.read(size) if 0 <= offset <= self.size else b""
        return found or b""

    def fault(self, text: str) -> None:
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(text)


def open_tree(path: Path) -> Tree:
    """The tree of a bundle, whether a folder or a ZIP. `InputError` says why there is none."""
    try:
        return scan(path)
    except FileNotFoundError:
        raise InputError("there is no such folder or file") from None
    except NotADirectoryError:
        pass
    except OSError as error:
        raise InputError(f"the folder cannot be read ({error.strerror})") from error
    try:
        if is_archive(path):
            return scan_archive(path)
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror or error})") from error
    raise InputError("this is a file and no ZIP; give what 'forensics audit' wrote")


def is_archive(path: Path) -> bool:
    """Whether a file begins like a ZIP or its end is one. OSError when it cannot be read."""
    with _open(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(4)
        file.seek(max(0, size - END.size))
        return head in {LOCAL_SIGN, END_SIGN} or (file.read(4) == END_SIGN)


def scan_archive(path: Path) -> Tree:
    """The files of a ZIP that are safe to read, with every departure from the one spelling.

    `NoArchive` when there is no directory to read; OSError when the file cannot be read.
    """
    with _open(path) as file:
        found = _Scan(file, file.seek(0, os.SEEK_END))
        end = _find_end(found)
        count, size, offset = _sizes(found, end)
        read = number = 0
        for number, (entry, raw, words) in enumerate(_directory(found, offset, size), 1):
            read += len(raw)
            if number > MAX_FILES:
                found.fault(f"more than {MAX_FILES} files")
                break
            _look_at(found, entry, raw, words)
        if found.foreign:
            first, more = found.foreign[0], len(found.foreign) - 1
            found.fault(
                f"the headers of {first!r}{f' and {more} more' if more else ''} are not in the "
                f"form this tool writes ({_REPACK})"
            )
        if number != count:
            found.fault(f"its directory counts {count} entries and holds {number}")
        if read != size or (found.aligned and found.cursor != offset):
            found.fault("its directory and its files do not join without a gap")
        last = closing(count, size, offset)
        if found.at(found.size - len(last), len(last)) != last or (
            offset + size + len(last) != found.size
        ):
            found.fault(f"its end is not in the form this tool writes ({_REPACK})")
        _check_crcs(found)
    folders = {"/".join(p.split("/")[:n]) for p in found.places for n in range(1, p.count("/") + 1)}
    files = {name: size for name, (_, size) in found.places.items()}
    return ArchiveTree(path, files, tuple(sorted(folders)), tuple(found.faults), (), found.places)


def _find_end(found: _Scan) -> int:
    """Where the end record begins: at the very end, or (a fault) before a comment or garbage."""
    place = found.size - END.size
    if found.at(place, 4) == END_SIGN and place >= 0:
        return place
    start = max(0, found.size - END.size - _MAX_COMMENT)
    before = found.at(start, END.size + _MAX_COMMENT).rfind(END_SIGN)
    if before < 0:
        raise NoArchive("a ZIP without its end: it is cut off or damaged; fetch or copy it again")
    found.fault("bytes follow the archive's end")
    return start + before


def _sizes(found: _Scan, end: int) -> tuple[int, int, int]:
    """Entries, size and offset of the directory, as the end records say."""
    raw = found.at(end, END.size)
    if len(raw) < END.size:
        raise NoArchive("a ZIP whose end is cut off; fetch or copy it again")
    _, _, _, _, count, size, offset, _ = END.unpack(raw)
    if MAX_16 not in {count} and MAX_32 not in {size, offset}:
        return count, size, offset
    locator = found.at(end - LOCATOR_64.size, LOCATOR_64.size)
    if len(locator) < LOCATOR_64.size or not locator.startswith(LOCATOR_64_SIGN):
        return count, size, offset
    place = LOCATOR_64.unpack(locator)[2]
    wide = found.at(place, END_64.size)
    if len(wide) < END_64.size or not wide.startswith(END_64_SIGN):
        raise NoArchive("a ZIP whose end records contradict each other")
    return END_64.unpack(wide)[7], END_64.unpack(wide)[8], END_64.unpack(wide)[9]


def _directory(found: _Scan, offset: int, size: int) -> Iterator[tuple[Entry, bytes, str]]:
    """Entries with their bytes in the directory, and words for what is strange about their kind."""
    place, end = offset, min(offset + size, found.size)
    while place < end:
        raw = found.at(place, CENTRAL.size)
        if len(raw) < CENTRAL.size or not raw.startswith(CENTRAL_SIGN):
            found.fault("its directory is damaged")
            found.aligned = False
            return
        parts = CENTRAL.unpack(raw)
        lengths = parts[10:13]
        raw = found.at(place, CENTRAL.size + sum(lengths))
        name = raw[CENTRAL.size : CENTRAL.size + lengths[0]].decode("utf-8", "surrogateescape")
        extra = raw[CENTRAL.size + lengths[0] :][: lengths[1]]
        packed, large, start = _wide(parts[8], parts[9], parts[16], extra)
        entry = Entry(name, parts[7], large, start)
        yield entry, raw, _strange(name, parts[3], parts[4], parts[15], packed, large)
        place += len(raw)


def _wide(packed: int, size: int, offset: int, extra: bytes) -> tuple[int, int, int]:
    """Sizes and offset, read from the ZIP64 field where the short ones are full."""
    values = [size, packed, offset]
    if MAX_32 in values and extra[:2] == b"\x01\x00":
        numbers = [n for (n,) in struct.iter_unpack("<Q", extra[4 : 4 + (len(extra) - 4) // 8 * 8])]
        for index, value in enumerate(values):
            if value == MAX_32 and numbers:
                values[index] = numbers.pop(0)
    return values[1], values[0], values[2]


def _strange(name: str, flags: int, method: int, attributes: int, packed: int, size: int) -> str:
    """What kind of entry a bundle must not hold this is; empty when it is a plain stored file."""
    if flags & 1:
        return "is encrypted"
    if method != STORED or packed != size:
        times = f" (would grow {size // max(packed, 1)} times)" if size > 10 * packed else ""
        return f"is compressed{times}; only stored files are read ({_REPACK})"
    kind = attributes >> 16 & 0o170000
    if kind == _LINK:
        return "is a link"
    if name.endswith("/") or kind == 0o040000 or attributes & 0x10:
        return f"is an entry for a folder ({_REPACK})"
    return ""


def _look_at(found: _Scan, entry: Entry, raw: bytes, words: str) -> None:
    """Note one entry: a file to read, or a fault."""
    name = entry.name
    folder, _, path = name.partition("/")
    faults = _name_faults(found, name, folder, path)
    if words:
        faults.append(f"{name!r} {words}")
    foreign = raw != entry.central() or (
        found.at(entry.offset, len(entry.local())) != entry.local()
    )
    if foreign and not words:
        found.foreign.append(name)
    if entry.offset != found.cursor:
        if found.aligned and not words and not foreign:
            faults.append(f"{name!r} does not stand right behind the file before it")
        found.aligned = False
    start = entry.offset + len(entry.local())
    if start + entry.size > found.size:
        faults.append(f"{name!r} reaches beyond the end of the archive")
        found.aligned = False
    found.cursor = start + entry.size
    found.last = max(found.last, name)
    for text in faults:
        found.fault(text)
    if not faults and not foreign:
        found.places[path] = (start, entry.size)
        found.crcs[path] = entry.crc


def _name_faults(found: _Scan, name: str, folder: str, path: str) -> list[str]:
    faults = []
    if name.startswith("/") or name[1:2] == ":":
        return [f"the name {name!r} is absolute"]
    parts = name.rstrip("/").split("/")
    if ".." in parts:
        return [f"the name {name!r} leads out of the bundle"]
    for part in parts:
        if fault := name_fault(part):
            faults.append(f"the name {name!r} {fault}")
            break
    if not path and not name.endswith("/"):
        faults.append(f"{name!r} lies outside the bundle's folder")
    if found.folder is None:
        found.folder = folder
    elif folder != found.folder:
        faults.append(f"{name!r} lies outside the folder {found.folder!r}")
    key = collision_key(name)
    if found.keys.get(key) == name:
        faults.append(f"{name!r} is there twice")
    elif key in found.keys:
        faults.append(f"{name!r} and {found.keys[key]!r} are one name on some systems")
    elif name <= found.last:
        faults.append(f"{name!r} is not in the order of names")
    found.keys[key] = name
    if name.count("/") > MAX_DEPTH + 1:
        faults.append(f"{name!r} lies deeper than {MAX_DEPTH} folders")
    return faults


def _check_crcs(found: _Scan) -> None:
    """A checksum that other tools would complain about is a change too."""
    for path, (start, size) in found.places.items():
        with io.FileIO(found.file.fileno(), closefd=False) as again:
            crc, _ = crc_of(io.BufferedReader(_Window(again, start, size)))
        if crc != found.crcs[path]:
            found.fault(f"the checksum of {path!r} in the archive is not that of its bytes")

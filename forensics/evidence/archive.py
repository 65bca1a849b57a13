"""Archive: a sealed bundle as one ZIP in one canonical spelling, nothing compressed.

Files stand in the order of their paths under one folder, without times, links, comments or gaps,
so the same bundle always gives the same bytes, and whoever reads one can ask for exactly these
bytes (`archive_tree`).  Source: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3 to 4.5.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from forensics.errors import InputError, UsageError
from forensics.evidence.names import safe_name
from forensics.evidence.tree import Tree, scan

ENDING: Final = ".zip"
CHUNK: Final = 2**20
UTF8_NAME: Final = 0x800
STORED: Final = 0
REGULAR_FILE: Final = 0o100644 << 16
MAX_16: Final = 0xFFFF
MAX_32: Final = 0xFFFFFFFF
_MADE_ON_UNIX: Final = 3 << 8
_DATE: Final = 0x21  # 1 January 1980, the first day that the format knows
_PLAIN_VERSION: Final = 20
_ZIP64_VERSION: Final = 45
LOCAL: Final = struct.Struct("<4s5H3I2H")
CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
END: Final = struct.Struct("<4s4H2IH")
END_64: Final = struct.Struct("<4sQ2H2I4Q")
LOCATOR_64: Final = struct.Struct("<4sIQI")
LOCAL_SIGN: Final = b"PK\x03\x04"
CENTRAL_SIGN: Final = b"PK\x01\x02"
END_SIGN: Final = b"PK\x05\x06"
END_64_SIGN: Final = b"PK\x06\x06"
LOCATOR_64_SIGN: Final = b"PK\x06\x07"


@dataclass(frozen=True)
class Entry:
    """One file of an archive: its path, CRC-32, size, and where its local header begins."""

    name: str
    crc: int
    size: int
    offset: int

    @property
    def raw_name(self) -> bytes:
        return self.name.encode("utf-8", "surrogateescape")

    def local(self) -> bytes:
        """The header before the file's bytes."""
        large = self.size >= MAX_32
        extra = struct.pack("<2H2Q", 1, 16, self.size, self.size) if large else b""
        shown = MAX_32 if large else self.size
        version = _ZIP64_VERSION if large else _PLAIN_VERSION
        head = LOCAL.pack(
            LOCAL_SIGN,
            version,
            UTF8_NAME,
            STORED,
            0,
            _DATE,
            self.crc,
            shown,
            shown,
            len(self.raw_name),
            len(extra),
        )
        return head + self.raw_name + extra

    def central(self) -> bytes:
        """The line in the directory at the end."""
        large, far = self.size >= MAX_32, self.offset >= MAX_32
        numbers = [self.size] * 2 * large + [self.offset] * far
        extra = (
            struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""
        )
        shown = MAX_32 if large else self.size
        version = _ZIP64_VERSION if numbers else _PLAIN_VERSION
        head = CENTRAL.pack(
            CENTRAL_SIGN,
            _MADE_ON_UNIX | version,
            version,
            UTF8_NAME,
            STORED,
            0,
            _DATE,
            self.crc,
            shown,
            shown,
            len(self.raw_name),
            len(extra),
            0,
            0,
            0,
            REGULAR_FILE,
            MAX_32 if far else self.offset,
        )
        return head + self.raw_name + extra


def closing(count: int, size: int, offset: int) -> bytes:
    """What follows the directory of ``count`` lines, ``size`` bytes long, that is at ``offset``."""
    large = count >= MAX_16 or size >= MAX_32 or offset >= MAX_32
    made = _MADE_ON_UNIX | _ZIP64_VERSION
    wide = (
        END_64.pack(END_64_SIGN, 44, made, _ZIP64_VERSION, 0, 0, count, count, size, offset)
        + LOCATOR_64.pack(LOCATOR_64_SIGN, 0, offset + size, 1)
        if large
        else b""
    )
    few = min(count, MAX_16)
    return wide + END.pack(END_SIGN, 0, 0, few, few, min(size, MAX_32), min(offset, MAX_32), 0)


def archive_path(bundle: Path) -> Path:
    """Where the archive of a bundle's folder stands: beside it."""
    return bundle.with_name(bundle.name + ENDING)


def check_target(bundle: Path, force: bool) -> None:
    """UsageError when the archive's place is taken and ``force`` is not given, or is no file."""
    target = archive_path(bundle)
    if target.is_dir():
        raise UsageError(f"{target.name!r} is a folder.", "Choose another folder with --out.")
    if target.exists() and not force:
        raise UsageError(
            f"The archive {target.name!r} exists.",
            "Choose another folder with --out, or replace it with --force.",
        )


def write_archive(bundle: Path) -> Path:
    """Write the ZIP of a sealed bundle beside it; it appears only when it is complete.

    An older file of that name is replaced.  InputError when the folder holds what a bundle must
    not hold, OSError when it cannot be read or written.
    """
    tree = scan(bundle)
    if tree.faults or tree.unreadable:
        raise InputError(f"The folder cannot be archived: {[*tree.faults, *tree.unreadable][0]}.")
    target = archive_path(bundle)
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as stream:
            for block in _blocks(tree, safe_name(bundle.name)):
                stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _blocks(tree: Tree, folder: str) -> Iterator[bytes]:
    """The archive, piece by piece. Each file is read twice: its CRC-32 comes before its bytes."""
    entries: list[Entry] = []
    offset = 0
    for path in sorted(tree.files):
        with tree.open(path) as stream:
            crc, size = crc_of(stream)
            entry = Entry(f"{folder}/{path}", crc, size, offset)
            yield entry.local()
            stream.seek(0)
            written = 0
            while chunk := stream.read(CHUNK):
                written += len(chunk)
                yield chunk
        if written != size:
            raise InputError(f"{path!r} changed while it was archived.")
        entries.append(entry)
        offset += len(entry.local()) + size
    directory = 0
    for entry in entries:
        line = entry.central()
        directory += len(line)
        yield line
    yield closing(len(entries), directory, offset)


def crc_of(stream: BinaryIO) -> tuple[int, int]:
    """CRC-32 and length of everything from the stream's position to its end."""
    crc = size = 0
    while chunk := stream.read(CHUNK):
        crc = zlib.crc32(chunk, crc)
        size += len(chunk)
    return crc, size

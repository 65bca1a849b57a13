"""The folder as it is found: only regular files are ever opened, and no link is followed.

Whoever made the folder may be hostile, so nothing here trusts a name, a type or a count.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from forensics.evidence.names import collision_key, name_fault

MAX_FILES = 2_000_000
MAX_DEPTH = 8


@dataclass(frozen=True)
class Tree:
    """A scanned folder: regular files by path (POSIX, relative) with their sizes.

    A bundle in a ZIP is an `archive_tree.ArchiveTree`; whoever reads a tree need not know which.
    """

    root: Path
    """The folder, or the ZIP file."""
    files: Mapping[str, int]
    folders: tuple[str, ...]
    faults: tuple[str, ...]
    """What a bundle must not hold, one sentence each."""
    unreadable: tuple[str, ...]
    """Folders that this user may not list."""

    def has(self, path: str) -> bool:
        return path in self.files

    def under(self, folder: str) -> list[str]:
        """Files below ``folder`` (written with its final slash), sorted."""
        return sorted(path for path in self.files if path.startswith(folder))

    def open(self, path: str) -> BinaryIO:
        """Open a scanned file for reading; FileNotFoundError when it is none.

        OSError when the file is no longer what it was when scanned.
        """
        if path not in self.files:
            raise FileNotFoundError(2, "no such file in the bundle", path)
        # Without O_NONBLOCK, a FIFO put in place of the file would hang the check.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        handle = os.open(self.root / path, flags | getattr(os, "O_BINARY", 0))
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(f"{path!r} changed while it was checked")
        return os.fdopen(handle, "rb")

    def read(self, path: str, max_bytes: int) -> bytes:
        """The file's bytes, at most one more than ``max_bytes`` (a sign of too many)."""
        with self.open(path) as stream:
            return stream.read(max_bytes + 1)


@dataclass
class _Scan:
    files: dict[str, int] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


def scan(root: Path) -> Tree:
    """Walk ``root`` without following a link; OSError when it is no readable folder."""
    found = _Scan()
    pending: list[str] = [""]
    while pending and len(found.files) <= MAX_FILES:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            if not folder:
                raise
            found.unreadable.append(f"{folder!r} cannot be listed")
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if _look_at(entry, path, found):
                pending.append(path)
    if len(found.files) > MAX_FILES:
        found.faults.append(f"more than {MAX_FILES} files")
    return Tree(
        root,
        found.files,
        tuple(sorted(found.folders)),
        tuple(found.faults),
        tuple(found.unreadable),
    )


def _look_at(entry: os.DirEntry[str], path: str, found: _Scan) -> bool:
    """Note one entry; True when it is a folder to descend into."""
    if fault := name_fault(entry.name):
        found.faults.append(f"the name {path!r} {fault}")
    key = collision_key(path)
    if key in found.keys:
        found.faults.append(f"{path!r} and {found.keys[key]!r} are one name on some systems")
    found.keys[key] = path
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISREG(status.st_mode):
        found.files[path] = status.st_size
        return False
    if not stat.S_ISDIR(status.st_mode):
        kind = "a link" if stat.S_ISLNK(status.st_mode) else "no regular file"
        found.faults.append(f"{path!r} is {kind}")
        return False
    if path.count("/") >= MAX_DEPTH:
        found.faults.append(f"{path!r} lies deeper than {MAX_DEPTH} folders")
        return False
    found.folders.append(path)
    return True

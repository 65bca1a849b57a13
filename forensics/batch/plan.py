"""Plan: the items of a batch with their ids, and which of them are the same.

Promise: every entry that was named becomes exactly one item, whatever is wrong with it; ids are
safe folder names and differ on every file system; the same sources give the same plan.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics.batch.sources import Entry, Pictures, check_any, gather
from forensics.errors import UsageError
from forensics.evidence.bag import digest_file
from forensics.evidence.names import collision_key, readable_name, safe_name
from forensics.record_batch import BatchItem

ROLL_UP = (
    "batch.json", "batch.html", "batch.pdf", "batch.csv", "batch.sha256", "faces.parquet",
    "signatures", "journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm",
    "journal.sqlite-journal",
)  # fmt: skip
"""Names beside the bundles that no bundle may have."""
_STAGING = ".incomplete"


@dataclass(frozen=True)
class Planned:
    """An item; ``same_as`` is the id of an earlier one with the same bytes and the same pair."""

    item: BatchItem
    same_as: str | None = None


@dataclass(frozen=True)
class BatchPlan:
    """What a batch will do, in order, and what a reader should know about how it was found."""

    items: tuple[Planned, ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """For a person."""
        twice = sum(planned.same_as is not None for planned in self.items)
        text = f"{len(self.items)} item(s) planned"
        if twice:
            text += f", {twice} of them the same as another: those are done once"
        return [f"{text}.", *self.notes]


def make_plan(
    words: Sequence[str], out: Path, *, pictures: Pictures = "auto", private: bool = False
) -> BatchPlan:
    """Plan a batch over ``words`` (folders, patterns, files, tables); reads what it must hash.

    ``private``: items show names alone, no paths.  Raises `UsageError` when nothing was found, for
    a table that cannot be understood, and for an id that is given twice.
    """
    found = gather(words, out, pictures)
    check_any(found.entries, words)
    contents = Contents()
    ids = assign_ids(found.entries, contents)
    first: dict[tuple[str, str | None], str] = {}
    sizes = Counter(contents.size(entry.source) for entry in found.entries)
    planned = []
    for entry, name in zip(found.entries, ids, strict=True):
        item = BatchItem(
            id=name,
            source=entry.source,
            restored=entry.restored,
            named=_shown(entry.named, private),
            restored_named=None
            if entry.restored_named is None
            else _shown(entry.restored_named, private),
        )
        same_as = None
        if sizes[contents.size(entry.source)] > 1:
            key = _content_key(entry, contents)
            same_as = None if key is None else first.setdefault(key, name)
        planned.append(Planned(item, same_as if same_as != name else None))
    notes = [_without_path(n) for n in found.notes] if private else found.notes
    return BatchPlan(tuple(planned), tuple(notes))


def _content_key(entry: Entry, contents: Contents) -> tuple[str, str | None] | None:
    source = contents.digest(entry.source)
    if source is None:
        return None
    if entry.restored is None:
        return source, None
    restored = contents.digest(entry.restored)
    return None if restored is None else (source, restored)


def _shown(named: str, private: bool) -> str:
    return Path(named).name if private else named


def _without_path(note: str) -> str:
    place, colon, rest = note.partition(": ")
    return f"{Path(place).name}{colon}{rest}"


# ---------------------------------------------------------------- contents


class Contents:
    """Sizes and digests of files and folders, each read once."""

    def __init__(self) -> None:
        self._sizes: dict[Path, int | None] = {}
        self._digests: dict[Path, str | None] = {}

    def size(self, path: Path) -> int | None:
        """Bytes of a file, or of all files below a folder; None where it cannot be read."""
        if path not in self._sizes:
            try:
                self._sizes[path] = sum(p.stat().st_size for p in _files(path))
            except OSError:
                self._sizes[path] = None
        return self._sizes[path]

    def digest(self, path: Path) -> str | None:
        """SHA-256 of a file, or of the lines ``DIGEST  NAME`` of a folder; None when unreadable."""
        if path not in self._digests:
            try:
                self._digests[path] = _digest(path)
            except OSError:
                self._digests[path] = None
        return self._digests[path]


def _digest(path: Path) -> str:
    if not path.is_dir():
        return digest_file(path).sha256
    lines = hashlib.sha256(b"folder\n")
    for file in _files(path):
        name = os.fsencode(file.relative_to(path))
        lines.update(digest_file(file).sha256.encode() + b"  " + name + b"\n")
    return lines.hexdigest()


def _files(path: Path) -> list[Path]:
    """The file, or all regular files below the folder, sorted; OSError when it is not there."""
    if not path.is_dir():
        path.stat()
        return [path]
    found = []
    for folder, _, names in os.walk(path):
        found += [Path(folder) / name for name in names]
    return sorted(p for p in found if p.is_file())


# ---------------------------------------------------------------- ids


def assign_ids(entries: Sequence[Entry], contents: Contents) -> list[str]:
    """An id for each entry: as given, else STEM, else STEM-SHA8 where that is taken.

    SHA8 are the first eight digits of the SHA-256 of the source (of its path where it cannot be
    read).  UsageError for a given id that is given twice or is the name of a file of the roll-up.
    """
    ids: list[str | None] = [None] * len(entries)
    taken: set[str] = set()
    for index, entry in enumerate(entries):
        if entry.id is None:
            continue
        name = safe_name(entry.id)
        if _reserved(name):
            raise UsageError(
                f"the id {readable_name(entry.id)!r} is a name of the batch's own files",
                "Give this item another id.",
            )
        if collision_key(name) in taken:
            raise UsageError(
                f"the id {readable_name(entry.id)!r} is given twice, or two ids give one folder",
                "Each id names a folder, so they must differ.",
            )
        taken.add(collision_key(name))
        ids[index] = name
    stems: dict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(entries):
        if entry.id is None:
            stems[collision_key(_stem(entry))].append(index)
    alone = {
        key: indices[0]
        for key, indices in stems.items()
        if len(indices) == 1 and key not in taken and not _reserved(_stem(entries[indices[0]]))
    }
    for key, index in alone.items():
        ids[index] = _stem(entries[index])
        taken.add(key)
    for index, entry in enumerate(entries):
        if ids[index] is None:
            ids[index] = _free(f"{_stem(entry)}-{_short(entry, contents)}", taken)
    return [name for name in ids if name is not None]


def _stem(entry: Entry) -> str:
    return safe_name(entry.source.stem or "source")


def _short(entry: Entry, contents: Contents) -> str:
    digest = contents.digest(entry.source)
    return (digest or hashlib.sha256(os.fsencode(entry.source)).hexdigest())[:8]


def _free(name: str, taken: set[str]) -> str:
    """``name``, or with ``-2``, ``-3`` behind it; notes it as taken."""
    number, candidate = 1, name
    while collision_key(candidate) in taken:
        number += 1
        candidate = f"{name}-{number}"
    taken.add(collision_key(candidate))
    return candidate


def _reserved(name: str) -> bool:
    key = collision_key(name)
    return key in ROLL_UP or key.endswith(_STAGING)

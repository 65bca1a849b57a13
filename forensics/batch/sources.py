"""Sources: what is named on the command line as a list of entries, in a stable order.

Nothing is opened but what tells kinds apart.  Whatever is missing, unreadable or no footage but was
named stays an entry, so that its item fails with the reason; what lies beside footage in a folder
and is none is counted and said.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from forensics.batch.table import TableRow, read_table
from forensics.errors import InputError, UsageError
from forensics.evidence.names import readable_name
from forensics.media.quick import natural_key, sniff_file

Pictures = Literal["auto", "single", "frames"]
VIDEO_SUFFIXES = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".264", ".h264",
     ".265", ".hevc")
)  # fmt: skip
PICTURE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"))
TABLE_SUFFIXES = frozenset((".csv", ".jsonl"))
MAX_DEPTH = 8
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Entry:
    """A source or pair as it was named. ``id`` is given in a table only."""

    source: Path
    named: str
    restored: Path | None = None
    restored_named: str | None = None
    id: str | None = None


@dataclass
class Found:
    """The entries, and sentences about what was left out or decided."""

    entries: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def gather(words: Sequence[str], out: Path, pictures: Pictures = "auto") -> Found:
    """The entries that ``words`` name: folders, patterns, files and tables, in their order.

    ``out`` is never looked into.  ``pictures`` decides what a folder of pictures is: ``frames`` of
    one clip, ``single`` pictures, or ``auto``: frames when nothing else lies there and the names
    differ in one number that counts up without a gap.
    """
    found = Found()
    walk = _Walk(out.resolve(), pictures, found)
    for word in words:
        path = Path(word)
        if path.exists() or not glob.has_magic(word):
            walk.take(path, word)
            continue
        hits = sorted(glob.glob(word, recursive=True), key=natural_key)
        if not hits:
            found.entries.append(Entry(path.absolute(), readable_name(word)))
        for hit in hits:
            walk.take(Path(hit), hit)
    return found


class _Walk:
    """Turns paths into entries."""

    def __init__(self, out: Path, pictures: Pictures, found: Found) -> None:
        self._out, self._pictures, self._found = out, pictures, found

    def take(self, path: Path, word: str) -> None:
        """A path that was named."""
        if path.is_dir():
            self._folder(path, word, 0)
        elif path.suffix.lower() in TABLE_SUFFIXES and path.is_file():
            self._found.entries += [_entry(row) for row in read_table(path)]
        else:
            self._add(path, word)

    def _add(self, path: Path, word: str) -> None:
        self._found.entries.append(Entry(path.absolute(), readable_name(word)))

    def _folder(self, folder: Path, word: str, depth: int) -> None:
        if folder.resolve() == self._out:
            self._found.notes.append(f"{readable_name(word)} is where this batch is written")
            return
        if (folder / "bagit.txt").is_file() or folder.name.endswith(".incomplete"):
            self._found.notes.append(f"{readable_name(word)} is a bundle and was left out")
            return
        try:
            content = _Content.of(folder)
        except OSError as error:
            self._found.notes.append(f"{readable_name(word)} cannot be listed: {error.strerror}")
            self._add(folder, word)
            return
        named = readable_name(word)
        if self._is_clip(content):
            self._found.notes.append(
                f"{named}: {len(content.pictures)} pictures are taken as the frames of one clip "
                "(--pictures single takes them one by one)"
            )
            self._add(folder, word)
            return
        if content.pictures:
            self._found.notes.append(
                f"{named}: {len(content.pictures)} picture(s) are taken one by one"
            )
        if content.others:
            shown = ", ".join(readable_name(p.name) for p in content.others[:3])
            more = ", ..." if len(content.others) > 3 else ""
            self._found.notes.append(
                f"{named}: {len(content.others)} entries are no footage, left out: {shown}{more}"
            )
        for path in content.footage():
            self._add(path, f"{word.rstrip('/')}/{path.name}")
        for below in content.folders:
            if depth >= MAX_DEPTH:
                self._found.notes.append(f"{named}/{readable_name(below.name)} lies too deep")
                continue
            self._folder(below, f"{word.rstrip('/')}/{below.name}", depth + 1)

    def _is_clip(self, content: _Content) -> bool:
        alone = not content.videos and not content.folders
        if self._pictures == "single" or not content.pictures or not alone:
            return False
        return self._pictures == "frames" or counts_up([p.name for p in content.pictures])


@dataclass(frozen=True)
class _Content:
    """What lies in a folder, each in natural order."""

    videos: tuple[Path, ...]
    pictures: tuple[Path, ...]
    folders: tuple[Path, ...]
    others: tuple[Path, ...]

    @classmethod
    def of(cls, folder: Path) -> _Content:
        """OSError when it cannot be listed. A name with a suffix of footage is footage."""
        kinds: dict[str, list[Path]] = {"video": [], "image": [], "folder": [], "other": []}
        for path in sorted(folder.iterdir(), key=lambda p: (natural_key(p.name), p.name)):
            kinds[_kind(path)].append(path)
        return cls(
            *(tuple(kinds[k]) for k in ("video", "image", "folder", "other")),
        )

    def footage(self) -> Iterator[Path]:
        """Clips and pictures, in the order of their names."""
        yield from sorted(
            (*self.videos, *self.pictures), key=lambda p: (natural_key(p.name), p.name)
        )


def _kind(path: Path) -> Literal["video", "image", "folder", "other"]:
    if path.name.startswith("."):
        return "other"
    if path.is_dir():
        return "other" if path.is_symlink() else "folder"
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return "video"
    if suffix in PICTURE_SUFFIXES:
        return "image"
    if not path.is_file():
        return "other"
    try:
        return sniff_file(path).kind
    except InputError:
        return "other"


def counts_up(names: Sequence[str]) -> bool:
    """Whether the names are those of frames: equal but for one number that counts up by one.

    At least two names; where several numbers stand in a name, the one that differs counts.
    """
    if len(names) < 2:
        return False
    shapes = {_NUMBER.sub("0", name) for name in names}
    if len(shapes) != 1:
        return False
    numbers = [[int(n) for n in _NUMBER.findall(name)] for name in names]
    varying = [i for i in range(len(numbers[0])) if len({row[i] for row in numbers}) > 1]
    if len(varying) != 1:
        return False
    values = sorted(row[varying[0]] for row in numbers)
    return values == list(range(values[0], values[0] + len(values)))


def _entry(row: TableRow) -> Entry:
    restored = None if row.restored_named is None else readable_name(row.restored_named)
    return Entry(row.source, readable_name(row.named), row.restored, restored, row.id)


def pictures_choice(text: str) -> Pictures:
    """The value of ``--pictures``; UsageError for an unknown one."""
    known: dict[str, Pictures] = {"auto": "auto", "single": "single", "frames": "frames"}
    if text not in known:
        raise UsageError(f"--pictures {text}: unknown", f"Choose from {', '.join(known)}.")
    return known[text]


def check_any(entries: Sequence[Entry], words: Sequence[str]) -> None:
    """Raises `UsageError` when nothing at all was named that is there."""
    if not entries:
        raise UsageError(
            f"no footage was found in {', '.join(repr(readable_name(w)) for w in words)}",
            "Give clips, pictures, folders of them, a pattern, or a CSV of pairs.",
        )
    if not any(entry.source.exists() for entry in entries):
        raise UsageError(
            f"there is no file or folder {entries[0].named!r}"
            + (f", nor any of {len(entries) - 1} others" if len(entries) > 1 else ""),
            "Check the paths.",
        )

"""Written: the record of what a writer left on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from forensics import records


class SourceStreams(TypedDict):
    """Fields of `forensics.records.Source` that only writing can fill."""

    audio: tuple[records.Stream, ...]
    other_streams: tuple[records.Stream, ...]


@dataclass(frozen=True)
class Written:
    """The restored file and what became of every other stream of the source.

    ``pictures`` are the names of restored pictures with their frame numbers, in order; empty for a
    clip.
    """

    restored: records.Restored
    streams: tuple[records.Stream, ...] = ()
    pictures: tuple[tuple[str, int], ...] = ()

    def source_streams(self) -> SourceStreams:
        """The streams sorted into the two fields of the source's record."""
        return {
            "audio": tuple(s for s in self.streams if s.kind == "audio"),
            "other_streams": tuple(s for s in self.streams if s.kind != "audio"),
        }

"""Written: the record of what a writer left on disk, and a writer that leaves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from forensics import records
from forensics.media.decode import DecodedFrame

NOTHING_ENCODED: Final = "nothing was encoded in this run"


class SourceStreams(TypedDict):
    """Fields of `forensics.records.Source` that only writing can fill."""

    audio: tuple[records.Stream, ...]
    other_streams: tuple[records.Stream, ...]


@dataclass(frozen=True)
class Written:
    """The restored file and what became of every other stream of the source.

    ``restored`` is None where nothing was written.  ``pictures`` are the names of restored pictures
    with their frame numbers, in order; empty for a clip.
    """

    restored: records.Restored | None
    streams: tuple[records.Stream, ...] = ()
    pictures: tuple[tuple[str, int], ...] = ()

    @property
    def made(self) -> records.Restored:
        """The restored file. AssertionError where nothing was written."""
        if self.restored is None:
            raise AssertionError("nothing was restored")
        return self.restored

    def source_streams(self) -> SourceStreams:
        """The streams sorted into the two fields of the source's record."""
        return {
            "audio": tuple(s for s in self.streams if s.kind == "audio"),
            "other_streams": tuple(s for s in self.streams if s.kind != "audio"),
        }


class Unwritten:
    """A `forensics.media.writer.Writer` for a run that encodes nothing."""

    def __init__(self, source: records.Source) -> None:
        self._source = source

    def write(self, decoded: DecodedFrame, rgb_u8: NDArray[np.uint8]) -> None:
        """Nothing: the picture is somebody else's and is kept as its own file."""

    def close(self) -> Written:
        """No restored file; every other stream of the source stays in the source alone."""
        streams = (*self._source.audio, *self._source.other_streams)
        left = {"outcome": "dropped", "reason": NOTHING_ENCODED}
        return Written(None, tuple(s.model_copy(update=left) for s in streams))

    def abort(self) -> None:
        """Nothing was written."""

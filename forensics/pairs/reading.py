"""Pairs, reading: the frames of the other, in the order of the source's frames, one at a time.

Promise: memory does not grow with the clip, and a frame of the other that cannot be decoded comes
as `OtherLost` in its place, never as silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forensics.errors import IncompleteError
from forensics.media.decode import DecodedFrame, FrameFailure
from forensics.media.reader import read_frames
from forensics.pairs.alignment import Alignment, OtherFrame
from forensics.pairs.other import Other


@dataclass(frozen=True)
class OtherLost:
    """A frame of the other that shows source frame ``frame`` and could not be decoded."""

    frame: int
    other: int
    reason: str


def read_other(other: Other, alignment: Alignment) -> Iterator[OtherFrame | OtherLost]:
    """Every source frame that has a counterpart, in order, with the picture that shows it.

    Source frames without a counterpart are not here: ``alignment.reasons`` has them.  With single
    faces (layout ``faces``) every face of a frame comes, so a frame may come several times.  Raises
    `IncompleteError` when the other holds fewer frames than when it was aligned.
    """
    wanted: dict[int, int] = {there: frame for frame, there in alignment.frames.items()}
    wanted |= {there: frame for frame, faces in alignment.faces.items() for there in faces}
    last = max(wanted, default=0)
    seen = 0
    if not wanted:
        return
    for item in read_frames(other.media):
        seen += 1
        frame = wanted.get(seen)
        if frame is not None:
            yield _placed(frame, seen, item, alignment)
        if seen >= last:
            return
    raise IncompleteError(
        f"{other.media.path.name} gave {seen} frames; {last} were aligned",
        "It changed while it was read. Copy it to a place where nothing writes.",
    )


def _placed(
    frame: int, number: int, item: DecodedFrame | FrameFailure, alignment: Alignment
) -> OtherFrame | OtherLost:
    if isinstance(item, FrameFailure):
        reason = f"frame {number} of the other, its counterpart, is lost: {item.reason}"
        return OtherLost(frame, number, f"{reason} ({item.error})")
    to_other = alignment.faces_to_other.get(number, alignment.to_other)
    if to_other is None:
        return OtherLost(frame, number, f"face {number} of the other was not laid on the source")
    return OtherFrame(frame, number, item.rgb_u8, to_other)

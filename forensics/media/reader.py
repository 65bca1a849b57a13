"""Reader: the door to a source's frames, which are decoded in a child process.

Promise: as many frames as probing counted, in order, each decoded or a `FrameFailure`, whatever
becomes of the child; streaming (memory does not grow with the clip); the same frames each time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from forensics.children import ChildStopped
from forensics.errors import InputError
from forensics.media.apart.asking import decode_apart, name_of
from forensics.media.decode import NO_QP_IN_PICTURES, PATCHED, DecodedFrame, Footage, FrameFailure
from forensics.media.probe import Media

__all__ = [
    "NO_QP_IN_PICTURES",
    "PATCHED",
    "DecodedFrame",
    "FrameFailure",
    "ReadSummary",
    "read_frames",
    "summarise",
]

log = logging.getLogger(__name__)

STOPPED = "decoding stopped before this frame"
FEWER = "the decoder gave fewer frames than were counted"


@dataclass(frozen=True)
class ReadSummary:
    """Counts of one whole pass."""

    frames: int
    failed: int


def read_frames(media: Media) -> Iterator[DecodedFrame | FrameFailure]:
    """All frames in order of presentation: decoded in a child process, handed over in memory.

    When the child dies, hangs or lies, the frames that it did not deliver are failures with the
    reason, in this pass and in every later one.  Raises `InputError` when the source cannot be
    opened, or gives more frames than were counted.
    """
    footage, losses, frame = media.footage(), media.losses, 0
    try:
        with closing(decode_apart(footage)) as items:
            for item in items:
                if losses.first is not None and item.frame >= losses.first:
                    break
                if item.frame > media.source.frames:
                    raise InputError(
                        f"{media.path.name} gives more frames than were counted",
                        "It changed while it was read. Copy it to a place where nothing writes.",
                    )
                yield item
                frame = item.frame
            else:
                if frame < media.source.frames:
                    losses.note(frame + 1, FEWER, f"{frame} of {media.source.frames}")
    except ChildStopped as error:
        log.warning("%s after frame %d: %s", media.path.name, frame, error.message)
        losses.note(frame + 1, STOPPED, error.message)
    yield from _lost(media, footage, frame)


def _lost(media: Media, footage: Footage, after: int) -> Iterator[FrameFailure]:
    reason, error = media.losses.reason, media.losses.error
    for frame in range(after + 1, media.source.frames + 1):
        yield FrameFailure(frame, None, reason, error, name_of(footage, frame))


def summarise(media: Media) -> ReadSummary:
    """Read the whole source and count."""
    frames = failed = 0
    for item in read_frames(media):
        frames += 1
        failed += isinstance(item, FrameFailure)
    return ReadSummary(frames, failed)

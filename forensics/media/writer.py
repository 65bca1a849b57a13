"""Writer: puts the restored frames where the source's were, in time and in place.

Promise: the source's integer time stamps, uneven steps included; square pixels; colour tags; sound
and subtitles copied packet by packet and compared afterwards.  Files appear under their name only
when they are complete.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forensics.media.picture_writer import PictureWriter
from forensics.media.probe import Media
from forensics.media.reader import DecodedFrame
from forensics.media.streams import packet_digest
from forensics.media.video_writer import VideoWriter
from forensics.media.written import Written

__all__ = ["VideoWriter", "PictureWriter", "Writer", "Written", "open_writer", "packet_digest"]

FOLDER = "restored"
MAX_STEM_BYTES = 150


class Writer(Protocol):
    """Takes restored frames in order; `close` makes the files appear, `abort` removes all."""

    def write(self, decoded: DecodedFrame, rgb_u8: NDArray[np.uint8]) -> None:
        """Add one frame: (H, W, 3) uint8 RGB of the size the writer was opened with."""

    def close(self) -> Written:
        """Finish, compare the copied packets, rename into place."""

    def abort(self) -> None:
        """Remove everything written so far. Safe to call twice and after `close`."""


def open_writer(media: Media, folder: Path, width: int, height: int) -> Writer:
    """Begin the restored clip or picture below ``folder / "restored"``.

    ``width`` and ``height`` are those of the restored frames.  Raises `InputError` when they
    exceed the limits the source was probed with.
    """
    media.limits.check_output(media.path.name, width, height)
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    stem = safe_stem(media.path.resolve())
    if media.source.kind == "video":
        return VideoWriter(media, target / f"{stem}.mp4", width, height)
    return PictureWriter(media, target, stem, width, height)


def safe_stem(path: Path) -> str:
    """A file's stem without anything that a shell, a file system or a reader may trip over."""
    stem = path.name if path.is_dir() else path.stem
    text = unicodedata.normalize(
        "NFC", stem.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    )
    kept = "".join(c if c.isalnum() or c in "-_. " else "_" for c in text).strip(" .").lstrip("-")
    # By bytes, because file systems count those; the part file's name is longer still.
    short = kept[:100].encode()[:MAX_STEM_BYTES].decode(errors="ignore")
    return short.strip(" .") or "source"

"""Pairs, prints: a small picture of every frame, enough to tell frames apart, and their times.

Promise: one pass, and memory that grows by a few hundred to a few thousand bytes a frame, never
more than `MOST_BYTES` for a clip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.media.decode import FrameFailure
from forensics.media.probe import Media
from forensics.media.reader import read_frames
from forensics.pairs.grid import F32, F64, U8, luma
from forensics.progress import Progress

MOST_BYTES: Final = 256 * 2**20
LARGEST_COLUMNS: Final = 64
KEPT_LONGEST_PX: Final = 1600
"""Longer side of whole frames that are kept for registration; larger ones are made smaller."""

Look = Callable[[U8], F32]


@dataclass(frozen=True)
class Prints:
    """``small`` (frames, rows, columns) uint8 luma; ``pts_s`` seconds, NaN where there is none.

    ``lost`` marks frames that could not be decoded; their small picture is black.
    """

    small: U8
    pts_s: F64
    lost: NDArray[np.bool_]

    @property
    def timed(self) -> bool:
        """Whether every decoded frame has a time, and they run forward."""
        times = self.pts_s[~self.lost]
        return bool(len(times) > 1 and np.isfinite(times).all() and (np.diff(times) > 0).all())


def columns_for(frames: int, aspect: float) -> tuple[int, int]:
    """Columns and rows of a print of a clip of so many frames; ``aspect`` is width by height."""
    longest = LARGEST_COLUMNS
    while longest > 16:
        columns = longest if aspect >= 1 else max(8, round(longest * aspect))
        rows = max(8, round(longest / aspect)) if aspect >= 1 else longest
        if frames * columns * rows <= MOST_BYTES:
            return columns, rows
        longest = longest * 3 // 4
    return (16, 9) if aspect >= 1 else (9, 16)


def take_prints(
    media: Media, look: Look, progress: Progress, label: str, see: Callable[[U8], None] | None
) -> Prints:
    """Decode every frame once; ``look`` makes the print of a luma picture (H, W).

    ``see`` is shown about sixty whole frames, spread over the clip.
    """
    total = media.source.frames
    small: U8 | None = None
    pts_s = np.full(total, np.nan)
    lost = np.ones(total, bool)
    every = max(1, total // 60)
    with progress.step(label, total) as step:
        for item in read_frames(media):
            step.advance()
            if isinstance(item, FrameFailure):
                continue
            plane = luma(item.rgb_u8)
            print_ = np.clip(np.rint(look(plane)), 0, 255).astype(np.uint8)
            if small is None:
                small = np.zeros((total, *print_.shape), np.uint8)
            small[item.frame - 1] = print_
            lost[item.frame - 1] = False
            if item.pts_s is not None:
                pts_s[item.frame - 1] = item.pts_s
            if see is not None and (item.frame - 1) % every == 0:
                see(plane)
    if small is None:
        small = np.zeros((total, 8, 8), np.uint8)
    return Prints(small, pts_s, lost)


def take_planes(
    media: Media, wanted: set[int], progress: Progress, label: str, colour: bool = False
) -> dict[int, U8]:
    """Luma (H, W) of some frames (from 1), or RGB (H, W, 3); those that are lost are absent.

    Pictures with a longer side above `KEPT_LONGEST_PX` are made smaller by area, see `kept_size`.
    """
    planes: dict[int, U8] = {}
    last = max(wanted, default=0)
    if not wanted:
        return planes
    size = kept_size(media.geometry.display_size)
    with progress.step(label, last) as step:
        for number, item in enumerate(read_frames(media), start=1):
            step.advance()
            if number in wanted and not isinstance(item, FrameFailure):
                picture = item.rgb_u8 if colour else luma(item.rgb_u8)
                if size != media.geometry.display_size:
                    shrunk = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
                    picture = np.asarray(shrunk, np.uint8)
                planes[number] = picture.copy()
            if number >= last:
                break
    return planes


def kept_size(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height at which whole frames are kept."""
    factor = min(1.0, KEPT_LONGEST_PX / max(size))
    return (max(1, round(size[0] * factor)), max(1, round(size[1] * factor))) if factor < 1 else size

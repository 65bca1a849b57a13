"""Pairs, prints: a small picture of every frame, enough to tell frames apart, and their times.

Promise: memory grows by a few thousand bytes a frame, never beyond `MOST_BYTES` a clip.  Short
clips are kept as luma (`CACHE_BYTES` at most) and decoded once; long ones are decoded again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.media.decode import FrameFailure
from forensics.media.probe import Media
from forensics.media.reader import read_frames
from forensics.pairs.grid import F32, F64, U8, Lay, Places, Reader, luma, places_in
from forensics.progress import Progress

MOST_BYTES: Final = 256 * 2**20
CACHE_BYTES: Final = 192 * 2**20
LARGEST_COLUMNS: Final = 64
KEPT_LONGEST_PX: Final = 960
"""Longer side of frames as they are compared; no grid that is laid over them is finer."""
SIGMA_CELLS: Final = 0.5
_SEEN_WHOLE: Final = 60

Edges = tuple[float, float, float, float]


@dataclass(frozen=True)
class Prints:
    """``small`` (frames, rows, columns[, 3]) uint8; ``pts_s`` seconds, NaN where there is none.

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


def print_places(part: Edges, frames: int, channels: int = 1) -> Places:
    """The places of a print of a part of a picture, so few that all frames fit into memory."""
    width, height = part[2] - part[0], part[3] - part[1]
    columns = LARGEST_COLUMNS
    while True:
        places = places_in(part, max(width, height) / columns)
        if columns <= 12 or frames * len(places.xs) * len(places.ys) * channels <= MOST_BYTES:
            return places
        columns = columns * 3 // 4


class Clip:
    """One of the two, as it is compared: luma frames with a longer side of `KEPT_LONGEST_PX`.

    ``size``: width and height of kept frames; ``factor``: kept px per px of the file, x and y.
    """

    def __init__(self, media: Media, progress: Progress, name: str) -> None:
        self.media, self.progress, self.name = media, progress, name
        self.full = media.geometry.display_size
        shrink = min(1.0, KEPT_LONGEST_PX / max(self.full))
        width, height = self.full
        self.size = max(1, round(width * shrink)), max(1, round(height * shrink))
        self.factor = (self.size[0] / self.full[0], self.size[1] / self.full[1])
        self.count = media.source.frames
        self._cache: dict[int, U8] | None = None

    def first_prints(self, see: Callable[[U8], None] | None) -> Prints:
        """Decode every frame once: its colour print, its time; about sixty are shown to ``see``.

        ``see`` gets luma (H, W) at the file's own size.
        """
        places = print_places((0.0, 0.0, float(self.size[0]), float(self.size[1])), self.count, 3)
        sigma = SIGMA_CELLS * places.step_px
        read = Reader(self.size, places.xs, places.ys, (sigma, sigma))
        small = np.zeros((self.count, len(places.ys), len(places.xs), 3), np.uint8)
        pts_s, lost = np.full(self.count, np.nan), np.ones(self.count, bool)
        if self.count * self.size[0] * self.size[1] <= CACHE_BYTES:
            self._cache = {}
        every = max(1, self.count // _SEEN_WHOLE)
        with self.progress.step(f"Looking at the {self.name}", self.count) as step:
            for item in read_frames(self.media):
                step.advance()
                if isinstance(item, FrameFailure):
                    continue
                n = item.frame - 1
                kept = self._kept(item.rgb_u8)
                for channel in range(3):
                    small[n, ..., channel] = _levels(read(kept[..., channel]))
                lost[n] = False
                pts_s[n] = np.nan if item.pts_s is None else item.pts_s
                if self._cache is not None:
                    self._cache[item.frame] = luma(kept)
                if see is not None and n % every == 0:
                    see(luma(item.rgb_u8))
        return Prints(small, pts_s, lost)

    def prints(self, like: Prints, places: Places, lay: Lay | None) -> Prints:
        """Luma prints at places of the source, through ``lay`` for the other; in kept px."""
        lay_ = lay or Lay(1.0, 1.0, 0.0, 0.0)
        sigma = SIGMA_CELLS * places.step_px
        there = (sigma * lay_.scale_x, sigma * lay_.scale_y)
        read = Reader(self.size, lay_.x(places.xs), lay_.y(places.ys), there)
        small = np.zeros((self.count, len(places.ys), len(places.xs)), np.uint8)
        for number, plane in self._frames(f"Comparing the {self.name}", self.count):
            small[number - 1] = _levels(read(plane))
        return Prints(small, like.pts_s, like.lost)

    def planes(self, wanted: set[int]) -> dict[int, U8]:
        """Luma of some frames (from 1); those that are lost are absent."""
        if not wanted:
            return {}
        label = f"Reading frames of the {self.name}"
        return {n: p for n, p in self._frames(label, max(wanted)) if n in wanted}

    def _frames(self, label: str, last: int) -> Iterator[tuple[int, U8]]:
        if self._cache is not None:
            yield from ((n, p) for n, p in self._cache.items() if n <= last)
            return
        with self.progress.step(label, last) as step:
            for number, item in enumerate(read_frames(self.media), start=1):
                step.advance()
                if not isinstance(item, FrameFailure):
                    yield number, luma(self._kept(item.rgb_u8))
                if number >= last:
                    return

    def _kept(self, rgb_u8: U8) -> U8:
        if self.size == self.full:
            return rgb_u8
        return np.asarray(cv2.resize(rgb_u8, self.size, interpolation=cv2.INTER_AREA), np.uint8)


def _levels(values: F32) -> U8:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def grey(prints: Prints) -> Prints:
    """The same prints as luma."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    small = np.stack([_levels(one.astype(np.float32) @ weights) for one in prints.small])
    return Prints(small, prints.pts_s, prints.lost)

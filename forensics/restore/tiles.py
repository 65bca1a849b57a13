"""Restore, tiles: cut a picture into windows of one size, and put what becomes of them together.

Promise: the windows cover the picture once, all have the same size (so that they can share a batch
and a kernel), and no output pixel comes from another window than one that covers it.  A window
that ends at the picture's rim ends there for the network too, so its rim is treated as the whole
picture's would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Span:
    """One window along one side: what is read, and what is kept of the answer (ends excluded)."""

    read0: int
    read1: int
    keep0: int
    keep1: int


@dataclass(frozen=True)
class Tile:
    """A window of the picture: its columns and its rows, in source px."""

    across: Span
    down: Span

    def read(self, picture: U8) -> U8:
        """The window of (H, W, 3) that the network sees."""
        return picture[self.down.read0 : self.down.read1, self.across.read0 : self.across.read1]


@dataclass(frozen=True)
class Plan:
    """Windows of one picture in rows from the top, with what neighbours share.

    ``halo_px`` is read around what is kept; ``blend_px`` on each side of a seam are mixed between
    the two neighbours (0: cut).
    """

    tiles: tuple[Tile, ...]
    size_px: tuple[int, int]
    halo_px: int
    blend_px: int


def plan(
    size_px: tuple[int, int], tile_px: int, halo_px: int, *, multiple_px: int = 1, blend_px: int = 0
) -> Plan:
    """Windows for a picture of (width, height) source px.

    As few windows as have at most ``tile_px`` squared px each, halo included; the whole picture
    when it has no more.  Starts and ends are multiples of ``multiple_px``, of which width and
    height must be multiples.  Raises ``ValueError`` for sizes that are not positive, a width or
    height that is no multiple, ``blend_px`` above ``halo_px``, and a tile too small for its halo.
    """
    width, height = size_px
    if min(width, height, tile_px, multiple_px) < 1 or halo_px < 0:
        raise ValueError(f"sizes must be positive: {size_px}, tile {tile_px}, halo {halo_px}")
    if width % multiple_px or height % multiple_px:
        raise ValueError(f"{width} x {height} is no multiple of {multiple_px}")
    if not 0 <= blend_px <= halo_px:
        raise ValueError(f"blend must lie in 0..{halo_px}, is {blend_px}")
    halo = multiple_px * -(-halo_px // multiple_px)
    columns, rows = _counts(width, height, tile_px, halo, multiple_px)
    across = _spans(width, columns, halo, multiple_px)
    down = _spans(height, rows, halo, multiple_px)
    tiles = tuple(Tile(a, d) for d in down for a in across)
    return Plan(tiles, size_px, halo, blend_px)


def _counts(
    width: int, height: int, tile_px: int, halo_px: int, multiple_px: int
) -> tuple[int, int]:
    """Columns and rows of the grid that reads least among those whose windows are small enough."""
    limit = tile_px**2
    if width * height <= limit:
        return 1, 1
    best: tuple[int, int, int] | None = None
    for columns in range(1, width // multiple_px + 1):
        wide = _window_px(width, columns, halo_px, multiple_px)
        if columns > 1 and wide >= width:
            break  # halo alone is the whole width
        rows = 1
        while rows <= height // multiple_px:
            high = _window_px(height, rows, halo_px, multiple_px)
            if wide * high <= limit or (rows > 1 and high >= height):
                break
            rows += 1
        high = _window_px(height, rows, halo_px, multiple_px)
        if wide * high <= limit:
            found = (columns * rows * wide * high, columns, rows)
            best = min(best, found) if best else found
        if best and columns > best[1] + 8:
            break  # more columns only read more halo
    if best is None:
        raise ValueError(f"a tile of {tile_px} px has no room for a halo of {halo_px} px")
    return best[1], best[2]


def _window_px(length: int, count: int, halo_px: int, multiple_px: int) -> int:
    """Length of each of ``count`` windows along a side."""
    kept = multiple_px * -(-length // (count * multiple_px))
    sides = min(count - 1, 2)  # inner windows have two neighbours
    return min(length, kept + sides * halo_px)


def _spans(length: int, count: int, halo_px: int, multiple_px: int) -> list[Span]:
    """``count`` windows of one length; those at the rims are moved inwards, never beyond."""
    window = _window_px(length, count, halo_px, multiple_px)
    units = length // multiple_px
    spans = []
    for number in range(count):
        keep0 = multiple_px * (number * units // count)
        keep1 = multiple_px * ((number + 1) * units // count)
        read0 = min(max(0, keep0 - halo_px), length - window)
        spans.append(Span(read0, read0 + window, keep0, keep1))
    return spans


class Canvas:
    """The enlarged picture as uint8, filled window by window."""

    def __init__(self, layout: Plan, scale: int) -> None:
        """``scale`` is output px for one source px."""
        width, height = layout.size_px
        self._layout = layout
        self._scale = scale
        self.rgb_u8: U8 = np.zeros((height * scale, width * scale, 3), np.uint8)

    def put(self, tile: Tile, levels: F32) -> None:
        """Take the answer (h, w, 3) in grey levels for a window; tiles come in the plan's order."""
        scale, blend = self._scale, self._layout.blend_px
        y0, x0 = max(0, tile.down.keep0 - blend), max(0, tile.across.keep0 - blend)
        y1 = min(self._layout.size_px[1], tile.down.keep1 + blend)
        x1 = min(self._layout.size_px[0], tile.across.keep1 + blend)
        mine = levels[
            (y0 - tile.down.read0) * scale : (y1 - tile.down.read0) * scale,
            (x0 - tile.across.read0) * scale : (x1 - tile.across.read0) * scale,
        ]
        target = self.rgb_u8[y0 * scale : y1 * scale, x0 * scale : x1 * scale]
        ramp_down = _ramp(tile.down.keep0, blend, scale, mine.shape[0])
        ramp_across = _ramp(tile.across.keep0, blend, scale, mine.shape[1])
        if ramp_down is None and ramp_across is None:
            target[:] = quantised(mine)
            return
        weight = np.ones(mine.shape[:2], np.float32)
        if ramp_down is not None:
            weight *= ramp_down[:, None]
        if ramp_across is not None:
            weight *= ramp_across[None, :]
        there = target.astype(np.float32)
        target[:] = quantised(there + weight[..., None] * (mine - there))


def _ramp(keep0_px: int, blend_px: int, scale: int, length: int) -> F32 | None:
    """Share of this window along its side: from 0 to 1 across the seam; None without neighbour."""
    if keep0_px == 0 or blend_px == 0:
        return None
    across = 2 * blend_px * scale
    ramp = np.minimum((np.arange(length, dtype=np.float32) + 0.5) / across, 1)
    return ramp.astype(np.float32)


def quantised(levels: F32) -> U8:
    """Grey levels rounded to nearest and cut to 0..255."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def groups(tiles: Sequence[Tile], batch: int) -> list[tuple[Tile, ...]]:
    """The tiles in order, ``batch`` at a time; the last group may be shorter."""
    if batch < 1:
        raise ValueError(f"batch must be at least 1, is {batch}")
    return [tuple(tiles[i : i + batch]) for i in range(0, len(tiles), batch)]

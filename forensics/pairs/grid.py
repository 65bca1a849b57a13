"""Pairs, grid: reads two pictures of any size at the same places with the same softness.

A transform of scale and shift works on rows and columns apart, so a picture is read through two
sparse matrices: exact at any fraction of a pixel (OpenCV's warps round to 1/32), with a Gaussian
wide enough that neither size nor phase shows.  Coordinates: pixel centres at integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
# Narrower than this, a Gaussian on pixels is no longer the same at every phase.
LEAST_SIGMA_PX: Final = 0.6
_REACH: Final = 3.0


@dataclass(frozen=True)
class Lay:
    """``other = scale * source + shift`` for x and y, px of the other for square source px."""

    scale_x: float
    scale_y: float
    shift_x: float
    shift_y: float

    def x(self, source_x: F64) -> F64:
        """Columns of the other for columns of the source."""
        return self.scale_x * source_x + self.shift_x

    def y(self, source_y: F64) -> F64:
        """Rows of the other for rows of the source."""
        return self.scale_y * source_y + self.shift_y

    def matrix(self) -> F64:
        """(2, 3): source px to px of the other."""
        return np.array([[self.scale_x, 0, self.shift_x], [0, self.scale_y, self.shift_y]])

    def scale(self) -> float:
        """Mean scale."""
        return float(np.sqrt(self.scale_x * self.scale_y))


@dataclass(frozen=True)
class Places:
    """Places in the source, px: ``xs`` (W,), ``ys`` (H,), ``step_px`` between neighbours."""

    xs: F64
    ys: F64
    step_px: float


class Reader:
    """Reads pictures of one size at given columns and rows."""

    def __init__(self, size: tuple[int, int], xs: F64, ys: F64, sigma: tuple[float, float]) -> None:
        """``size``: width and height; ``sigma``: of the Gaussian in x and y, px of the picture."""
        self._across = axis_weights(size[0], xs, sigma[0])
        self._down = axis_weights(size[1], ys, sigma[1])

    def __call__(self, plane: U8 | F32) -> F32:
        """(H, W) at the places: (rows, columns) float32."""
        rows: Any = self._down @ np.asarray(plane, np.float32)
        out: Any = self._across @ np.ascontiguousarray(rows.T)
        return np.ascontiguousarray(out.T, dtype=np.float32)


def axis_weights(length: int, places: F64, sigma: float) -> csr_array:
    """(places, length) float32: rows of Gaussian weights that sum to 1."""
    sigma = max(LEAST_SIGMA_PX, sigma)
    reach = int(np.ceil(_REACH * sigma)) + 1
    at = np.floor(places).astype(np.int64)[:, None] + np.arange(-reach, reach + 2)
    weight = np.exp(-0.5 * ((at - places[:, None]) / sigma) ** 2)
    inside = (at >= 0) & (at < length)
    # A place outside the picture takes the nearest pixel; callers read inside.
    weight = np.where(inside, weight, 0.0)
    total = weight.sum(axis=1, keepdims=True)
    lost = total[:, 0] <= 0
    rows = np.broadcast_to(np.arange(len(places))[:, None], at.shape)[inside]
    values = (weight / np.where(total > 0, total, 1.0))[inside]
    columns = at[inside]
    if lost.any():
        rows = np.concatenate([rows, np.flatnonzero(lost)])
        columns = np.concatenate([columns, np.clip(np.rint(places[lost]), 0, length - 1)])
        values = np.concatenate([values, np.ones(int(lost.sum()))])
    shape = (len(places), length)
    return csr_array((values.astype(np.float32), (rows, columns.astype(np.int64))), shape=shape)


def pair_readers(
    places: Places, lay: Lay, sizes: tuple[tuple[int, int], tuple[int, int]], sigma_steps: float
) -> tuple[Reader, Reader]:
    """Readers of source and other at the same places, Gaussian of ``sigma_steps`` steps."""
    sigma = sigma_steps * places.step_px
    source = Reader(sizes[0], places.xs, places.ys, (sigma, sigma))
    there = (sigma * lay.scale_x, sigma * lay.scale_y)
    other = Reader(sizes[1], lay.x(places.xs), lay.y(places.ys), there)
    return source, other


def seen_part(
    lay: Lay, source_size: tuple[int, int], content: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Edges x0, y0, x1, y1 (source px, edge of the first pixel is 0) of what the other shows.

    ``content``: edges of the other's picture without its bars, px of the other.
    """

    def back(edge: float, scale: float, shift: float) -> float:
        return (edge - 0.5 - shift) / scale + 0.5

    x0, x1 = (back(content[n], lay.scale_x, lay.shift_x) for n in (0, 2))
    y0, y1 = (back(content[n], lay.scale_y, lay.shift_y) for n in (1, 3))
    width, height = source_size
    return max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1)


def places_in(part: tuple[float, float, float, float], step_px: float) -> Places:
    """A regular grid inside edges x0, y0, x1, y1 of the source."""
    x0, y0, x1, y1 = part
    columns = max(2, int((x1 - x0) / step_px))
    rows = max(2, int((y1 - y0) / step_px))
    xs = x0 + (x1 - x0) * (np.arange(columns) + 0.5) / columns - 0.5
    ys = y0 + (y1 - y0) * (np.arange(rows) + 0.5) / rows - 0.5
    return Places(xs, ys, step_px)


def luma(rgb_u8: U8) -> U8:
    """Luma (H, W) uint8 of RGB (H, W, 3)."""
    return np.asarray(cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY), np.uint8)

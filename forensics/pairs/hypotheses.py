"""Pairs, hypotheses: in which ways one picture could lie on another, before anything is refined.

Whole on whole (with and without black bars), and what points that look alike in both (SIFT) say
together about scale and shift.  None of them is believed; `fitting` refines and judges each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.pairs.grid import F32, F64, U8, Lay

Edges = tuple[float, float, float, float]

SCALES: Final = (0.4, 10.0)
UNEVEN: Final = 1.3
"""The scales of x and y may differ by this factor: pixels that are not square."""
_LONGEST_PX: Final = 720
_POINTS: Final = 1200
_RATIO: Final = 0.85
_TURN_DEG: Final = 15.0
_TRIALS: Final = 1500
_LEAST_MATCHES: Final = 12


@dataclass(frozen=True)
class Points:
    """Points of a picture: places in its own px (N, 2), size, angle and descriptor of each."""

    at: F64
    size: F64
    angle_deg: F64
    looks: F32


def points_of(plane: U8) -> Points:
    """Points that stand out in a luma picture (H, W)."""
    height, width = plane.shape
    factor = min(1.0, _LONGEST_PX / max(height, width))
    if factor < 1:
        shape = (max(16, round(width * factor)), max(16, round(height * factor)))
        small = np.asarray(cv2.resize(plane, shape, interpolation=cv2.INTER_AREA), np.uint8)
    else:
        small = plane
    back = (width / small.shape[1], height / small.shape[0])
    # A low threshold: footage that a codec smoothed has few strong points; wrong ones are cheap.
    finder = cv2.SIFT_create(nfeatures=_POINTS, contrastThreshold=0.015)  # type: ignore[attr-defined]  # not in the stubs
    found, looks = finder.detectAndCompute(small, None)
    if looks is None or not found:
        return Points(np.zeros((0, 2)), np.zeros(0), np.zeros(0), np.zeros((0, 128), np.float32))
    at = np.array([p.pt for p in found])
    at = (at + 0.5) * np.array(back) - 0.5
    size = np.array([p.size for p in found]) * np.sqrt(back[0] * back[1])
    # RootSIFT: the square root makes the distance that of histograms (Hellinger).
    rooted = np.sqrt(looks / np.maximum(looks.sum(axis=1, keepdims=True), 1e-6))
    return Points(at, size, np.array([p.angle for p in found]), rooted.astype(np.float32))


def matches(source: Points, other: Points, turned: bool = False) -> F64:
    """Pairs of points that look alike: (N, 4) x, y in the source and x, y in the other.

    Only those that are not turned against each other, unless ``turned`` allows it.
    """
    if len(source.at) < 2 or len(other.at) < 2:
        return np.zeros((0, 4))
    alike = source.looks @ other.looks.T
    order = np.argpartition(-alike, 1, axis=1)[:, :2]
    values = np.take_along_axis(alike, order, axis=1)
    first = np.where(values[:, 0] >= values[:, 1], order[:, 0], order[:, 1])
    best, second = values.max(axis=1), values.min(axis=1)
    # Distances of unit vectors: d^2 = 2 - 2 cos.
    clear = np.sqrt(np.maximum(2 - 2 * best, 0)) < _RATIO * np.sqrt(np.maximum(2 - 2 * second, 0))
    turn = np.abs((source.angle_deg - other.angle_deg[first] + 180) % 360 - 180)
    size = other.size[first] / np.maximum(source.size, 1e-6)
    good = (
        clear & (turned | (turn <= _TURN_DEG)) & (size > SCALES[0] / 1.5) & (size < SCALES[1] * 1.5)
    )
    return np.concatenate([source.at[good], other.at[first[good]]], axis=1)


def from_matches(pooled: F64, rng: np.random.Generator) -> Lay | None:
    """The scale and shift that most pairs of points agree on, all frames together, or None."""
    if len(pooled) < _LEAST_MATCHES:
        return None
    if len(pooled) > 3000:
        pooled = pooled[rng.choice(len(pooled), 3000, replace=False)]
    x, y, a, b = pooled.T
    one, two = rng.integers(0, len(pooled), (2, _TRIALS))
    dx, dy = x[two] - x[one], y[two] - y[one]
    far = (np.abs(dx) > 0.05 * np.ptp(x)) & (np.abs(dy) > 0.05 * np.ptp(y))
    one, two, dx, dy = one[far], two[far], dx[far], dy[far]
    if not len(one):
        return None
    sx, sy = (a[two] - a[one]) / dx, (b[two] - b[one]) / dy
    fine = (sx > SCALES[0]) & (sx < SCALES[1]) & (sy > SCALES[0]) & (sy < SCALES[1])
    fine &= (sx < UNEVEN * sy) & (sy < UNEVEN * sx)
    one, sx, sy = one[fine], sx[fine], sy[fine]
    if not len(one):
        return None
    tx, ty = a[one] - sx * x[one], b[one] - sy * y[one]
    best, most = _most_inliers(pooled, sx, sy, tx, ty)
    if most < _LEAST_MATCHES // 2:
        return None
    return _least_squares(pooled, best)


def _most_inliers(
    pooled: F64, sx: F64, sy: F64, tx: F64, ty: F64
) -> tuple[tuple[float, float, float, float], int]:
    x, y, a, b = pooled.T
    best, most = (sx[0], sy[0], tx[0], ty[0]), -1
    for n in range(len(sx)):
        allowed = max(2.0, 2.0 * sx[n])
        hits = (np.abs(sx[n] * x + tx[n] - a) < allowed) & (np.abs(sy[n] * y + ty[n] - b) < allowed)
        count = int(hits.sum())
        if count > most:
            best, most = (sx[n], sy[n], tx[n], ty[n]), count
    return best, most


def _least_squares(pooled: F64, start: tuple[float, float, float, float]) -> Lay:
    x, y, a, b = pooled.T
    sx, sy, tx, ty = start
    for _ in range(3):
        allowed = max(2.0, 2.0 * sx)
        keep = (np.abs(sx * x + tx - a) < allowed) & (np.abs(sy * y + ty - b) < allowed)
        if keep.sum() < 4 or np.ptp(x[keep]) < 1 or np.ptp(y[keep]) < 1:
            break
        sx, tx = np.polyfit(x[keep], a[keep], 1)
        sy, ty = np.polyfit(y[keep], b[keep], 1)
    return Lay(float(sx), float(sy), float(tx), float(ty))


def whole_on_whole(source: Edges, other: Edges) -> Lay:
    """The one that lays edges x0, y0, x1, y1 of the source on edges of the other."""
    sx = (other[2] - other[0]) / (source[2] - source[0])
    sy = (other[3] - other[1]) / (source[3] - source[1])
    # Edges count from the first pixel's edge; centres lie half a pixel further.
    tx = other[0] - sx * source[0] + 0.5 * sx - 0.5
    ty = other[1] - sy * source[1] + 0.5 * sy - 0.5
    return Lay(sx, sy, tx, ty)


def allowed(lay: Lay) -> bool:
    """Whether scale is within what is looked for."""
    ratio = lay.scale_x / lay.scale_y
    within = all(SCALES[0] <= s <= SCALES[1] for s in (lay.scale_x, lay.scale_y))
    return within and 1 / UNEVEN < ratio < UNEVEN


@dataclass
class Bars:
    """Watches for black borders: rows and columns that stay dark and even in every frame."""

    columns: NDArray[np.float32] | None = None
    rows: NDArray[np.float32] | None = None

    def see(self, plane: U8) -> None:
        """Take a frame's luma (H, W): the brightest of each row and column, past a little noise."""
        # The 98th percentile by sampling: a logo's few pixels or ringing do not end a bar.
        rows = np.percentile(plane[:, ::2], 98, axis=1).astype(np.float32)
        columns = np.percentile(plane[::2], 98, axis=0).astype(np.float32)
        self.rows = rows if self.rows is None else np.maximum(self.rows, rows)
        self.columns = columns if self.columns is None else np.maximum(self.columns, columns)

    def found(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom, px; (0, 0, 0, 0) where there are none."""
        if self.rows is None or self.columns is None:
            return 0, 0, 0, 0
        left, right = _dark_ends(self.columns)
        top, bottom = _dark_ends(self.rows)
        return left, top, right, bottom

    def shares(self) -> tuple[float, float, float, float]:
        """The same as shares of the picture's width and height."""
        if self.rows is None or self.columns is None:
            return 0.0, 0.0, 0.0, 0.0
        width, height = len(self.columns), len(self.rows)
        left, top, right, bottom = self.found()
        return left / width, top / height, right / width, bottom / height


BLACK_GREY: Final = 24.0


def _dark_ends(brightest: NDArray[np.float32]) -> tuple[int, int]:
    """How many entries at either end are black; none where nearly all of it is."""
    lit: Any = np.flatnonzero(brightest > BLACK_GREY)
    if len(lit) < len(brightest) * 0.2:
        return 0, 0
    return int(lit[0]), int(len(brightest) - 1 - lit[-1])


def pool(found: Sequence[F64]) -> F64:
    """Matches of several frames as one list."""
    return np.concatenate(found) if found else np.zeros((0, 4))

"""Scoring, registration: where the restored face lies against the footage, to a fraction of a px.

Both pictures are taken down to what the footage can carry and laid on each other by a similarity
(shift, size, turn) together with gain and offset.  Lengths are template px unless the name says
otherwise; what cannot be laid on the footage gives None and never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.measure import F32, TEMPLATE_PX, U8

F64 = NDArray[np.float64]
SMALL_PX: Final = 128  # side at which pictures are compared over time
TEMPLATE_PER_SMALL: Final = TEMPLATE_PX / SMALL_PX
LEAST_SIGMA_PX: Final = 1.5  # of the common low-pass, small px
COARSE_SIGMA_PX: Final = 4.0
MAX_SHIFT_PX: Final = 8.0  # small px: a quarter of the eye distance
_STEPS_COARSE, _STEPS_FINE = 4, 5
_STILL_PX = 0.003
_GRID = 32  # OpenCV samples at whole 1/32 px: what lies between must be left to the last step
_CENTRE, _RADII = (64.0, 72.0), (38.0, 46.0)  # of the inner face, small px
_WINDOW = (slice(26, 118), slice(26, 102))  # rows, columns that hold it


@dataclass(frozen=True, slots=True)
class Placement:
    """What lays the restored face on the footage.

    ``right_px``, ``down_px``: shift of the face's middle; ``larger_px``, ``turned_px``: what the
    change of size and the turn move a point of the inner face by, root mean square.
    """

    right_px: float
    down_px: float
    larger_px: float
    turned_px: float

    def vector(self) -> tuple[float, float, float, float]:
        """All four, for sums of squares: their root is the RMS movement of the inner face."""
        return self.right_px, self.down_px, self.larger_px, self.turned_px

    def movement(self) -> tuple[F32, F32]:
        """What each pixel of the restored face moves by, x and y: (128, 128) each, small px."""
        y, x = np.mgrid[0:SMALL_PX, 0:SMALL_PX].astype(np.float32)
        x, y = x - _CENTRE[0], y - _CENTRE[1]
        reach = _field()[3] * TEMPLATE_PER_SMALL
        larger, turned = self.larger_px / reach, self.turned_px / reach
        right, down = self.right_px / TEMPLATE_PER_SMALL, self.down_px / TEMPLATE_PER_SMALL
        return right + larger * x - turned * y, down + larger * y + turned * x


def small_luma(rgb_u8: U8) -> F32:
    """Luma of a template picture (512, 512, 3) by area at 128 px: (128, 128) float32, 0..255."""
    grey = cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY)
    side = (SMALL_PX, SMALL_PX)
    return np.asarray(cv2.resize(grey, side, interpolation=cv2.INTER_AREA), np.float32)


def place(restored_grey: F32, seen_grey: F32, scale: float) -> Placement | None:
    """Lay a restored face on the footage; both (128, 128) luma on the template.

    ``scale``: template px per native px, which decides the common low-pass.  Gauss-Newton on
    shift, size, turn, gain and offset, coarse then fine, with the gradients of the restored face,
    because noise in the footage's own would pull every shift towards 0.  None where the two do
    not resemble each other or lie further apart than a quarter of the eye distance.
    """
    at = np.zeros(4)
    fine = max(LEAST_SIGMA_PX, scale / TEMPLATE_PER_SMALL)
    for sigma, steps in ((max(COARSE_SIGMA_PX, fine), _STEPS_COARSE), (fine, _STEPS_FINE)):
        found = _descend(_soft(restored_grey, sigma), _soft(seen_grey, sigma), at, steps)
        if found is None:
            return None
        at = found
    _, _, _, reach = _field()
    right, down, larger, turned = (float(v) * TEMPLATE_PER_SMALL for v in at)
    return Placement(right, down, larger * reach, turned * reach)


def _soft(grey: F32, sigma: float) -> F32:
    out = cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(out, np.float32)


@cache
def _field() -> tuple[F32, F32, F32, float]:
    """Weights of the inner face, x and y from its middle, and the RMS distance from it."""
    y, x = np.mgrid[0:SMALL_PX, 0:SMALL_PX].astype(np.float32)
    x, y = x - _CENTRE[0], y - _CENTRE[1]
    radius = np.sqrt((x / _RADII[0]) ** 2 + (y / _RADII[1]) ** 2)
    weight = np.where(radius < 1, np.cos(radius * np.pi / 2) ** 2, 0).astype(np.float32)
    weight, x, y = weight[_WINDOW], x[_WINDOW], y[_WINDOW]
    reach = float(np.sqrt((weight * (x * x + y * y)).sum() / weight.sum()))
    return weight, x, y, reach


def _descend(model: F32, seen: F32, at: F64, steps: int) -> F64 | None:
    """(dx, dy, size, turn) in small px and shares that lays ``model`` on ``seen``, from a start."""
    weight, x, y, reach = _field()
    target = seen[_WINDOW]
    for _ in range(steps):
        at = _on_grid(at, reach)
        moved = _moved(model, at)
        gy, gx = np.asarray(np.gradient(moved))
        now, gx, gy = moved[_WINDOW], gx[_WINDOW], gy[_WINDOW]
        columns = (-gx, -gy, -(gx * x + gy * y), gx * y - gy * x, now, np.ones_like(now))
        design = np.stack([column.ravel() for column in columns]).astype(np.float64)
        weighted = design * weight.ravel()
        normal = weighted @ design.T
        # Keeps a direction without gradient (a flat picture) where it is.
        normal[range(4), range(4)] += 1e-3 * weight.sum()
        try:
            solution = np.linalg.solve(normal, weighted @ target.ravel().astype(np.float64))
        except np.linalg.LinAlgError:
            return None
        gain = float(solution[4])
        if not np.isfinite(solution).all() or gain < 0.1:
            return None
        step = solution[:4] / gain
        at = at + step
        if np.hypot(at[0], at[1]) > MAX_SHIFT_PX or np.abs(at[2:]).max() > 0.25:
            return None
        if np.abs(step * np.array([1, 1, reach, reach])).max() < _STILL_PX:
            break
    return at


def _on_grid(at: F64, reach: float) -> F64:
    """The nearest similarity that OpenCV can sample without rounding every pixel the same way."""
    out = at.copy()
    out[:2] = np.round(at[:2] * _GRID) / _GRID
    out[2:][np.abs(at[2:]) * reach < 1 / _GRID] = 0.0
    return out


def _moved(picture: F32, at: F64) -> F32:
    """The picture moved by a similarity about the face's middle."""
    dx, dy, larger, turned = at
    a, b = (1 + larger) * np.cos(turned), (1 + larger) * np.sin(turned)
    cx, cy = _CENTRE
    matrix = np.array(
        [[a, -b, cx - a * cx + b * cy + dx], [b, a, cy - b * cx - a * cy + dy]], np.float64
    )
    size = (SMALL_PX, SMALL_PX)
    # OpenCV's cubic kernel (a = -0.75) moves a straight slope by up to 4 % of a px too far.
    out = cv2.warpAffine(
        picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(out, np.float32)

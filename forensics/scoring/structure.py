"""Scoring, `landmark_shift`: did parts of the face move against the footage?

No network places points.  The restored face, brought to the footage's sharpness, is registered to
it: once for the whole head (affine), then for each of seven parts alone (a shift).  What is left
after the similarity of the whole head is how far a part moved.  A part that does not look like the
footage's, wherever it is laid, did not move: it has no place there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.identity import too_flat
from forensics.scoring.matched import Matched
from forensics.scoring.measure import (
    F32,
    TEMPLATE_INTEROCULAR_PX,
    TEMPLATE_PX,
    FaceInput,
    Reading,
    turned,
)
from forensics.scoring.regions import template_mask

MIN_INTEROCULAR_PX = 16.0
MOST_SHIFT = 0.15  # of the eye distance; further away a part is lost rather than moved
_WORK_PX = 192  # 47 px between the eyes: 1 % of them is half a pixel, enough
_SMOOTH_PX = 1.0  # against noise, and so that gradients hold over the shifts asked for
_PRIOR = 0.05  # spread of shifts before looking, of the eye distance: ties are pulled to zero
_LOOSEST = 0.5  # a part whose shift stays this uncertain (of the prior) says nothing
_FINE = 1 / 25  # of the side: what a part's look is held to, without its shading
_ALIKE = {"jaw_left": 0.88, "jaw_right": 0.88, "chin": 0.88}  # outlines bend where they move
_ALIKE_INSIDE = 0.93
_JAW_HALF_WIDTH = 1.15  # middle of the face to the jaw line, in eye distances
_STEPS = 4
PARTS: Final = (
    "eye_left", "eye_right", "nose", "mouth", "jaw_left", "jaw_right", "chin",
)  # fmt: skip
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Shifts:
    """What moved, in per cent of the eye distance.

    ``parts`` holds the length of each reliable part's shift, ``stretch`` how far the jaw line went
    because the face became wider or narrower than it is high.
    """

    parts: dict[str, float]
    stretch: float

    def largest(self) -> tuple[str, float]:
        """The part that moved most, and how far."""
        found = {**self.parts, "stretch": self.stretch}
        name = max(found, key=lambda k: found[k])
        return name, found[name]


@cache
def _weight(part: str, side: int) -> F32:
    """Weights (side, side) 0..1 of a part: its region with a soft rim; the head for ``head``."""
    x = np.arange(TEMPLATE_PX)[None, :]
    y = np.arange(TEMPLATE_PX)[:, None]
    halves = {
        "eye_left": template_mask("eyes") & (x < 256),
        "eye_right": template_mask("eyes") & (x >= 256),
        "jaw_left": template_mask("jaw") & (x < 190),
        "jaw_right": template_mask("jaw") & (x > 322),
        "chin": template_mask("jaw") & (x >= 170) & (x <= 342) & (y > 400),
    }
    mask = halves[part] if part in halves else template_mask(part)
    # The outline itself carries the shape: reach a little beyond it.
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((25, 25), np.uint8)).astype(np.float32)
    soft = cv2.GaussianBlur(wide, (0, 0), 8.0)
    out = np.asarray(cv2.resize(soft, (side, side), interpolation=cv2.INTER_AREA), np.float32)
    out.setflags(write=False)
    return out


def _warped(picture: F32, matrix: F64) -> F32:
    """``picture`` sampled at matrix (2, 3) times each pixel, borders reflected."""
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(
        cv2.warpAffine(
            picture, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        np.float32,
    )  # fmt: skip


def _gradient(picture: F32) -> tuple[F32, F32]:
    kernel = np.array([[-0.5, 0.0, 0.5]], np.float32)
    dx = cv2.filter2D(picture, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT_101)
    dy = cv2.filter2D(picture, cv2.CV_32F, kernel.T, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(dx, np.float32), np.asarray(dy, np.float32)


def _solve(columns: list[F32], target: F32, weight: F32, ridge: F64) -> tuple[F64, F64, float]:
    """Weighted least squares: solution (K,), posterior covariance (K, K), residual variance."""
    design = np.stack([c.ravel() for c in columns]).astype(np.float64)
    w = weight.ravel().astype(np.float64)
    y = target.ravel().astype(np.float64)
    normal = (design * w) @ design.T + np.diag(ridge)
    inverse = np.asarray(np.linalg.inv(normal), np.float64)
    solution = inverse @ ((design * w) @ y)
    rest = y - solution @ design
    variance = float((w * rest**2).sum() / max(w.sum(), 1e-9))
    return solution, inverse, variance


def _align_head(shown: F32, seen: F32) -> F64:
    """Affine (2, 3), centred on the picture, that takes pixels of the footage to the restored."""
    side = shown.shape[0]
    c = (side - 1) / 2
    grid = np.arange(side, dtype=np.float32) - c
    x, y = (
        np.broadcast_to(grid[None, :], (side, side)),
        np.broadcast_to(grid[:, None], (side, side)),
    )
    weight = _weight("head", side)
    matrix = np.array([[1.0, 0, 0], [0, 1, 0]])
    for sigma in (side / 40, side / 80, _SMOOTH_PX, _SMOOTH_PX):
        a, b = _smooth(shown, sigma), _smooth(seen, sigma)
        for _ in range(2):
            now = _warped(a, _uncentred(matrix, c))
            gx, gy = _gradient(now)
            ones = np.ones_like(now)
            columns = [gx, gy, gx * x, gx * y, gy * x, gy * y, now, ones]
            ridge = np.array([1e-3, 1e-3, 1, 1, 1, 1, 1e-3, 1e-3])
            p, _, _ = _solve(columns, b - now, weight, ridge)
            step = np.array([[1 + p[2], p[3], p[0]], [p[4], 1 + p[5], p[1]]])
            matrix = np.hstack(
                [matrix[:, :2] @ step[:, :2], matrix[:, :2] @ step[:, 2:] + matrix[:, 2:]]
            )
    return matrix


def _smooth(picture: F32, sigma: float) -> F32:
    return np.asarray(
        cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.3), borderType=cv2.BORDER_REFLECT_101),
        np.float32,
    )


def _uncentred(matrix: F64, c: float) -> F64:
    """The same map for coordinates counted from the first pixel."""
    out = matrix.copy()
    out[:, 2] += c - matrix[:, :2] @ np.array([c, c])
    return out


def _nearest_similarity(matrix: F64) -> F64:
    """The similarity part of a centred affine (2, 3); shift, turn and size without stretch."""
    a = (matrix[0, 0] + matrix[1, 1]) / 2
    b = (matrix[1, 0] - matrix[0, 1]) / 2
    return np.array([[a, -b, matrix[0, 2]], [b, a, matrix[1, 2]]])


def _part_shift(
    part: str, start: F32, seen: F32, most_px: float, prior_px: float
) -> tuple[float, float] | None:
    """(dx, dy) px by which a part of the footage lies elsewhere in ``start``; None if unclear."""
    side = start.shape[0]
    full = _weight(part, side)
    ys, xs = np.nonzero(full > 0.02)
    y0, y1, x0, x1 = int(ys.min()), int(ys.max()) + 1, int(xs.min()), int(xs.max()) + 1
    weight = full[y0:y1, x0:x1]
    d = np.zeros(2)
    spread = np.inf
    for sigma in (side / 60, _SMOOTH_PX, _SMOOTH_PX):
        a, b = _smooth(start, sigma), _smooth(seen, sigma)[y0:y1, x0:x1]
        for _ in range(_STEPS // 2):
            now = _warped(a, np.array([[1, 0, d[0]], [0, 1, d[1]]]))
            gx, gy = (g[y0:y1, x0:x1] for g in _gradient(now))
            now = now[y0:y1, x0:x1]
            columns = [gx, gy, now, np.ones_like(now)]
            _, _, variance = _solve(columns[2:], b, weight, np.full(2, 1e-3))
            # Neighbours share what smoothing spread: fewer independent pixels than there are.
            noise = max(variance, 0.25) * max(1.0, 4 * np.pi * sigma**2)
            ridge = np.array([noise / prior_px**2, noise / prior_px**2, 1e-3, 1e-3])
            target = (b - now) + gx * d[0] + gy * d[1]
            p, inverse, _ = _solve(columns, target, weight, ridge)
            d = np.clip(p[:2], -most_px, most_px)
            spread = float(np.sqrt(noise * np.linalg.eigvalsh(inverse[:2, :2])[0]))
    return (float(d[0]), float(d[1])) if spread < _LOOSEST * prior_px else None


def _unshaded(picture: F32) -> F32:
    """A smoothed picture less its shading."""
    return picture - _smooth(picture, picture.shape[0] * _FINE)


def _resemblance(part: str, start: F32, seen: F32, shift: tuple[float, float]) -> float:
    """Correlation, -1..1, of a part moved by its shift with the footage.

    ``start`` is smoothed, ``seen`` smoothed and without its shading.

    A part that only moved looks like the footage's own; one that a hand hid a moment ago and that
    the codec has not drawn again, or that was drawn anew, does not, and has no shift.
    """
    weight = _weight(part, start.shape[0])
    weight = weight / weight.sum()
    moved = _unshaded(_warped(start, np.array([[1, 0, shift[0]], [0, 1, shift[1]]])))
    a, b = (picture - float((weight * picture).sum()) for picture in (moved, seen))
    power = float((weight * a * a).sum()) * float((weight * b * b).sum())
    return float((weight * a * b).sum()) / float(np.sqrt(max(power, 1e-12)))


def find_shifts(matched: Matched) -> Shifts:
    """Register the restored face to the footage, whole and part by part."""
    side = min(matched.side_px, _WORK_PX)
    shown, seen = (_grey(rgb, side) for rgb in (matched.shown_rgb, matched.seen_rgb))
    interocular = TEMPLATE_INTEROCULAR_PX * side / TEMPLATE_PX
    head = _align_head(shown, seen)
    rest = head - _nearest_similarity(head)
    c = (side - 1) / 2
    started = _warped(shown, _uncentred(head, c))
    soft, look = _smooth(started, _SMOOTH_PX), _unshaded(_smooth(seen, _SMOOTH_PX))
    parts = {}
    for part in PARTS:
        found = _part_shift(part, started, seen, MOST_SHIFT * interocular, _PRIOR * interocular)
        if found is None:
            continue
        if _resemblance(part, soft, look, found) < _ALIKE.get(part, _ALIKE_INSIDE):
            continue
        weight = _weight(part, side)
        grid = np.arange(side) - c
        centre = np.array([(weight.sum(0) @ grid), (weight.sum(1) @ grid)]) / weight.sum()
        moved = rest[:, :2] @ centre + np.array(found)
        parts[part] = 100 * float(np.hypot(*moved)) / interocular
    stretch = abs(head[0, 0] - head[1, 1]) / 2 * _JAW_HALF_WIDTH * 100
    return Shifts(parts, float(stretch))


def _grey(rgb: F32, side: int) -> F32:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if grey.shape[0] != side:
        grey = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.float32)


def gate(face: FaceInput) -> str | None:
    """Why the measure abstains for this face, or None."""
    if face.interocular_px < MIN_INTEROCULAR_PX:
        return f"under {MIN_INTEROCULAR_PX:.0f} px between the eyes nothing can be placed"
    if (reason := turned(face.yaw_deg)) is not None:
        return reason
    if too_flat(face.crop_rgb_u8):
        return "the face is too dark or too flat in the footage: no part of it can be placed"
    return None


def measure_structure(face: FaceInput, matched: Matched | None) -> Reading:
    """`landmark_shift`: the largest shift of a part or of the jaw line, % of the eye distance."""
    name = "landmark_shift"
    reason = gate(face)
    if reason is None and matched is None:
        reason = "the face is too small in the footage"
    if reason is not None or matched is None:
        return Reading(reasons={name: reason or ""})
    found = find_shifts(matched)
    if not found.parts:
        return Reading(
            reasons={name: "no part has enough contrast in the footage or looks like it"}
        )
    return Reading({name: found.largest()[1]})

"""Scoring, `restored_twice`: does the footage itself look as if a restorer had drawn the face?

From the footage alone.  A restorer draws inside a mask and leaves what surrounds it as it was, so
sharpness, noise, colour detail and the codec's grid can differ between the face and the hair, neck
and clothes around it.  Each of them differs in untouched pictures too; a weighted sum of all,
fixed on people of the training lists, decides (`tables/traces.json`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.facts import SEVERITY, FaceFact, FlagFinding, merged_ranges
from forensics.scoring.measure import (
    F32,
    TEMPLATE_INTEROCULAR_PX,
    U8,
    Bool,
    Reading,
    check_picture,
)
from forensics.scoring.thresholds import ThresholdTable
from forensics.scoring.traces_table import TracesTable, shipped_traces

F64 = NDArray[np.float64]
TRACES: Final = "restoration_traces"
MIN_INTEROCULAR_PX: Final = 16.0
MOST_INTEROCULAR_PX: Final = 80.0  # larger faces are shrunk: what is finer costs time only
MIN_PIXELS: Final = 150
# The face as restorers paste it: brows to chin, cheek to cheek (`restore.mask` has the same oval;
# stages do not import each other, and a test holds the two together).
MASK_CENTRE_PX: Final = (256.0, 292.0)
MASK_RADII_PX: Final = (168.0, 202.0)
MASK_POWER: Final = 2.5
FIELD_PX: Final = (-60.0, -60.0, 572.0, 640.0)  # of the template, that is looked at
INSIDE, _RING = 0.8, (1.05, 1.5)  # of the radius of the mask
_SQUARE_PX = 262.0  # beyond the template's own square
_SIGMAS: Final = (0.6, 1.0, 1.7, 3.0)
_POOL_PX: Final = 2.0
_SHARES: Final = (10, 50, 90)


def measure_traces(frame_rgb_u8: U8, affine: F64, table: TracesTable | None = None) -> Reading:
    """`restoration_traces`: how far the face stands out of its surroundings as restored ones do.

    ``frame_rgb_u8`` (H, W, 3) is the frame as decoded; ``affine`` (2, 3) takes its px to the
    template.  About -6 to 6, high is suspicious; it is no probability.  Abstains under 16 px
    between the eyes and where too little of the surroundings is in the picture.

    Raises `ValueError` for a wrong dtype or shape.
    """
    check_picture("frame_rgb_u8", frame_rgb_u8)
    known = table or shipped_traces()
    scale = math.sqrt(abs(float(np.linalg.det(np.asarray(affine, np.float64)[:, :2]))))
    if scale <= 0 or TEMPLATE_INTEROCULAR_PX / scale < MIN_INTEROCULAR_PX:
        reason = f"under {MIN_INTEROCULAR_PX:.0f} px between the eyes: cannot be told"
        return Reading(reasons={TRACES: reason})
    part, placed = cut(frame_rgb_u8, np.asarray(affine, np.float64))
    differences = read_differences(part, placed)
    if differences is None:
        reason = "too little of the face or its surroundings is in the picture"
        return Reading(reasons={TRACES: reason})
    return Reading({TRACES: known.score(differences)})


def find_traces(person: int, own: Sequence[FaceFact], limits: ThresholdTable) -> FlagFinding | None:
    """Whether the footage shows traces of an earlier restoration in this person's faces, or None.

    ``own`` are the person's faces.  The median over all faces that were read decides; the range
    runs from the first that lies above the limit to the last, because not every face is read.
    None proves nothing: many restorations leave no trace that this would see.
    """
    read = [(f, f.traces) for f in own if f.traces is not None]
    if not read:
        return None
    limit = limits["traces_limit"]
    median = float(np.median([value for _, value in read]))
    if median <= limit:
        return None
    high = sorted(f.frame for f, value in read if value > limit)
    return FlagFinding(
        "restored_twice",
        person,
        merged_ranges(f.frame for f in own if high[0] <= f.frame <= high[-1]),
        SEVERITY["restored_twice"],
        measured=median,
        reference=limit,
        detail=f"so in {len(high)} of {len(read)} faces read",
    )


def cut(frame_rgb_u8: U8, affine: F64) -> tuple[U8, F64]:
    """The face with its surroundings, on the frame's own grid, and the affine of that part."""
    left, top, right, bottom = FIELD_PX
    corners = np.array([[x, y, 1.0] for x in (left, right) for y in (top, bottom)])
    placed = corners @ np.linalg.inv(np.vstack([affine, [0, 0, 1]]))[:2].T
    size = [frame_rgb_u8.shape[1], frame_rgb_u8.shape[0]]
    x0, y0 = np.clip(np.floor(placed.min(0)).astype(int), 0, size)
    x1, y1 = np.clip(np.ceil(placed.max(0)).astype(int), 0, size)
    part, matrix = frame_rgb_u8[y0:y1, x0:x1], affine.copy()
    matrix[:, 2] += affine[:, :2] @ (x0, y0)
    scale = math.sqrt(abs(float(np.linalg.det(affine[:, :2]))))
    shrink = scale * MOST_INTEROCULAR_PX / TEMPLATE_INTEROCULAR_PX
    if shrink >= 1 or 0 in part.shape:
        return part, matrix
    width, height = max(1, round(part.shape[1] * shrink)), max(1, round(part.shape[0] * shrink))
    kx, ky = width / part.shape[1], height / part.shape[0]
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    back = np.array([[1 / kx, 0, 0.5 / kx - 0.5], [0, 1 / ky, 0.5 / ky - 0.5], [0, 0, 1]])
    return np.asarray(small, np.uint8), np.asarray(matrix @ back, np.float64)


def read_differences(part_rgb_u8: U8, affine: F64) -> dict[str, float] | None:
    """What the face has more of than the ring around it (``_ring``) and than what is beyond.

    Names end in ``_ring`` and ``_far``; the latter are absent where nothing lies beyond the
    template's square.  None where face or ring have too few pixels.
    """
    if min(part_rgb_u8.shape[:2]) < 16:
        return None
    inside, ring, far = _zones(part_rgb_u8.shape[:2], affine)
    if min(int(inside.sum()), int(ring.sum())) < MIN_PIXELS:
        return None
    read = _Reader(part_rgb_u8)
    face = read.zone(inside)
    found: dict[str, float] = {}
    for name, zone in (("ring", ring), ("far", far)):
        if int(zone.sum()) >= MIN_PIXELS:
            around = read.zone(zone)
            found |= {f"{key}_{name}": face[key] - around[key] for key in face}
    return found


def _zones(shape: tuple[int, ...], affine: F64) -> tuple[Bool, Bool, Bool]:
    """Inside the mask, the ring around it, and beyond the template's square."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    (a, b, c), (d, e, f) = affine.tolist()
    u, v = a * x + b * y + c, d * x + e * y + f
    across = np.abs(u - MASK_CENTRE_PX[0]) / MASK_RADII_PX[0]
    down = np.abs(v - MASK_CENTRE_PX[1]) / MASK_RADII_PX[1]
    radius = (across**MASK_POWER + down**MASK_POWER) ** (1 / MASK_POWER)
    beyond = np.maximum(np.abs(u - 255.5), np.abs(v - 255.5)) > _SQUARE_PX
    return radius < INSIDE, (radius > _RING[0]) & (radius < _RING[1]), beyond


class _Reader:
    """Local statistics of a picture, made once and read zone by zone."""

    def __init__(self, rgb_u8: U8) -> None:
        self._grey = cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY).astype(np.float32)
        soft = [self._grey, *(_soft(self._grey, sigma) for sigma in _SIGMAS)]
        self._bands = [np.square(soft[k] - soft[k + 1]) for k in range(4)]
        self._level = [np.log(_soft(band, _POOL_PX) + 0.05) for band in self._bands]
        self._slope = [self._level[k] - self._level[k + 1] for k in range(3)]
        self._maps: Mapping[str, F32] = {
            "slope0": self._slope[0],
            "slope1": self._slope[1],
            "slope2": self._slope[2],
            "level0": self._level[0],
            "level1": self._level[1],
            "level3": self._level[3],
            "colour": _colour_slope(rgb_u8),
        }

    def zone(self, mask: Bool) -> dict[str, float]:
        """All statistics of one zone by name."""
        found: dict[str, float] = {}
        for name, picture in self._maps.items():
            for share, value in zip(_SHARES, np.percentile(picture[mask], _SHARES), strict=True):
                found[f"{name}_{share}"] = float(value)
        for k in range(3):
            fine, coarse = float(self._bands[k][mask].sum()), float(self._bands[k + 1][mask].sum())
            found[f"energy{k}"] = math.log((fine + 1e-3) / (coarse + 1e-3))
            strong = self._level[k + 1][mask]
            kept = strong >= np.percentile(strong, 75)
            found[f"edge{k}"] = float(np.percentile(self._slope[k][mask][kept], 80))
        flat = self._level[3][mask]
        kept = flat <= np.percentile(flat, 30)
        for k in range(2):
            found[f"flat{k}"] = float(np.median(self._level[k][mask][kept]))
        for period in (8, 16):
            for axis in (0, 1):
                found[f"grid{period}_{axis}"] = _grid(self._grey, mask, period, axis)
        return found


def _grid(grey: F32, mask: Bool, period: int, axis: int) -> float:
    """Strongest phase of the steps between neighbours against their median, within a zone."""
    steps = np.minimum(np.abs(np.diff(grey, axis=axis)), 12)
    inside = mask[1:] if axis == 0 else mask[:, 1:]
    phase = np.nonzero(inside)[axis] % period
    count = np.maximum(np.bincount(phase, minlength=period), 1)
    mean = np.bincount(phase, steps[inside], period) / count
    return float(mean.max() / max(float(np.median(mean)), 0.05))


def _colour_slope(rgb_u8: U8) -> F32:
    """Fine against coarse detail of both colour differences, log; (H, W)."""
    colour = cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2YCrCb)[..., 1:].astype(np.float32)
    soft = [_soft(colour, sigma) for sigma in (0.6, 1.5, 3.0)]
    fine, coarse = (_soft(np.square(soft[k] - soft[k + 1]).sum(2), _POOL_PX) for k in range(2))
    return np.asarray(np.log(fine + 0.02) - np.log(coarse + 0.02), np.float32)


def _soft(picture: F32, sigma: float) -> F32:
    out = cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(out, np.float32)

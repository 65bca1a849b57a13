"""Scoring, `mismatched_pair`: does the other picture show another face altogether?

The face of the other is laid on the footage (shift, size, turn, blur), both are taken down to what
the footage can carry, and brows, eyes, nose, mouth and their shadows are compared at that
sharpness.  A restoration may invent whatever the footage does not hold; at the footage's own
sharpness a right one shows the same face.  Nothing here says who somebody is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import cv2
import numpy as np

from forensics.scoring.facts import SEVERITY, FaceFact, FlagFinding, merged_ranges
from forensics.scoring.measure import F32, FaceInput, Reading
from forensics.scoring.registration import SMALL_PX, TEMPLATE_PER_SMALL, place, small_luma
from forensics.scoring.thresholds import ThresholdTable

PAIR_LIKENESS: Final = "pair_likeness"
MIN_INTEROCULAR_PX: Final = 12.0
LEAST_CONTRAST_GREY: Final = 2.0
_FINE_PX, _COARSE_PX = 2.0, 6.0  # sigmas of the band, px of the 128 px template
_BLURS: Final = (0.0, 2.0, 4.0)  # of the other, same px: footage may be softer than its grid
_NYQUIST: Final = 0.8  # sigma in native px that leaves nothing beyond the footage's grid
_CENTRE, _RADII = (64.0, 70.0), (40.0, 48.0)  # of the inner face, px of the 128 px template


def measure_likeness(face: FaceInput) -> Reading:
    """`pair_likeness` in -1..1: 1 where the other shows the face of the footage, near 0 for any.

    A pure function of crop and restored face.  Abstains under 12 px between the eyes, and where
    the footage itself shows no face to compare (no contrast at that sharpness).
    """
    if face.interocular_px < MIN_INTEROCULAR_PX:
        reason = f"under {MIN_INTEROCULAR_PX:.0f} px between the eyes faces look alike"
        return Reading(reasons={PAIR_LIKENESS: reason})
    other, seen = small_luma(face.restored_rgb_u8), small_luma(face.crop_rgb_u8)
    fine = max(_FINE_PX, _NYQUIST * face.scale / TEMPLATE_PER_SMALL)
    footage = _band(seen, fine)
    if _spread(footage) < LEAST_CONTRAST_GREY:
        return Reading(reasons={PAIR_LIKENESS: "the footage shows no contrast in the face"})
    found = max(_likeness(_soft(other, sigma), seen, footage, fine, face.scale) for sigma in _BLURS)
    return Reading({PAIR_LIKENESS: found})


def find_mismatch(
    person: int, own: Sequence[FaceFact], limits: ThresholdTable
) -> FlagFinding | None:
    """Whether the other shows another face than the footage in this person's frames, or None.

    ``own`` are the person's faces of one pair.  The median over all faces that could be compared
    decides, so that a hand or a blink in some of them does not; the ranges are those faces that
    lie below the limit themselves.  None also where no face could be compared.
    """
    read = [(f, f.pair_likeness) for f in own if f.pair_likeness is not None]
    if not read:
        return None
    limit = limits["pair_likeness_least"]
    median = float(np.median([value for _, value in read]))
    if median >= limit:
        return None
    low = [f.frame for f, value in read if value < limit]
    return FlagFinding(
        "mismatched_pair",
        person,
        merged_ranges(low),
        SEVERITY["mismatched_pair"],
        measured=median,
        reference=limit,
        unit="correlation at the footage's sharpness",
        detail=f"so in {len(low)} of {len(read)} faces compared",
    )


def _likeness(other: F32, seen: F32, footage: F32, fine_px: float, scale: float) -> float:
    """Of the other as it lies and as it is laid on the footage, the higher correlation."""
    found = _alike(_band(other, fine_px), footage)
    placement = place(other, seen, scale)
    if placement is None:
        return found
    right, down = placement.movement()
    y, x = np.mgrid[0:SMALL_PX, 0:SMALL_PX].astype(np.float32)
    laid = cv2.remap(
        other, x - right, y - down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return max(found, _alike(_band(np.asarray(laid, np.float32), fine_px), footage))


def _soft(grey: F32, sigma_px: float) -> F32:
    if sigma_px <= 0:
        return grey
    out = cv2.GaussianBlur(grey, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(out, np.float32)


def _band(grey: F32, fine_px: float) -> F32:
    """What lies between the footage's sharpness and the light on the whole face."""
    return np.asarray(_soft(grey, fine_px) - _soft(grey, max(_COARSE_PX, 2 * fine_px)), np.float32)


@cache
def _weight() -> F32:
    """Weights of the inner face, (128, 128), their sum 1; read-only."""
    y, x = np.mgrid[0:SMALL_PX, 0:SMALL_PX].astype(np.float32)
    radius = np.hypot((x - _CENTRE[0]) / _RADII[0], (y - _CENTRE[1]) / _RADII[1])
    weight = np.where(radius < 1, np.cos(np.minimum(radius, 1) * np.pi / 2) ** 2, 0)
    out = np.asarray(weight / weight.sum(), np.float32)
    out.setflags(write=False)
    return out


def _spread(band: F32) -> float:
    """Weighted standard deviation over the inner face, grey levels."""
    weight = _weight()
    middle = float((weight * band).sum())
    return float(np.sqrt((weight * np.square(band - middle)).sum()))


def _alike(a: F32, b: F32) -> float:
    """Weighted correlation over the inner face; 0 where one of them is flat."""
    weight, spread = _weight(), _spread(a) * _spread(b)
    if spread < 1e-6:
        return 0.0
    middle_a, middle_b = float((weight * a).sum()), float((weight * b).sum())
    return float(np.clip((weight * (a - middle_a) * (b - middle_b)).sum() / spread, -1, 1))

"""Scoring, `glasses` and `facial_hair`: was something drawn that the footage does not show?

Both compare the restored face, brought to the footage's sharpness, with the footage itself: what
could not be seen at that sharpness differs in neither, and nothing is claimed.  There is no parser;
regions are the template's.  `glasses` reads a small logistic cue (oriented gradients of the eye
band), `facial_hair` how much darker moustache, chin and jaw are than cheeks and forehead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.iris import as_lab
from forensics.scoring.matched import Matched
from forensics.scoring.measure import F32, TEMPLATE_PX, Bool, FaceInput, Reading, turned
from forensics.scoring.references import TABLES

GLASSES_MIN_PX: Final = 16.0  # between the eyes; below it the cue was not tested
HAIR_MIN_PX: Final = 16.0
BAND_PX: Final = 128  # side at which the cue sees a face: 31 px between the eyes
_ROWS, _COLUMNS = (46, 81), (21, 107)  # brows to mid-nose, temple to temple, at 128 px
_CELLS = (7, 17)
_BINS = 8
_QUIET = 2.0  # grey levels per px: gradients below it count little
F64 = NDArray[np.float64]


# ---------------------------------------------------------------- glasses


@dataclass(frozen=True)
class GlassesCue:
    """Logistic weights over `band_features`; made by ``python -m training.attributes``."""

    weights: F64
    bias: float

    def probability(self, features: F64) -> float:
        """How much the band looks like one with frames, 0..1."""
        return float(1 / (1 + np.exp(-(features @ self.weights + self.bias))))


@cache
def shipped_cue() -> GlassesCue:
    """The cue that travels with the package."""
    return read_cue(TABLES / "glasses.json")


def read_cue(path: Path) -> GlassesCue:
    """Read a cue. Raises `OSError`, `KeyError` or `ValueError` when it is broken."""
    raw = json.loads(path.read_text("utf-8"))
    weights = np.array(raw["weights"], np.float64)
    if weights.shape != (_CELLS[0] * _CELLS[1] * _BINS,):
        raise ValueError(f"the cue of {path.name} has {weights.shape} weights")
    return GlassesCue(weights, float(raw["bias"]))


def band_features(rgb: F32) -> F64:
    """Oriented gradients of the eye band of a template picture (h, h, 3) in grey levels: (952,).

    Histograms of 8 directions (a line and its opposite are one) in 7 x 17 cells of about 5 px at
    128 px, each relative to the gradients around it (Dalal and Triggs 2005, own code).
    """
    grey = cv2.cvtColor(np.asarray(rgb, np.float32), cv2.COLOR_RGB2GRAY)
    how = cv2.INTER_AREA if grey.shape[0] > BAND_PX else cv2.INTER_CUBIC
    small = cv2.resize(grey, (BAND_PX, BAND_PX), interpolation=how)
    small = cv2.GaussianBlur(small, (0, 0), 0.7)
    band = small[_ROWS[0] - 1 : _ROWS[1] + 1, _COLUMNS[0] - 1 : _COLUMNS[1] + 1]
    dx = (band[1:-1, 2:] - band[1:-1, :-2]) / 2
    dy = (band[2:, 1:-1] - band[:-2, 1:-1]) / 2
    size = np.hypot(dx, dy)
    angle = np.mod(np.arctan2(dy, dx), np.pi) / np.pi * _BINS
    low = np.floor(angle).astype(int) % _BINS
    share = angle - np.floor(angle)
    maps = np.zeros((_BINS, *size.shape), np.float32)
    for k in range(_BINS):
        maps[k] = size * ((low == k) * (1 - share) + (low == (k - 1) % _BINS) * share)
    cells = np.stack(
        [cv2.resize(m, (_CELLS[1], _CELLS[0]), interpolation=cv2.INTER_AREA) for m in maps], -1
    )
    around = cv2.GaussianBlur(cells.sum(-1), (0, 0), 1.5)
    return np.asarray((cells / (around + _QUIET)[..., None]).ravel(), np.float64)


def measure_glasses(face: FaceInput, matched: Matched | None) -> Reading:
    """`glasses`: how far the cue differs between restored face and footage, 0..1.

    Frames that were drawn and frames that are gone read alike: both are high.
    """
    name = "glasses"
    reason = _gate(face, matched, GLASSES_MIN_PX, "frames")
    if reason is not None or matched is None:
        return Reading(reasons={name: reason or ""})
    return Reading({name: glasses_change(matched.shown_rgb, matched.seen_rgb)})


def glasses_change(a_rgb: F32, b_rgb: F32) -> float:
    """How far the cue differs between two template pictures (h, h, 3) in grey levels, 0..1."""
    cue = shipped_cue()
    a, b = (cue.probability(band_features(picture)) for picture in (a_rgb, b_rgb))
    return abs(a - b)


# ---------------------------------------------------------------- facial hair

_MOUSTACHE = ((204, 358), (220, 342), (256, 338), (292, 342), (308, 358), (284, 357), (228, 357))
_CHIN = ((214, 428), (298, 428), (304, 452), (286, 470), (226, 470), (208, 452))
_LEFT_JAW = ((122, 340), (150, 340), (168, 392), (204, 430), (196, 452), (160, 424), (134, 386))
_CHEEKS = (((140, 282), (196, 284), (200, 318), (150, 318)),)
_FOREHEAD = ((190, 130), (322, 130), (330, 180), (182, 180))


def _mirror(points: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    return tuple((TEMPLATE_PX - x, y) for x, y in points)


@cache
def _mask(name: str, side: int) -> Bool:
    shapes = {
        "moustache": (_MOUSTACHE,),
        "chin": (_CHIN,),
        "jaw": (_LEFT_JAW, _mirror(_LEFT_JAW)),
        "skin": (*_CHEEKS, *(_mirror(c) for c in _CHEEKS), _FOREHEAD),
    }[name]
    full = np.zeros((TEMPLATE_PX, TEMPLATE_PX), np.uint8)
    for shape in shapes:
        cv2.fillPoly(full, [np.array(shape, np.int32)], (1,))
    share = cv2.resize(full.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    mask = np.asarray(share >= 0.5)
    mask.setflags(write=False)
    return mask


def darkness(rgb: F32) -> dict[str, float]:
    """How much darker moustache, chin and jaw are than cheeks and forehead, CIE L* (medians)."""
    side = int(rgb.shape[0])
    light = as_lab(np.clip(np.rint(rgb), 0, 255).astype(np.uint8))[..., 0]
    skin = float(np.median(light[_mask("skin", side)]))
    found = {}
    for name in ("moustache", "chin", "jaw"):
        mask = _mask(name, side)
        if int(mask.sum()) >= 4:
            found[name] = skin - float(np.median(light[mask]))
    return found


def measure_facial_hair(face: FaceInput, matched: Matched | None) -> Reading:
    """`facial_hair`: by how much moustache, chin or jaw became darker or lighter, CIE L*.

    Against cheeks and forehead, and against the footage; the region that changed most decides.
    """
    name = "facial_hair"
    reason = _gate(face, matched, HAIR_MIN_PX, "a moustache")
    if reason is not None or matched is None:
        return Reading(reasons={name: reason or ""})
    change = facial_hair_change(matched.shown_rgb, matched.seen_rgb)
    if change is None:
        return Reading(reasons={name: "the regions have too few pixels in the footage"})
    return Reading({name: change})


def facial_hair_change(a_rgb: F32, b_rgb: F32) -> float | None:
    """The largest difference in `darkness` of two pictures of one size, CIE L*, or None."""
    a, b = darkness(a_rgb), darkness(b_rgb)
    return max((abs(a[region] - b[region]) for region in a), default=None)


def _gate(face: FaceInput, matched: Matched | None, least_px: float, what: str) -> str | None:
    """Why an attribute is not read from this face, or None."""
    if face.interocular_px < least_px:
        return f"under {least_px:.0f} px between the eyes the footage cannot show {what}"
    if (reason := turned(face.yaw_deg)) is not None:
        return reason
    if matched is None:
        return "the face is too small in the footage"
    return None

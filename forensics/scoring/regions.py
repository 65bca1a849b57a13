"""Scoring, regions: fixed masks of the aligned frame, the same for every face.

Polygons on the FFHQ-512 template, drawn on the mean face of the ``fit`` portraits.  They always
exist and need no network, but they do not follow a face: hair over the forehead counts as face,
a turned head leaves the jaw mask partly on the background.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from forensics.scoring.measure import TEMPLATE_PX, Bool

REGIONS: tuple[str, ...] = ("eyes", "nose", "mouth", "jaw", "hair")
MASK_SOURCE = "template"

_LEFT_EYE = ((138, 226), (150, 202), (190, 192), (238, 202), (244, 236), (222, 264), (164, 264))
_NOSE = ((236, 236), (276, 236), (284, 286), (306, 318), (296, 342), (216, 342), (206, 318))
_MOUTH = ((186, 366), (216, 346), (296, 346), (326, 366), (316, 400), (280, 422), (232, 422))
_FACE = (
    (104, 240),
    (112, 160),
    (150, 108),
    (200, 88),
    (256, 82),
    (312, 88),
    (362, 108),
    (400, 160),
    (408, 240),
    (404, 320),
    (386, 390),
    (346, 446),
    (300, 476),
    (256, 484),
    (212, 476),
    (166, 446),
    (126, 390),
    (108, 320),
)
_CHEEKS = ((152, 300), (360, 300), (346, 386), (318, 430), (256, 446), (194, 430), (166, 386))
_HEAD = (
    (84, 250),
    (84, 130),
    (124, 58),
    (190, 18),
    (256, 8),
    (322, 18),
    (388, 58),
    (428, 130),
    (428, 250),
)

Polygon = tuple[tuple[int, int], ...]


def _mirror(polygon: Polygon) -> Polygon:
    """The polygon on the other side of the face (the template's axis lies at x = 256)."""
    return tuple((TEMPLATE_PX - x, y) for x, y in polygon)


def _filled(*polygons: Polygon) -> Bool:
    mask = np.zeros((TEMPLATE_PX, TEMPLATE_PX), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.array(polygon, np.int32)], (1,))
    return mask.astype(bool)


@cache
def template_mask(name: str) -> Bool:
    """Mask (512, 512) bool of a region, of ``face`` or of ``head`` (face and hair).

    Raises `KeyError` for an unknown name.
    """
    face, head = _filled(_FACE), _filled(_HEAD)
    below_eyes = np.zeros_like(face)
    below_eyes[300:] = True
    masks = {
        "eyes": _filled(_LEFT_EYE, _mirror(_LEFT_EYE)),
        "nose": _filled(_NOSE),
        "mouth": _filled(_MOUTH),
        "jaw": face & below_eyes & ~_filled(_CHEEKS),
        "hair": head & ~face,
        "face": face,
        "head": head | face,
    }
    mask = masks[name]
    mask.setflags(write=False)
    return mask


@cache
def mask_at(name: str, side_px: int) -> Bool:
    """The same mask at (side_px, side_px): pixels that lie at least half inside."""
    share = cv2.resize(
        template_mask(name).astype(np.float32), (side_px, side_px), interpolation=cv2.INTER_AREA
    )
    mask = np.asarray(share >= 0.5)
    mask.setflags(write=False)
    return mask

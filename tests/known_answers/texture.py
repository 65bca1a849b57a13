"""Known answers, texture: detail finer than the footage carries, and a machine's lattice.

Pure functions on template pictures (512, 512, 3) uint8 RGB; frequencies in cycles per template px.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.regions import template_mask

U8 = NDArray[np.uint8]
PASSES = 8


def nullspace_splice(rgb_u8: U8, other_rgb_u8: U8, scale: float, gain: float) -> U8:
    """The face with another's texture where the footage's pixels cannot see it.

    Its own detail beyond the footage is taken out; the other's comes in ``gain`` times as strong.
    Averaged over the footage's pixels, ``scale`` template px wide, nearly nothing of it is left:
    the null space of that average, as in the range and null-space split of DDNM.
    """
    own, foreign = rgb_u8.astype(np.float32), other_rgb_u8.astype(np.float32)
    spliced = own - unseen(own, scale) + np.float32(gain) * unseen(foreign, scale)
    return np.asarray(np.clip(np.rint(spliced), 0, 255), np.uint8)


def unseen(picture: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """What area averages of ``scale`` px do not show of a picture (512, 512, 3).

    Back-projection: what an average still shows is taken out again, ``PASSES`` times.
    """
    side = round(512 / scale)
    left = picture
    for _ in range(PASSES):
        small = cv2.resize(left, (side, side), interpolation=cv2.INTER_AREA)
        left = left - cv2.resize(small, (512, 512), interpolation=cv2.INTER_CUBIC)
    return np.asarray(left, np.float32)


def hair_lattice(rgb_u8: U8, period_px: float, amplitude_grey: float) -> U8:
    """A square lattice over the hair: two crossed cosines of stated period and amplitude.

    The amplitude is that of the sum: the brightest node is ``amplitude_grey`` above the hair.
    """
    y, x = np.mgrid[0:512, 0:512].astype(np.float64)
    wave = np.cos(2 * np.pi * x / period_px) + np.cos(2 * np.pi * y / period_px)
    soft = cv2.GaussianBlur(template_mask("hair").astype(np.float64), (0, 0), 3.0)
    lattice = (amplitude_grey / 2 * wave * soft)[..., None]
    return np.asarray(np.clip(np.rint(rgb_u8 + lattice), 0, 255), np.uint8)

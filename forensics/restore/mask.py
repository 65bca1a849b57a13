"""Restore, masks: how much of a restored face goes into the picture, pixel by pixel.

Promise: a mask is 0 at the rim of the crop, so that no square shows, and says where it comes from.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Source = Literal["template", "bisenet", "parsenet"]
TEMPLATE_PX = 512
# The face on the 512 template: brows to chin, cheek to cheek, with part of forehead and ears.
MASK_CENTRE_PX = (256.0, 292.0)
MASK_RADII_PX = (168.0, 202.0)
MASK_POWER = 2.5
MASK_CORE = 0.80  # inside this share of the radius the mask is 1, at the radius it is 0
# Upstream's feather (face_restoration_helper.py:322-329): twice 101 px with this sigma, then a
# black rim.
BLUR_SIGMA_PX = 11.0
BLUR_SIZE_PX = 101
RIM_PX = 10
FADE_PX = 32  # over which a mask falls to 0 before the rim
SHRINK = 4  # the feather is so wide that a quarter of the pixels carry it


@dataclass(frozen=True)
class FaceMask:
    """A soft mask (512, 512) in [0, 1] on the 512 template; read-only.

    float32, or float64 as upstream's arithmetic needs it.  ``box_px``: x0, y0, x1, y1 beyond which
    it is 0, in template px with pixel centres at integers.
    """

    soft: F32 | F64
    box_px: tuple[float, float, float, float]
    source: Source

    @classmethod
    def of(cls, soft: F32 | F64, source: Source) -> FaceMask:
        """Take an array, find its box, and close it for writing.

        Raises ``ValueError`` for a wrong shape or values outside [0, 1].
        """
        if soft.shape != (TEMPLATE_PX, TEMPLATE_PX):
            raise ValueError(f"mask must be (512, 512), is {soft.shape}")
        # Written so that a value that is no number is refused too.
        if not (soft.min() >= 0 and soft.max() <= 1 + 1e-6):
            raise ValueError(f"mask must lie in 0..1, is {soft.min()}..{soft.max()}")
        x, y, width, height = cv2.boundingRect((soft > 0).astype(np.uint8))
        soft.setflags(write=False)
        # One px more on each side: between the last value and the next 0 there is a slope.
        return cls(soft, (x - 1.0, y - 1.0, float(x + width), float(y + height)), source)


@functools.cache
def template_mask() -> F32:
    """Soft mask (512, 512) float32 in [0, 1] on the 512 template; read-only, made once.

    A superellipse, 1 inside ``MASK_CORE`` of its radius, falling to 0 at the radius by a smooth
    step.  It is fixed: the embedded set has no network that finds the parts of a face.
    """
    y, x = np.mgrid[0:TEMPLATE_PX, 0:TEMPLATE_PX].astype(np.float64)
    across = np.abs(x - MASK_CENTRE_PX[0]) / MASK_RADII_PX[0]
    down = np.abs(y - MASK_CENTRE_PX[1]) / MASK_RADII_PX[1]
    radius = (across**MASK_POWER + down**MASK_POWER) ** (1 / MASK_POWER)
    t = np.clip((1 - radius) / (1 - MASK_CORE), 0, 1)
    mask: F32 = (t * t * (3 - 2 * t)).astype(np.float32)
    mask.setflags(write=False)
    return mask


@functools.cache
def template_face_mask() -> FaceMask:
    """`template_mask` with the box of its superellipse."""
    (cx, cy), (rx, ry) = MASK_CENTRE_PX, MASK_RADII_PX
    return FaceMask(template_mask(), (cx - rx, cy - ry, cx + rx, cy + ry), "template")


def feathered(inside: NDArray[np.bool_], source: Source) -> FaceMask:
    """A soft mask from the pixels (512, 512) that belong to the face.

    As wide a feather as upstream's two blurs together (sigma 15.6 px), computed at a quarter of
    the size, which differs from it by less than 0.01.  Where upstream cuts the mask off at the
    rim, this one fades to 0.
    """
    small = cv2.resize(
        inside.astype(np.float32),
        (TEMPLATE_PX // SHRINK, TEMPLATE_PX // SHRINK),
        interpolation=cv2.INTER_AREA,
    )
    # Averaging before and interpolating after blur too: by a box and by a triangle.
    own = (SHRINK**2 - 1) / 12 + SHRINK**2 / 6
    sigma = (2 * BLUR_SIGMA_PX**2 - own) ** 0.5 / SHRINK
    blurred = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    soft = cv2.resize(blurred, (TEMPLATE_PX, TEMPLATE_PX), interpolation=cv2.INTER_LINEAR)
    return FaceMask.of(np.clip(soft * _fade(), 0, 1).astype(np.float32), source)


def upstream_feathered(inside: NDArray[np.bool_], source: Source) -> FaceMask:
    """Upstream's own soft mask, bit for bit, in float64 (face_restoration_helper.py:316-330)."""
    soft = np.where(inside, 255.0, 0.0)
    for _ in range(2):
        blurred = cv2.GaussianBlur(soft, (BLUR_SIZE_PX, BLUR_SIZE_PX), BLUR_SIGMA_PX)
        soft = np.asarray(blurred, np.float64)
    soft[:RIM_PX] = soft[-RIM_PX:] = 0
    soft[:, :RIM_PX] = soft[:, -RIM_PX:] = 0
    return FaceMask.of(soft / 255.0, source)


@functools.cache
def _fade() -> F32:
    """1 in the middle of the crop, 0 on ``RIM_PX`` of its rim, a smooth step between; read-only."""
    from_rim = np.minimum(np.arange(TEMPLATE_PX), np.arange(TEMPLATE_PX)[::-1])
    t = np.clip((from_rim - RIM_PX + 1) / FADE_PX, 0, 1)
    step = t * t * (3 - 2 * t)
    fade: F32 = np.outer(step, step).astype(np.float32)
    fade.setflags(write=False)
    return fade

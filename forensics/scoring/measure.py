"""Scoring, the door: what a measure is given, what it gives back, and the card that explains it.

Arrays follow one convention: ``_u8`` is uint8 RGB, "template" is the aligned FFHQ-512 frame with
125.9 px between the eyes, "native" is the face at its own sampling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]
Direction = Literal["high_is_worse", "low_is_worse", "two_sided", "fact"]

TEMPLATE_PX = 512
TEMPLATE_INTEROCULAR_PX = 125.92
MAX_YAW_DEG: Final = 35.0  # what was learnt from faces seen from the front holds up to here


@dataclass(frozen=True)
class FaceInput:
    """One restored face with the footage it came from.

    ``crop_rgb_u8`` and ``restored_rgb_u8`` (512, 512, 3) lie on the template; ``native_rgb_u8``
    (h, h, 3), h = round(512 / scale), shows the same field at the footage's own sampling, taken
    from the frame and never from the 512 crop.  ``scale`` is template px per native px.
    ``region_rgb_u8`` (H, W, 3) is the face's box cut from the square-pixel frame without warping,
    for measures that need the codec's grid.  ``qp`` is the decoder's mean quantiser over the box,
    or None with ``qp_reason``.

    Raises `ValueError` for a wrong dtype, shape or range, naming the bounds.
    """

    crop_rgb_u8: U8
    restored_rgb_u8: U8
    native_rgb_u8: U8
    scale: float
    interocular_px: float
    yaw_deg: float | None = None
    qp: float | None = None
    qp_reason: str | None = None
    region_rgb_u8: U8 | None = None

    def __post_init__(self) -> None:
        square = (TEMPLATE_PX, TEMPLATE_PX)
        check_picture("crop_rgb_u8", self.crop_rgb_u8, square)
        check_picture("restored_rgb_u8", self.restored_rgb_u8, square)
        check_picture("native_rgb_u8", self.native_rgb_u8)
        height, width = self.native_rgb_u8.shape[:2]
        if height != width or height < 2:
            raise ValueError(f"native_rgb_u8 must be square and >= 2 px, is {height}x{width}")
        check_range("scale", self.scale, 0.02, 256.0)
        check_range("interocular_px", self.interocular_px, 0.0, 1e5)
        if self.qp is not None:
            check_range("qp", self.qp, 0.0, 255.0)
        if self.yaw_deg is not None:
            check_range("yaw_deg", self.yaw_deg, -180.0, 180.0)
        if self.region_rgb_u8 is not None:
            check_picture("region_rgb_u8", self.region_rgb_u8)


@dataclass(frozen=True)
class Reading:
    """What one measure says of one face: numbers by name, or the reasons why not.

    ``map_`` is a float32 picture of where, if the measure has one.
    """

    values: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    map_: F32 | None = None


@dataclass(frozen=True)
class Card:
    """What a reader must know before using a number of this measure.

    ``span`` is the closed range of values, None where it is open; ``needs`` lists inputs and
    models; ``gate`` says when the measure abstains; ``grounds`` names what the method stands on
    (only texts and code that were read); ``blind`` are ways it can mislead; ``cost_ms`` was
    measured per face on one core of a 2-core x86-64 machine.
    """

    name: str
    version: str
    asks: str
    unit: str
    span: tuple[float | None, float | None]
    direction: Direction
    needs: tuple[str, ...]
    gate: str
    method: str
    grounds: str
    blind: tuple[str, ...]
    cost_ms: float
    has_map: bool = False


Measure = Callable[[FaceInput], Reading]
"""A measure that needs no network: a pure function of one face."""


def turned(yaw_deg: float | None) -> str | None:
    """Why a measure of faces seen from the front abstains for a head turned so far, or None."""
    if yaw_deg is None or abs(yaw_deg) <= MAX_YAW_DEG:
        return None
    return f"the head is turned by more than {MAX_YAW_DEG:.0f} degrees"


def check_picture(name: str, rgb_u8: U8, size: tuple[int, int] | None = None) -> None:
    """Raise `ValueError` unless the array is uint8 (H, W, 3), of ``size`` where one is given."""
    if not isinstance(rgb_u8, np.ndarray) or rgb_u8.dtype != np.uint8:
        kind = getattr(rgb_u8, "dtype", type(rgb_u8).__name__)
        raise ValueError(f"{name} must be uint8 in 0..255, is {kind}")
    if rgb_u8.ndim != 3 or rgb_u8.shape[2] != 3 or 0 in rgb_u8.shape:
        raise ValueError(f"{name} must have the shape (H, W, 3), has {rgb_u8.shape}")
    if size is not None and rgb_u8.shape[:2] != size:
        raise ValueError(f"{name} must be {size[0]}x{size[1]}, is {rgb_u8.shape[:2]}")


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise `ValueError` unless the value is finite and within [low, high]."""
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} must be within [{low}, {high}], is {value}")


def finite(values: dict[str, float]) -> Reading:
    """A reading in which numbers that are not finite became reasons."""
    kept = {name: float(v) for name, v in values.items() if math.isfinite(v)}
    lost = {name: "the calculation gave no finite number" for name in values if name not in kept}
    return Reading(kept, lost)

"""The samples of the reference table: those of `forensics.calibration.filmed`, by name."""

from forensics.calibration.filmed import (
    FAMILIES,
    FRAME_SHARE,
    LANDMARK_ERROR,
    SIZES_PX,
    WEIGHTS,
    Known,
    code,
    draw,
    face_box,
    film,
    make,
)

__all__ = [
    "FAMILIES",
    "FRAME_SHARE",
    "LANDMARK_ERROR",
    "SIZES_PX",
    "WEIGHTS",
    "Known",
    "code",
    "draw",
    "face_box",
    "film",
    "make",
]

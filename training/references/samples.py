"""The samples of the reference table: those of `forensics.calibration.filmed`, by name."""

from dataclasses import asdict
from typing import Any

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
    "known_facts",
    "make",
]


def known_facts(known: Known) -> dict[str, Any]:
    """The known numbers of a sample as a row keeps them: the first four letters of each name."""
    return {f"known_{name[:4]}": v for name, v in asdict(known).items() if v is not None}

"""Scoring, the background figure: how far the picture outside the faces was changed.

Held against the Lanczos enlargement of the source, which invents nothing.  A plain figure of a
frame; it says nothing about a face and enters no face's band.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.records import FlagCode
from forensics.scoring.facts import FlagFinding, merged_ranges
from forensics.scoring.measure import TEMPLATE_PX, U8

REDRAWN: Final[FlagCode] = "background_redrawn"
UNIT: Final = "grey levels"
LEAST_SHARE: Final = 0.02  # of the picture outside the faces; less is no background


@dataclass(frozen=True, slots=True)
class Redrawn:
    """RMS difference in luma outside the faces, grey levels.

    ``plain_grey``: the same between two enlargements that invent nothing (bicubic and Lanczos) of
    the same frame: what the choice of a kernel alone changes.
    """

    changed_grey: float
    plain_grey: float


def background_change(
    source_rgb_u8: U8, restored_rgb_u8: U8, affines: Sequence[NDArray[np.float64]]
) -> Redrawn | None:
    """Figure of one frame; None when the faces leave less than 2 % of it.

    ``source_rgb_u8`` (H, W, 3); ``restored_rgb_u8`` (H', W', 3), enlarged with pixel edges
    coinciding; ``affines`` (2, 3) map source px to the template, one for each pasted face, whose
    whole template square is left out.
    """
    height, width = restored_rgb_u8.shape[:2]
    size = (width, height)
    outside = np.ones((height, width), np.uint8)
    for affine in affines:
        cv2.fillConvexPoly(outside, _square(affine, source_rgb_u8, size), (0,))
    if outside.mean() < LEAST_SHARE:
        return None
    source = _luma(source_rgb_u8)
    plain, cubic = (
        np.asarray(cv2.resize(source, size, interpolation=how), np.float32)
        for how in (cv2.INTER_LANCZOS4, cv2.INTER_CUBIC)
    )
    mask = outside.astype(bool)
    return Redrawn(
        _rms(_luma(restored_rgb_u8), plain, mask),
        _rms(cubic, plain, mask),
    )


def _square(
    affine: NDArray[np.float64], source_rgb_u8: U8, size: tuple[int, int]
) -> NDArray[np.int32]:
    """Corners (4, 2) of the template's square in the restored picture."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64) * TEMPLATE_PX - 0.5
    inverse = np.asarray(cv2.invertAffineTransform(np.asarray(affine, np.float64)))
    native = corners @ inverse[:, :2].T + inverse[:, 2]
    k = np.array([size[0] / source_rgb_u8.shape[1], size[1] / source_rgb_u8.shape[0]])
    return np.asarray(np.rint((native + 0.5) * k - 0.5), np.int32)


def _luma(rgb_u8: U8) -> NDArray[np.float32]:
    return cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _rms(a: NDArray[np.float32], b: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    return float(np.sqrt(np.square(np.clip(a, 0, 255) - np.clip(b, 0, 255))[mask].mean()))


@dataclass
class RedrawnFrames:
    """Figures of all frames, and the flag of the whole picture.

    The flag needs no tuned threshold: it stands as soon as the picture was changed by more than
    the choice between two plain kernels changes it, and says by how much.
    """

    _found: dict[int, Redrawn] = field(default_factory=dict)

    def add(self, frame: int, figure: Redrawn) -> None:
        """Take one frame's figure."""
        self._found[frame] = figure

    @property
    def median_grey(self) -> float | None:
        """Median over the frames; None without any."""
        if not self._found:
            return None
        return float(np.median([f.changed_grey for f in self._found.values()]))

    def flags(self) -> list[FlagFinding]:
        """`background_redrawn`, severity note, for the picture as a whole (person None)."""
        redrawn = {k: f for k, f in self._found.items() if f.changed_grey > f.plain_grey}
        if not redrawn:
            return []
        return [
            FlagFinding(
                REDRAWN,
                None,
                merged_ranges(redrawn),
                "note",
                measured=float(np.median([f.changed_grey for f in redrawn.values()])),
                reference=float(np.median([f.plain_grey for f in redrawn.values()])),
                unit=UNIT,
                detail="the reference is what the choice between two plain enlargements changes",
            )
        ]

"""Geometry: from coded pixels to an upright picture of square pixels, and back for points.

The founding recipe is ``scale=iw*sar:ih`` after rotation by the display matrix; the width is
rounded to even, as 4:2:0 output needs.  Where pixels are square, nothing is scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from forensics.records import Box


@dataclass(frozen=True)
class Turn:
    """An upright-making turn: swap axes first, then flip left-right, then top-bottom."""

    swap: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def clockwise_deg(self) -> int:
        """The turn without its mirror part, degrees clockwise."""
        if self.swap:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0

    @property
    def mirrored(self) -> bool:
        """Whether the picture is also mirrored."""
        return (self.swap + self.flip_x + self.flip_y) % 2 == 1

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a picture (H, W) or (H, W, C); the result is contiguous."""
        if self.swap:
            picture = np.swapaxes(picture, 0, 1)
        if self.flip_x:
            picture = picture[:, ::-1]
        if self.flip_y:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)


# EXIF 2.3, tag 0x0112: what must be done to the stored picture to show it upright.
EXIF_TURNS = {
    1: Turn(),
    2: Turn(flip_x=True),
    3: Turn(flip_x=True, flip_y=True),
    4: Turn(flip_y=True),
    5: Turn(swap=True),
    6: Turn(swap=True, flip_x=True),
    7: Turn(swap=True, flip_x=True, flip_y=True),
    8: Turn(swap=True, flip_y=True),
}


def turn_of_matrix(matrix: bytes) -> Turn | None:
    """The turn of a display matrix (nine int32, 16.16 fixed point); None if it is no quarter turn.

    FFmpeg, libavutil/display.h: a point (p, q) goes to (a p + c q, b p + d q).
    """
    a, b, _, c, d = np.frombuffer(matrix[:20], "<i4").tolist()
    if b == c == 0 and a and d:
        return Turn(flip_x=a < 0, flip_y=d < 0)
    if a == d == 0 and b and c:
        return Turn(swap=True, flip_x=c < 0, flip_y=b < 0)
    return None


@dataclass(frozen=True)
class Geometry:
    """How a coded picture becomes the picture that people see."""

    coded_width: int
    coded_height: int
    sar: Fraction = Fraction(1)
    turn: Turn = Turn()

    @property
    def scaled_size(self) -> tuple[int, int]:
        """Width and height after scaling to square pixels, before the turn."""
        width, height = self.coded_width, self.coded_height
        if self.sar == 1:
            return width, height
        if self.turn.swap:  # the coded height becomes the width shown, and the ratio turns over
            return width, _even(height / self.sar)
        return _even(width * self.sar), height

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height of the upright picture of square pixels."""
        width, height = self.scaled_size
        return (height, width) if self.turn.swap else (width, height)

    def box_to_coded(self, box_px: Box) -> Box:
        """A box x0, y0, x1, y1 of the upright picture, in coded px (edges, not centres)."""
        width, height = self.display_size
        x0, y0, x1, y1 = box_px
        if self.turn.flip_x:
            x0, x1 = width - x1, width - x0
        if self.turn.flip_y:
            y0, y1 = height - y1, height - y0
        if self.turn.swap:
            x0, y0, x1, y1 = y0, x0, y1, x1
        scaled_width, scaled_height = self.scaled_size
        across, down = self.coded_width / scaled_width, self.coded_height / scaled_height
        return x0 * across, y0 * down, x1 * across, y1 * down


def _even(value: Fraction) -> int:
    """Nearest even number, at least 2."""
    return max(2, int(value / 2 + Fraction(1, 2)) * 2)

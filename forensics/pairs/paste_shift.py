"""Pairs, paste shift: whether faces lie off their surroundings, as upstream's paste puts them.

At an enlargement above 1 upstream GFPGAN (facexlib) pastes every face half an output pixel too far
right and down.  The face region is registered against the source and so are its surroundings; what
differs between the two is the paste's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forensics.pairs.grid import F64, U8

Box = tuple[float, float, float, float]


def paste_shift(
    source_rgb_u8: U8, other_rgb_u8: U8, to_other: F64, boxes_px: Sequence[Box]
) -> tuple[float, float] | None:
    """How far the faces lie right and down of where their surroundings put them, px of the other.

    ``to_other`` (2, 3): source px to px of the other; ``boxes_px``: face boxes x0, y0, x1, y1 in
    source px.  Colour as found: gain and offset are taken out.  None where no face can be
    registered.
    """
    return None

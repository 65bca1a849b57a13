"""Alignment: the answer to "where and when does the other show this?", in numbers one can use.

`align.align_pair` finds it; the second pass reads pictures through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forensics.record_pair import Pair

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Alignment:
    """How the other lies on the source.

    ``frames`` maps a source frame to the other's frame, both counted from 1, never running
    backwards; a source frame that is absent has no counterpart and ``reasons`` says why.
    ``to_other`` (2, 3) takes source square px to px of the other; None for single faces.
    """

    record: Pair
    frames: Mapping[int, int]
    reasons: Mapping[int, str]
    to_other: F64 | None
    faces: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Single faces only: source frame -> every frame of the other that is a face of it."""
    faces_to_other: Mapping[int, F64] = field(default_factory=dict)
    """Single faces only: frame of the other -> its own ``to_other`` (2, 3), turn included."""


@dataclass(frozen=True)
class OtherFrame:
    """One frame of the other as it lies in its file, colour as found.

    ``to_other`` (2, 3): source square px -> px of ``rgb_u8``.
    """

    frame: int
    other: int
    rgb_u8: U8
    to_other: F64

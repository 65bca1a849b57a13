"""Reference, frame: what the official code made of one frame, and what it failed to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forensics.records import Affine, Box, Failure, Point, Rejected

Noise = Literal["fresh", "stored"]


@dataclass(frozen=True)
class ReferenceFace:
    """One face in upstream's order (the detector's confidence, highest first).

    ``crop_rgb_u8`` is (512, 512, 3), None when no crop could be made; ``restored`` is
    (512, 512, 3) uint8 RGB or the `Failure` of this face, which then was not pasted.  ``affine``
    maps frame px to crop px; ``box_px``, ``landmarks_px`` in frame px, ``score`` 0..1.
    """

    crop_rgb_u8: NDArray[np.uint8] | None
    restored: NDArray[np.uint8] | Failure
    affine: Affine | None
    landmarks_px: tuple[Point, Point, Point, Point, Point]
    box_px: Box
    score: float

    @property
    def restored_rgb_u8(self) -> NDArray[np.uint8] | None:
        """The restored face; None when it failed."""
        return None if isinstance(self.restored, Failure) else self.restored


@dataclass(frozen=True)
class ReferenceFrame:
    """A whole frame: ``picture_rgb_u8`` is (int(H * upscale), int(W * upscale), 3).

    ``rejected`` are detections that upstream drops without a word (eyes less than 5 px apart);
    ``background_failure`` says why the background was enlarged by Lanczos and not as asked.
    """

    picture_rgb_u8: NDArray[np.uint8]
    faces: tuple[ReferenceFace, ...]
    rejected: tuple[Rejected, ...] = ()
    background_failure: Failure | None = None


@dataclass(frozen=True)
class ReferenceFacts:
    """What decides the result, for the record."""

    versions: dict[str, str]
    upscale: float
    background: str
    tile_px: int
    half_background: bool
    noise: Noise
    device: str

    @property
    def deterministic(self) -> bool:
        """Whether a second run can give the same bits: never with upstream's own noise."""
        return self.noise == "stored"

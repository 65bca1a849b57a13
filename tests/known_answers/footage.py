"""Known answers, footage: a truth filmed at a stated eye distance and codec quality.

The restored side is the truth on the same alignment, what a perfect restorer would draw; an edit is
made on the truth and laid on that alignment too, so that its size and place stay known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.calibration import filmed as filming
from forensics.calibration.filmed import Known
from forensics.faces.align import TEMPLATE_512, TEMPLATE_INTEROCULAR_PX, align_face
from forensics.scoring.measure import FaceInput
from tests.known_answers.truths import SEED, Truth

U8 = NDArray[np.uint8]
# Eye distances in the footage.  The measures begin at 16 px, and landmarks that miss by 2 % read a
# distance up to 5 % off, so the smallest stands a little above.
SIZES_PX = (17.0, 24.0, 40.0, 64.0)
# Codec qualities, in turn: name, noise in grey levels, JPEG quality, H.264 quantiser.
QUALITIES: tuple[tuple[str, float, int | None, int | None], ...] = (
    ("no codec", 1.0, None, None),
    ("JPEG 80", 1.0, 80, None),
    ("H.264 QP 24", 1.5, None, 24),
    ("JPEG 50", 1.5, 50, None),
    ("H.264 QP 30", 2.0, None, 30),
    ("H.264 QP 36", 2.0, None, 36),
)


@dataclass(frozen=True)
class Filmed:
    """A truth in footage.

    ``face.restored_rgb_u8`` is the truth itself; ``whole`` (2, 3) takes the truth's template to the
    face's; ``size_px`` and ``quality`` name the cell of the tables.  ``frame_rgb_u8`` is the whole
    frame and ``affine`` (2, 3) takes its px to the face's template.
    """

    truth: Truth
    size_px: float
    quality: str
    face: FaceInput
    whole: NDArray[np.float64]
    frame_rgb_u8: U8
    affine: NDArray[np.float64]

    @property
    def name(self) -> str:
        """For a list of misses."""
        return f"{self.truth.name} at {self.size_px:.0f} px, {self.quality}"

    def restored(self, edited_rgb_u8: U8) -> FaceInput:
        """The same footage with another picture (on the truth's template) as its restoration."""
        return replace(self.face, restored_rgb_u8=self.laid(edited_rgb_u8))

    def laid(self, rgb_u8: U8) -> U8:
        """A picture on the truth's template, laid on this footage's alignment."""
        picture = cv2.warpAffine(
            rgb_u8, self.whole, (512, 512),
            flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101,
        )  # fmt: skip
        return np.asarray(picture, np.uint8)


def known(size_px: float, quality: int, seed: int) -> Known:
    """The numbers of one filming, as `forensics.calibration.filmed` states them."""
    _, noise, jpeg, qp = QUALITIES[quality]
    family = "h264" if qp is not None else "jpeg" if jpeg is not None else "clean"
    return Known(0, 0, family, size_px, 0.3, 0.0, noise, jpeg, qp, seed)


def film(truth: Truth, size_px: float, quality: int, seed: int) -> Filmed:
    """Film a truth: `filming.make` with the alignment kept (a test holds the two together)."""
    numbers = known(size_px, quality, seed)
    rng = np.random.default_rng(seed)
    field = 512 * size_px / TEMPLATE_INTEROCULAR_PX
    side = max(32, math.ceil(field * filming.FRAME_SHARE))
    placement = filming._placement(numbers, side, rng)
    frame = filming.code(filming.film(truth.rgb_u8, placement, side), numbers, rng)
    points = TEMPLATE_512 @ placement[:, :2].T + placement[:, 2]
    seen = points + rng.normal(0, filming.LANDMARK_ERROR * size_px, points.shape)
    found = align_face(frame, seen)
    whole = found.affine[:, :2] @ placement
    whole[:, 2] += found.affine[:, 2]
    face = FaceInput(
        crop_rgb_u8=found.crop_rgb_u8,
        restored_rgb_u8=found.crop_rgb_u8,
        native_rgb_u8=found.native_rgb_u8,
        scale=found.scale,
        interocular_px=found.interocular_px,
        qp=None if numbers.qp is None else float(numbers.qp),
        region_rgb_u8=filming.face_box(frame, placement),
    )
    filmed = Filmed(truth, size_px, QUALITIES[quality][0], face, whole, frame, found.affine)
    return replace(filmed, face=filmed.restored(truth.rgb_u8))


def film_all(truths: tuple[Truth, ...], sizes_px: tuple[float, ...] = SIZES_PX) -> list[Filmed]:
    """Every truth at every eye distance its photograph carries; qualities in turn."""
    found = []
    for number, truth in enumerate(truths):
        for step, size in enumerate(SIZES_PX):
            if size > truth.detail_px or size not in sizes_px:
                continue
            quality = (number + step) % len(QUALITIES)
            found.append(film(truth, size, quality, SEED + 100 * number + step))
    return found

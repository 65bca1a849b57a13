"""Made faces: footage of known quality from a portrait, and faces as scoring is given them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.measure import FaceInput

Picture = NDArray[np.uint8]


def filmed(truth_rgb_u8: Picture, factor: float, noise: float = 2.0, blur: float = 0.5) -> Picture:
    """A (512, 512, 3) portrait as (h, h, 3) footage: blur in native px, area shrink, noise."""
    side = round(512 / factor)
    soft = cv2.GaussianBlur(truth_rgb_u8, (0, 0), blur * factor) if blur else truth_rgb_u8
    small = cv2.resize(soft, (side, side), interpolation=cv2.INTER_AREA).astype(np.float64)
    field = np.random.default_rng(1).normal(0, noise, small.shape)
    return np.clip(np.rint(small + field), 0, 255).astype(np.uint8)


def face(
    footage_rgb_u8: Picture, restored_rgb_u8: Picture | None = None, **facts: Any
) -> FaceInput:
    """Footage (h, h, 3) with a restored face; None stands for the crop itself."""
    side = footage_rgb_u8.shape[0]
    crop = cv2.resize(footage_rgb_u8, (512, 512), interpolation=cv2.INTER_CUBIC)
    restored = crop if restored_rgb_u8 is None else np.ascontiguousarray(restored_rgb_u8)
    return FaceInput(
        crop_rgb_u8=crop,
        restored_rgb_u8=restored,
        native_rgb_u8=footage_rgb_u8,
        scale=512 / side,
        interocular_px=125.92 * side / 512,
        **facts,
    )

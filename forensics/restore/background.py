"""Restore, background: enlarge the picture outside the faces by Lanczos, and invent nothing.

Promise: a pure function of the pixels and the size; at scale 1 the same pixels come back.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

METHOD = "lanczos4"


def enlarged_size_px(width: int, height: int, scale: float) -> tuple[int, int]:
    """(width, height) after enlargement by ``scale`` >= 1, each rounded to nearest.

    Raises ``ValueError`` for a scale below 1 or not finite.
    """
    if not math.isfinite(scale) or scale < 1:
        raise ValueError(f"scale must be finite and at least 1, is {scale}")
    return round(width * scale), round(height * scale)


def enlarge(frame_rgb_u8: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Enlarge (H, W, 3) uint8 by ``scale`` with an 8-tap Lanczos kernel (cv2.INTER_LANCZOS4).

    Pixel edges coincide: output x shows input ``(x + 0.5) * W / W' - 0.5``.  A new array, also at
    scale 1.  Raises ``ValueError`` for a wrong dtype, shape or scale.
    """
    if frame_rgb_u8.dtype != np.uint8 or frame_rgb_u8.ndim != 3 or frame_rgb_u8.shape[2] != 3:
        raise ValueError(
            f"frame must be (H, W, 3) uint8, is {frame_rgb_u8.shape} {frame_rgb_u8.dtype}"
        )
    height, width = frame_rgb_u8.shape[:2]
    size = enlarged_size_px(width, height, scale)
    if size == (width, height):
        return frame_rgb_u8.copy()
    return np.asarray(
        cv2.resize(frame_rgb_u8, size, interpolation=cv2.INTER_LANCZOS4), dtype=np.uint8
    )

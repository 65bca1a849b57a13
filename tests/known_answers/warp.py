"""Known answers, structure: parts of a face moved or widened by a stated share, smoothly.

Lengths are in % of the eye distance unless a function says otherwise.  Every function takes the
template picture (512, 512, 3) uint8 RGB with its landmarks (5, 2) and gives the edited picture;
pixels outside the stated field stay as they are, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
Points = NDArray[np.float64]
Field = NDArray[np.float32]
Displacement = Callable[[Field, Field], tuple[Field, Field]]


def fall(distance: Field, inner: float, outer: float) -> Field:
    """1 up to ``inner``, 0 from ``outer`` on, half a cosine between."""
    t = np.clip((distance - inner) / (outer - inner), 0.0, 1.0)
    return np.asarray(0.5 + 0.5 * np.cos(np.float32(np.pi) * t), np.float32)


def moved(rgb_u8: U8, displacement: Displacement) -> U8:
    """Move every point p of the picture to p + displacement(p), bicubic.

    The field must be smooth (slope under 1): the way back is found by fixed-point iteration.
    """
    height, width = rgb_u8.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    from_x, from_y = x, y
    for _ in range(7):
        dx, dy = displacement(from_x, from_y)
        from_x, from_y = x - dx, y - dy
    out = cv2.remap(rgb_u8, from_x, from_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    still = (from_x == x) & (from_y == y)
    out[still] = rgb_u8[still]
    return np.asarray(out, np.uint8)


def eye_distance(points_px: Points) -> float:
    """Between the two eyes, px."""
    return float(np.linalg.norm(points_px[1] - points_px[0]))


def jaw_widened(rgb_u8: U8, points_px: Points, percent: float) -> U8:
    """Everything from the mouth down wider by ``percent`` of its width, nothing above the nose.

    The jaw is about twice the eye distance wide, so each of its sides moves out by about
    ``percent`` % of the eye distance.
    """
    nose_y, mouth_y = float(points_px[2, 1]), float(points_px[3:, 1].mean())
    mouth_x = np.float32(points_px[3:, 0].mean())

    def out(x: Field, y: Field) -> tuple[Field, Field]:
        down = 1 - fall(y, nose_y, mouth_y)
        across = fall(np.abs(x - mouth_x), 165, 235)
        return np.float32(percent / 100) * (x - mouth_x) * down * across, np.zeros_like(y)

    return moved(rgb_u8, out)


def face_widened(rgb_u8: U8, points_px: Points, percent: float) -> U8:
    """The whole head wider by ``percent`` about its middle line; the background takes it up."""
    middle = np.float32(points_px[:2, 0].mean())

    def out(x: Field, y: Field) -> tuple[Field, Field]:
        wider = np.float32(percent / 100) * (x - middle) * fall(np.abs(x - middle), 165, 235)
        return wider, np.zeros_like(y)

    return moved(rgb_u8, out)


def eye_moved(rgb_u8: U8, points_px: Points, percent: float, seed: int) -> U8:
    """One eye with its lids moved by ``percent`` of the eye distance; eye and way are seeded."""
    rng = np.random.default_rng(seed)
    eye = points_px[int(rng.integers(2))]
    return _part_moved(rgb_u8, eye, (38.0, 24.0), 42.0, percent * eye_distance(points_px), rng)


def mouth_moved(rgb_u8: U8, points_px: Points, percent: float, seed: int) -> U8:
    """The mouth moved by ``percent`` of the eye distance in a seeded direction."""
    rng = np.random.default_rng(seed)
    mouth = points_px[3:].mean(0)
    return _part_moved(rgb_u8, mouth, (66.0, 26.0), 36.0, percent * eye_distance(points_px), rng)


def _part_moved(
    rgb_u8: U8,
    centre: Points,
    half_axes: tuple[float, float],
    margin: float,
    hundredths_px: float,
    rng: np.random.Generator,
) -> U8:
    """A lying capsule moved stiffly by ``hundredths_px`` / 100; ``margin`` px give way."""
    angle = float(rng.uniform(0, 2 * np.pi))
    step = (hundredths_px / 100 * np.array([np.cos(angle), np.sin(angle)])).astype(np.float32)
    middle = centre.astype(np.float32)
    a, b = half_axes

    def shift(x: Field, y: Field) -> tuple[Field, Field]:
        beyond = np.maximum(np.abs(x - middle[0]) - np.float32(a - b), 0)
        weight = fall(np.hypot(beyond, y - middle[1]) - np.float32(b), 0.0, margin)
        return step[0] * weight, step[1] * weight

    return moved(rgb_u8, shift)

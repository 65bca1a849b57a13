"""Painted frames in many styles, so that the cue knows more glasses than the portraits show."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
EYES = np.array([[192.98, 239.95], [318.90, 240.19]])
FINE = 2  # drawn at this multiple, then shrunk: soft edges at any size


def paint(face_rgb_u8: U8, rng: np.random.Generator) -> U8:
    """Glasses of a random style on a template face (h, h, 3), h any size."""
    side = face_rgb_u8.shape[0]
    k = side / 512 * FINE
    mask = np.zeros((side * FINE, side * FINE), np.uint8)
    wide, high = rng.uniform(40, 55), rng.uniform(25, 46)
    drop = rng.uniform(-4, 12)
    thick = max(1, round(float(rng.uniform(2.5, 9)) * k))
    power = rng.uniform(2, 5)  # 2: oval, 5: nearly a box
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    shape = np.stack(
        [
            wide * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / power),
            high * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / power) + drop,
        ],
        1,
    )
    half = rng.random() < 0.15  # frames over the lens alone
    for eye in EYES:
        points = (shape + eye) * k
        if half:
            points = points[shape[:, 1] < drop + 2]
            points = points[np.argsort(points[:, 0])]
        cv2.polylines(mask, [points.astype(np.int32)], not half, (255,), thick, cv2.LINE_AA)
    bridge = drop + rng.uniform(-16, -2)
    left, right = EYES[0] + [wide, bridge], EYES[1] + [-wide, bridge]
    cv2.line(mask, _at(left * k), _at(right * k), (255,), thick, cv2.LINE_AA)
    if rng.random() < 0.8:
        for eye, way in ((EYES[0], -1), (EYES[1], 1)):
            start = eye + np.array([way * wide, drop - 10])
            end = eye + np.array([way * (wide + 45), drop - 10 + rng.uniform(-10, 4)])
            cv2.line(mask, _at(start * k), _at(end * k), (255,), thick, cv2.LINE_AA)
    soft = cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA)[..., None] / 255
    soft = soft * rng.uniform(0.6, 1.0)
    colour = rng.uniform(0, 70, 3) if rng.random() < 0.8 else rng.uniform(40, 150, 3)
    return np.asarray(np.clip(face_rgb_u8 * (1 - soft) + colour * soft, 0, 255), np.uint8)


def _at(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))

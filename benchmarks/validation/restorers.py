"""Restorers of the validation, beside the embedded one: some good, some wrong on purpose.

To add one: a function that gives a `Draws`, and a row in `RESTORERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.calibration.sampling import Draws, drawing
from forensics.models.load import load_embedded
from forensics.restore.embedded import EmbeddedRestorer

U8 = NDArray[np.uint8]
SUBSET = 40  # people whose faces the wrong prior knows
DETAIL_PX = 6.0  # blur that parts coarse from fine, template px


def embedded(packs: Path) -> Draws:
    """The restorer that travels with the tool."""
    return drawing(EmbeddedRestorer.load(load_embedded("restorer"), torch.device("cpu"), 1))


def sharpened(packs: Path) -> Draws:
    """The bicubic crop under a common unsharp mask: it invents nothing."""
    return lambda crop: unsharp(crop, 3.0, 1.0)


def over_sharpened(packs: Path) -> Draws:
    """Unsharp masks far beyond what a viewer would call good: rings and hard edges."""
    return lambda crop: unsharp(unsharp(crop, 5.0, 2.5), 1.5, 2.0)


def other_faces(packs: Path) -> Draws:
    """A wrong prior: coarse structure of the crop, fine detail of the most alike of 40 people."""
    truths = np.load(packs / "train_512.npy", mmap_mode="r")[:SUBSET]
    faces = [np.ascontiguousarray(t) for t in truths]
    keys = np.stack([_key(face) for face in faces])

    def draw(crop_rgb_u8: U8) -> U8:
        nearest = faces[int(np.argmax(keys @ _key(crop_rgb_u8)))].astype(np.float32)
        coarse = cv2.GaussianBlur(crop_rgb_u8.astype(np.float32), (0, 0), DETAIL_PX)
        fine = nearest - cv2.GaussianBlur(nearest, (0, 0), DETAIL_PX)
        return np.clip(np.rint(coarse + fine), 0, 255).astype(np.uint8)

    return draw


def unsharp(rgb_u8: U8, sigma_px: float, amount: float) -> U8:
    """``amount`` times what a blur of ``sigma_px`` takes away is added."""
    x = rgb_u8.astype(np.float32)
    sharp = x + amount * (x - cv2.GaussianBlur(x, (0, 0), sigma_px))
    return np.clip(np.rint(sharp), 0, 255).astype(np.uint8)


def _key(rgb_u8: U8) -> NDArray[np.float64]:
    """The middle of a face at 32 px, mean free, length 1."""
    grey = cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY)[128:448, 96:416]
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    small -= small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-9))


RESTORERS: dict[str, Callable[[Path], Draws]] = {
    "embedded": embedded,
    "sharpened": sharpened,
    "over-sharpened": over_sharpened,
    "other faces": other_faces,
}

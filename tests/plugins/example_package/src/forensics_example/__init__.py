"""An example plugin: a face sharpener, and a measure of how much an edge has gained."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]


class Sharpener:
    """Sharpens a face; draws nothing that the crop does not hold."""

    def __init__(self, amount: float = 1.5) -> None:
        self.amount = amount

    def restore(self, crop_rgb_u8: U8) -> U8:
        """(512, 512, 3) uint8 RGB to the same. ValueError for a crop of one colour."""
        crop = crop_rgb_u8.astype(np.float32)
        if float(np.ptp(crop)) == 0.0:
            raise ValueError("a crop of one colour has nothing to sharpen")
        sharp = crop + self.amount * (crop - _blurred(crop))
        return np.clip(np.rint(sharp), 0, 255).astype(np.uint8)


def sharpener(device: str) -> Sharpener:
    """Entry point of ``forensics.restorers``; ``device`` is cpu or cuda:N."""
    del device  # numpy runs on the processor alone
    return Sharpener()


def edge_gain(crop_rgb_u8: U8, restored_rgb_u8: U8) -> float | None:
    """Entry point of ``forensics.measures``: log2 of how much steeper edges became.

    None where the crop has no edge to compare with.
    """
    before, after = _edges(crop_rgb_u8), _edges(restored_rgb_u8)
    return math.log2(after / before) if before > 0 and after > 0 else None


def _edges(rgb_u8: U8) -> float:
    grey = rgb_u8.astype(np.float64).mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def _blurred(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """A box of 5 x 5 px, edges repeated."""
    wide = np.pad(rgb, ((2, 2), (2, 2), (0, 0)), mode="edge")
    rows = sum(wide[k : k + rgb.shape[0]] for k in range(5))
    return np.asarray(sum(rows[:, k : k + rgb.shape[1]] for k in range(5)) / 25, np.float32)

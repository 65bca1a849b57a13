"""Calibration, naturalness: a NIQE-like distance of a picture from sharp portraits.

After NIQE (Mittal, Soundararajan, Bovik 2013): local contrast is normalised, its values and the
products of neighbours are described by (asymmetric) generalised Gaussians in patches at two scales,
and a picture's mean and covariance are compared with those of sharp portraits.  Own code, own
portraits: a baseline to beat, not NIQE's published model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
PATCH_PX = 96
WINDOW = (slice(64, 448), slice(64, 448))  # 4 x 4 patches of the face
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True)
class Naturalness:
    """Mean (36,) and covariance (36, 36) of patches of sharp portraits."""

    mean: F64
    covariance: F64

    @classmethod
    def of(cls, portraits_rgb_u8: Sequence[U8]) -> Naturalness:
        """From template crops (512, 512, 3) of sharp portraits."""
        rows = np.concatenate([patches(p) for p in portraits_rgb_u8])
        return cls(rows.mean(0), np.cov(rows.T))

    def distance(self, rgb_u8: U8) -> float:
        """>= 0; higher is less like a sharp portrait."""
        rows = patches(rgb_u8)
        pooled = (self.covariance + np.cov(rows.T)) / 2
        away = self.mean - rows.mean(0)
        return float(np.sqrt(max(float(away @ np.linalg.pinv(pooled) @ away), 0.0)))


def patches(rgb_u8: U8) -> F64:
    """Features (16, 36) of a template crop: 18 a scale."""
    grey = np.asarray(cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY), np.float64)[WINDOW]
    size = (grey.shape[1] // 2, grey.shape[0] // 2)
    half = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float64)
    return np.hstack([_features(grey, PATCH_PX), _features(half, PATCH_PX // 2)])


def _features(grey: F64, side: int) -> F64:
    mean = cv2.GaussianBlur(grey, (7, 7), 7 / 6)
    spread = np.sqrt(np.maximum(cv2.GaussianBlur(grey * grey, (7, 7), 7 / 6) - mean * mean, 0))
    flat = np.asarray((grey - mean) / (spread + 1.0))
    products = (flat * np.roll(flat, shift, (0, 1)) for shift in _SHIFTS)
    columns = [_asymmetric(_cut(product, side)) for product in products]
    return np.hstack([_symmetric(_cut(flat, side)), *columns])


def _cut(picture: F64, side: int) -> F64:
    """(N, side * side) patches."""
    n = picture.shape[0] // side
    cut = picture.reshape(n, side, n, side).swapaxes(1, 2)
    return cut.reshape(n * n, side * side)


@cache
def _ratios() -> tuple[F64, F64]:
    """Shape parameters and the ratio (E|x|)^2 / E x^2 that each has."""
    shape = np.arange(0.2, 10.0, 0.01)
    return shape, gamma(2 / shape) ** 2 / (gamma(1 / shape) * gamma(3 / shape))


def _shape(ratio: F64) -> F64:
    shapes, ratios = _ratios()
    return np.interp(ratio, ratios, shapes)


def _symmetric(x: F64) -> F64:
    square = (x * x).mean(1)
    alpha = _shape(np.abs(x).mean(1) ** 2 / np.maximum(square, 1e-12))
    return np.stack([alpha, square], 1)


def _asymmetric(x: F64) -> F64:
    below, above = np.where(x < 0, x, 0.0), np.where(x > 0, x, 0.0)
    left = np.sqrt((below**2).sum(1) / np.maximum((x < 0).sum(1), 1))
    right = np.sqrt((above**2).sum(1) / np.maximum((x > 0).sum(1), 1))
    g = left / np.maximum(right, 1e-12)
    r = np.abs(x).mean(1) ** 2 / np.maximum((x * x).mean(1), 1e-12)
    alpha = _shape(r * (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2)
    mean = (right - left) * gamma(2 / alpha) / gamma(1 / alpha)
    return np.stack([alpha, mean, left**2, right**2], 1)

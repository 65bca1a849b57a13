"""Degradations of known order: a family, a severity in (0, 1] and a seed give one picture.

The random part (noise field, displacement field, direction) depends on the seed alone and is scaled
by the severity, so of two pictures with one seed the one with more severity is worse by
construction.  Lengths scale with the picture: they are given for 256 px.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

RGB = np.ndarray


def blur(rgb_u8: RGB, severity: float, rng: np.random.Generator) -> RGB:
    """Gaussian blur, sigma up to 7 px at 256."""
    sigma = (0.35 + 6.65 * severity**1.5) * rgb_u8.shape[0] / 256
    return cv2.GaussianBlur(rgb_u8, (0, 0), sigma)


def motion(rgb_u8: RGB, severity: float, rng: np.random.Generator) -> RGB:
    """Blur along a line of random direction, up to 25 px long at 256."""
    length = (1.5 + 23.5 * severity**1.3) * rgb_u8.shape[0] / 256
    angle = rng.uniform(0, np.pi)
    half = int(np.ceil(length / 2)) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    along = np.abs(x * np.cos(angle) + y * np.sin(angle))
    across = np.abs(-x * np.sin(angle) + y * np.cos(angle))
    kernel = np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1)
    return cv2.filter2D(rgb_u8, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)


def down(rgb_u8: RGB, severity: float, rng: np.random.Generator) -> RGB:
    """Area down-sampling by 1.3 to 16 and bicubic back."""
    size = rgb_u8.shape[0]
    small = max(4, round(size / (1.3 * (16 / 1.3) ** severity)))
    tiny = cv2.resize(rgb_u8, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(tiny, (size, size), interpolation=cv2.INTER_CUBIC)


def noise(rgb_u8: RGB, severity: float, rng: np.random.Generator) -> RGB:
    """Gaussian noise, sigma 1.5 to 50 of 255; one field, scaled."""
    field = rng.standard_normal(rgb_u8.shape).astype(np.float32)
    out = rgb_u8.astype(np.float32) + field * (1.5 + 48.5 * severity**1.5)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def jpeg(rgb_u8: RGB, severity: float, rng: np.random.Generator) -> RGB:
    """JPEG quality 92 down to 5."""
    quality = round(92 - 87 * severity**0.6)
    done, data = cv2.imencode(".jpg", rgb_u8, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RuntimeError("JPEG encoder refused a crop")
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def warp(rgb_u8: RGB, severity: float, rng: np.random.Generator) -> RGB:
    """Smooth random displacement, up to 9 px RMS at 256."""
    size = rgb_u8.shape[0]
    coarse = rng.standard_normal((2, 6, 6)).astype(np.float32)
    field = np.stack([cv2.resize(c, (size, size), interpolation=cv2.INTER_CUBIC) for c in coarse])
    field *= (0.3 + 8.7 * severity**1.3) * size / 256 / np.sqrt((field**2).mean())
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    return cv2.remap(
        rgb_u8, x + field[0], y + field[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )


def chain(rgb_u8: RGB, severity: float, rng: np.random.Generator) -> RGB:
    """Blur, down-sampling, noise and JPEG in this order, all growing together."""
    x = down(blur(rgb_u8, 0.6 * severity, rng), 0.8 * severity, rng)
    return jpeg(noise(x, 0.4 * severity, rng), 0.6 * severity, rng)


FAMILIES: dict[str, Callable[[RGB, float, np.random.Generator], RGB]] = {
    "blur": blur,
    "motion": motion,
    "down": down,
    "noise": noise,
    "jpeg": jpeg,
    "warp": warp,
    "chain": chain,
}


def degrade(rgb_u8: RGB, family: str, severity: float, seed: int) -> RGB:
    """(S, S, 3) uint8 of ``family`` at ``severity`` in (0, 1]; ``seed`` fixes its draw."""
    return FAMILIES[family](rgb_u8, severity, np.random.default_rng(seed))

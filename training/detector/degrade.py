"""What the student sees: scenes made dark, grey, blurred, noisy or compressed, as video makes them.

The teacher sees the scene as painted, so the student learns to answer the same under degradation.
"""

from __future__ import annotations

import cv2
import numpy as np


def degrade(draw: np.random.Generator, rgb_u8: np.ndarray) -> np.ndarray:
    """One scene (S, S, 3) uint8 through a random chain; a quarter stay as they are."""
    if draw.random() < 0.22:
        return rgb_u8
    rgb = _light(draw, rgb_u8)
    size = rgb.shape[0]
    if draw.random() < 0.3:
        small = int(size / draw.uniform(1.1, 2.2))
        rgb = cv2.resize(rgb, (small, small), interpolation=cv2.INTER_AREA)
        way = cv2.INTER_CUBIC if draw.random() < 0.5 else cv2.INTER_LINEAR
        rgb = cv2.resize(rgb, (size, size), interpolation=way)
    if draw.random() < 0.25:
        rgb = cv2.GaussianBlur(rgb, (0, 0), draw.uniform(0.4, 1.8))
    if draw.random() < 0.1:
        rgb = cv2.filter2D(rgb, -1, _motion(draw))
    if draw.random() < 0.35:
        grain = draw.standard_normal(rgb.shape, np.float32) * np.float32(draw.uniform(2, 16))
        rgb = np.clip(rgb + grain, 0, 255).astype(np.uint8)
    if draw.random() < 0.45:
        quality = int(draw.integers(18, 92))
        coded = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        rgb = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return rgb


def darkened(draw: np.random.Generator, rgb_u8: np.ndarray) -> np.ndarray:
    """A badly lit hall: little light, falling off to one side, lifted black, grain."""
    height, width = rgb_u8.shape[:2]
    gain = np.exp(draw.uniform(np.log(0.12), np.log(0.6)))
    ends = np.exp(draw.uniform(np.log(0.35), np.log(1.8), (2, 2))).astype(np.float32)
    fall = cv2.resize(ends, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    x = rgb_u8.astype(np.float32) * (np.float32(gain) * fall) + np.float32(draw.uniform(0, 22))
    x *= draw.uniform(0.8, 1.15, 3).astype(np.float32)
    x += draw.standard_normal(x.shape, np.float32) * np.float32(draw.uniform(0, 5))
    return np.clip(x + 0.5, 0, 255).astype(np.uint8)


def _light(draw: np.random.Generator, rgb_u8: np.ndarray) -> np.ndarray:
    """Gain, gamma, contrast, cast and grey in one look-up table a channel."""
    x = np.linspace(0, 1, 256, dtype=np.float32)
    if draw.random() < 0.5:
        x = x ** np.float32(draw.uniform(0.7, 1.8))
    gain = np.ones(3, np.float32)
    if draw.random() < 0.35:
        gain *= np.float32(np.exp(draw.uniform(np.log(0.15), np.log(1.6))))
    if draw.random() < 0.35:
        gain *= draw.uniform(0.75, 1.2, 3).astype(np.float32)
    table = x[:, None] * gain
    if draw.random() < 0.25:
        keep, level = draw.uniform(0.35, 0.9), draw.uniform(0.05, 0.8)
        table = table * keep + level * (1 - keep)
    if draw.random() < 0.12:
        rgb_u8 = np.repeat(cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    codes = (np.clip(table, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.stack([codes[rgb_u8[..., c], c] for c in range(3)], axis=-1)


def _motion(draw: np.random.Generator) -> np.ndarray:
    length = int(draw.integers(3, 10))
    kernel = np.zeros((length, length), np.float32)
    angle = draw.uniform(0, np.pi)
    half = (length - 1) / 2
    low = (round(half - half * np.cos(angle)), round(half - half * np.sin(angle)))
    high = (round(half + half * np.cos(angle)), round(half + half * np.sin(angle)))
    cv2.line(kernel, low, high, 1.0, 1)
    return kernel / kernel.sum()

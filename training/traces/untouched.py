"""Traces, untouched: footage that nobody redrew, and that looks special for other reasons."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.calibration.coding import add_noise, h264_pass
from forensics.calibration.filmed import code
from forensics.restore.background import enlarge
from training.traces.hands import KERNELS, UPSCALE_SHARES, UPSCALES, Redrawn, sharpened
from training.traces.saved import enlarged_affine
from training.traces.scenes import Scene

U8 = NDArray[np.uint8]


def test(scene: Scene, rng: np.random.Generator) -> Iterator[Redrawn]:
    """The test's kinds, each once."""
    affine, source = scene.aligned.affine, scene.source
    yield Redrawn("clean", source, affine)
    yield Redrawn("enlarged", enlarge(source, 2), enlarged_affine(affine, 2))
    yield Redrawn("sharpened", sharpened(source, 1.2, 0.8), affine)
    behind = defocused(scene)
    again = np.random.default_rng(scene.known.seed)
    yield Redrawn("defocused", code(behind, scene.known, again), affine)
    noise = float(rng.uniform(0, 2))
    yield Redrawn("pristine", add_noise(scene.frame, noise, False, rng), affine)
    yield Redrawn("pristine defocused", add_noise(behind, noise, False, rng), affine)


def train(scene: Scene, rng: np.random.Generator) -> Iterator[Redrawn]:
    """The training's: the same with other strengths, and smoothing and uneven coding."""
    affine, source = scene.aligned.affine, scene.source
    by = float(rng.choice(UPSCALES, p=UPSCALE_SHARES))
    size = (round(source.shape[1] * by), round(source.shape[0] * by))
    large = source if by == 1 else cv2.resize(source, size, interpolation=int(rng.choice(KERNELS)))
    yield Redrawn("enlarged", np.asarray(large, np.uint8), enlarged_affine(affine, by))
    strength = (float(rng.uniform(0.7, 2.5)), float(rng.uniform(0.3, 1.5)))
    yield Redrawn("sharpened", sharpened(source, *strength), affine)
    behind = defocused(scene, float(rng.uniform(0.04, 0.2)))
    again = np.random.default_rng(scene.known.seed)
    if rng.random() < 0.5:
        yield Redrawn("defocused", code(behind, scene.known, again), affine)
    sharp = scene.frame if rng.random() < 0.6 else behind
    noisy = add_noise(sharp, float(rng.uniform(0, 3)), bool(rng.random() < 0.5), rng)
    yield Redrawn("pristine", noisy, affine)
    if rng.random() < 0.5:
        yield Redrawn("smoothed", _smoothed(sharp if rng.random() < 0.5 else source, rng), affine)
    else:
        yield Redrawn("coded unevenly", _unevenly(sharp, scene, rng), affine)


def _smoothed(rgb_u8: U8, rng: np.random.Generator) -> U8:
    """The whole picture as telephones leave it: noise taken out, edges made hard."""
    out = cv2.bilateralFilter(rgb_u8, 5, float(rng.uniform(8, 35)), float(rng.uniform(1, 4)))
    return sharpened(np.asarray(out, np.uint8), 1.0, float(rng.uniform(0, 1.2)))


def _unevenly(rgb_u8: U8, scene: Scene, rng: np.random.Generator) -> U8:
    """A codec that spends more on the face: better there by up to six steps of the quantiser."""
    qp = int(rng.integers(20, 31))
    fine, coarse = (h264_pass([rgb_u8, rgb_u8], q)[-1] for q in (qp, qp + int(rng.integers(2, 7))))
    eyes = float(np.linalg.norm(scene.points_px[1] - scene.points_px[0]))
    x, y = scene.points_px.mean(0)
    out, reach = coarse.copy(), 1.6 * eyes
    x0, y0, x1, y1 = (
        max(0, round(v / 16) * 16) for v in (x - reach, y - reach, x + reach, y + reach)
    )
    out[y0:y1, x0:x1] = fine[y0:y1, x0:x1]
    return out


def defocused(scene: Scene, blur: float = 0.12) -> U8:
    """The person in focus before a background out of focus, by ``blur`` of the eye distance."""
    frame, points_px = scene.frame, scene.points_px
    eyes = float(np.linalg.norm(points_px[1] - points_px[0]))
    middle = points_px[:2].mean(0)
    y, x = np.mgrid[0 : frame.shape[0], 0 : frame.shape[1]].astype(np.float32)
    across, down = (x - middle[0]) / eyes, (y - middle[1]) / eyes
    head = (across / 1.55) ** 2 + ((down - 0.5) / 2.1) ** 2 < 1
    body = (down > 2.2) & (np.abs(across) < 1.0 + 2 * (down - 2.2))
    near = cv2.GaussianBlur((head | body).astype(np.float32), (0, 0), 0.06 * eyes)[..., None]
    far = cv2.GaussianBlur(frame.astype(np.float32), (0, 0), blur * eyes)
    return np.clip(np.rint(frame * near + far * (1 - near)), 0, 255).astype(np.uint8)

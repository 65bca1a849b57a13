"""True faces that move: a portrait that turns, nears, speaks and blinks, as a coded clip.

Each frame goes the way of `forensics.calibration.filmed`: sampled by area, blurred, made noisy,
coded with its neighbours, found by landmarks whose error glides along the track as a tracker's
does, aligned, and paired with the true face on the same alignment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.calibration.coding import add_noise, h264_pass, jpeg_pass, motion_kernel
from forensics.calibration.filmed import FRAME_SHARE, Known
from forensics.faces.align import TEMPLATE_512, TEMPLATE_INTEROCULAR_PX, align_face

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
RATES_FPS = (12.0, 15.0, 25.0, 30.0)
LANDMARK_ERROR = 0.02  # of the eye distance, as in single faces
GLIDE_S = 0.15  # over which a tracker's error changes


@dataclass(frozen=True)
class Shown:
    """One frame as it was filmed (``frame_rgb_u8``), and its face.

    Crop and true face lie on the template, ``native_rgb_u8`` is the crop at the footage's sampling.
    ``yaw_deg`` None: a portrait seen from the front.
    """

    pts_s: float
    frame_rgb_u8: U8
    native_rgb_u8: U8
    crop_rgb_u8: U8
    truth_rgb_u8: U8
    scale: float
    interocular_px: float
    yaw_deg: float | None = None


def clip(truth_rgb_u8: U8, known: Known, frames: int) -> Iterator[Shown]:
    """``frames`` frames of one true face (512, 512, 3) in footage of known quality."""
    rng = np.random.default_rng(known.seed)
    fps = float(rng.choice(RATES_FPS))
    field = 512 * known.interocular_px / TEMPLATE_INTEROCULAR_PX
    side = max(48, math.ceil(field * FRAME_SHARE * 1.15))
    path = _Path(known, side, rng)
    truths = [_alive(truth_rgb_u8, k / fps, path) for k in range(frames)]
    places = [path.at(k / fps) for k in range(frames)]
    filmed = [_film(t, place, side) for t, place in zip(truths, places, strict=True)]
    coded = _coded(filmed, known, rng)
    keep = math.exp(-1 / (fps * GLIDE_S))
    error = rng.normal(0, 1, (5, 2))
    for k in range(frames):
        points = TEMPLATE_512 @ places[k][:, :2].T + places[k][:, 2]
        found = align_face(coded[k], points + LANDMARK_ERROR * known.interocular_px * error)
        error = keep * error + math.sqrt(1 - keep * keep) * rng.normal(0, 1, (5, 2))
        whole = found.affine[:, :2] @ places[k]
        whole[:, 2] += found.affine[:, 2]
        restored = cv2.warpAffine(
            truths[k], whole, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
        yield Shown(
            k / fps,
            coded[k],
            found.native_rgb_u8,
            found.crop_rgb_u8,
            np.asarray(restored, np.uint8),
            found.scale,
            found.interocular_px,
        )


def _film(truth_rgb_u8: U8, placement: NDArray[np.float64], side: int) -> U8:
    """The frame (side, side, 3) by area, as `filmed.film`, ten times faster for many frames.

    The portrait is shrunk by area to twice the frame's sampling first, then sampled at twice.
    """
    size = float(np.sqrt(np.linalg.det(placement[:, :2])))
    near = min(512, math.ceil(512 * 2 * size))
    small = cv2.resize(truth_rgb_u8, (near, near), interpolation=cv2.INTER_AREA)
    k, fine = 512 / near, 2 if near < 512 else 1
    matrix = placement * fine
    matrix[:, 2] += (fine - 1) / 2 + matrix[:, :2] @ np.array([k / 2 - 0.5, k / 2 - 0.5])
    matrix[:, :2] *= k
    big = cv2.warpAffine(
        small, matrix, (side * fine, side * fine), borderMode=cv2.BORDER_REFLECT_101
    )
    frame = cv2.resize(big, (side, side), interpolation=cv2.INTER_AREA) if fine > 1 else big
    return np.asarray(frame, np.uint8)


class _Path:
    """A head that sways, nears and tilts slower than 1.5 Hz, and a mouth at 2 to 5 Hz."""

    def __init__(self, known: Known, side: int, rng: np.random.Generator) -> None:
        self._known, self._side = known, side
        self._hz = rng.uniform(0.2, 1.5, 4)
        self._phase = rng.uniform(0, 2 * math.pi, 4)
        self._reach = rng.uniform(0, 1, 4) * np.array([0.25, 0.2, 0.06, math.radians(6)])
        self._turn = math.radians(float(rng.uniform(-15, 15)))
        self.speech_hz, self.speech_px = rng.uniform(2, 5), rng.uniform(0, 9)
        self.blinks_s = np.cumsum(rng.uniform(0.6, 4.0, 12))

    def at(self, moment_s: float) -> NDArray[np.float64]:
        """Similarity (2, 3) from the template to the frame."""
        wave = self._reach * np.sin(2 * math.pi * self._hz * moment_s + self._phase)
        k = self._known.interocular_px / TEMPLATE_INTEROCULAR_PX * (1 + wave[2])
        turn = self._turn + wave[3]
        linear = k * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        middle = self._side / 2 + wave[:2] * self._known.interocular_px
        return np.hstack([linear, (middle - linear @ np.array([256.0, 270.0]))[:, None]])

    def shut(self, moment_s: float) -> float:
        """How far the eyes are shut, 0..1; a blink takes a fifth of a second."""
        nearest = float(np.abs(self.blinks_s - moment_s).min())
        return max(0.0, 1 - nearest / 0.1)

    def open_px(self, moment_s: float) -> float:
        """How far lips and chin are moved down, template px."""
        return float(self.speech_px * (1 + math.sin(2 * math.pi * self.speech_hz * moment_s)) / 2)


def _alive(truth_rgb_u8: U8, moment_s: float, path: _Path) -> U8:
    """The portrait with lips, chin and lids moved by a smooth warp."""
    x, y, chin, lids = _moving_parts()
    down = np.float32(path.open_px(moment_s)) * chin + np.float32(9 * path.shut(moment_s)) * lids
    out = cv2.remap(truth_rgb_u8, x, y - down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(out, np.uint8)


@cache
def _moving_parts() -> tuple[F32, F32, F32, F32]:
    """x and y of the template, and how far chin and lids take part in their movement, 0..1."""
    y, x = np.mgrid[0:512, 0:512].astype(np.float32)
    chin = np.exp(-(((x - 256) / 80) ** 2 + ((y - 415) / 55) ** 2) / 2)
    lids = sum(np.exp(-(((x - at) / 30) ** 2 + ((y - 228) / 12) ** 2) / 2) for at in (193, 319))
    return x, y, chin, np.asarray(lids, np.float32)


def _coded(frames: list[U8], known: Known, rng: np.random.Generator) -> list[U8]:
    """Blur, movement, noise and codec of a whole clip, in the order of a camera."""
    out = frames
    if known.blur_px > 0.1:
        out = [_soft(frame, known.blur_px) for frame in out]
    if known.motion_px > 1:
        kernel = motion_kernel(known.motion_px, float(rng.uniform(0, 180)))
        out = [np.asarray(cv2.filter2D(f, -1, kernel), np.uint8) for f in out]
    out = [add_noise(frame, known.noise_grey, known.qp is not None, rng) for frame in out]
    if known.qp is not None:
        if known.family == "double":
            out = h264_pass(out, max(18, known.qp - 8))
        return h264_pass(out, known.qp)
    return out if known.jpeg is None else [jpeg_pass(frame, known.jpeg) for frame in out]


def _soft(frame: U8, sigma: float) -> U8:
    blurred = cv2.GaussianBlur(frame, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, np.uint8)

"""Calibration, coding: what cameras and codecs do to a picture, one step at a time.

Promise: the same picture, numbers and generator give the same bytes on one build of the libraries.
The H.264 steps are real encodes by libx264 through PyAV.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]


def blur_kernel(sigma_px: float, ratio: float, angle_deg: float) -> NDArray[np.float32]:
    """Gaussian of width ``sigma_px`` along ``angle_deg``, ``sigma_px * ratio`` across it."""
    radius = max(1, int(np.ceil(3 * sigma_px)))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float64)
    turn = np.deg2rad(angle_deg)
    along = x * np.cos(turn) + y * np.sin(turn)
    across = y * np.cos(turn) - x * np.sin(turn)
    weight = np.exp(-0.5 * ((along / sigma_px) ** 2 + (across / (sigma_px * ratio)) ** 2))
    return np.asarray(weight / weight.sum(), np.float32)


def motion_kernel(length_px: float, angle_deg: float) -> NDArray[np.float32]:
    """Kernel of a straight, even movement over ``length_px``, drawn with sub-pixel points."""
    radius = max(1, int(np.ceil(length_px / 2)))
    size = 2 * radius + 1
    kernel = np.zeros((size, size), np.float64)
    turn = np.deg2rad(angle_deg)
    for t in np.linspace(-length_px / 2, length_px / 2, 4 * size):
        x, y = radius + t * np.cos(turn), radius + t * np.sin(turn)
        x0, y0 = int(np.floor(x)), int(np.floor(y))
        for dy in (0, 1):
            for dx in (0, 1):
                if 0 <= x0 + dx < size and 0 <= y0 + dy < size:
                    kernel[y0 + dy, x0 + dx] += (1 - abs(x - x0 - dx)) * (1 - abs(y - y0 - dy))
    return np.asarray(kernel / kernel.sum(), np.float32)


def add_noise(rgb_u8: U8, sigma: float, grey: bool, rng: np.random.Generator) -> U8:
    """Gaussian noise of ``sigma`` grey levels; ``grey`` gives all three channels the same."""
    shape = (*rgb_u8.shape[:2], 1 if grey else 3)
    noisy = rgb_u8 + rng.normal(0.0, sigma, shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def jpeg_pass(rgb_u8: U8, quality: int) -> U8:
    """JPEG with 4:2:0 chroma, there and back."""
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]
    done, data = cv2.imencode(".jpg", rgb_u8[..., ::-1], settings)
    if not done:
        raise ValueError(f"JPEG of quality {quality} could not be written")
    back = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(back[..., ::-1], dtype=np.uint8)


def h264_pass(frames_rgb_u8: Sequence[U8], qp: int) -> list[U8]:
    """Encode frames with libx264 at a constant quantiser and decode them again, 4:2:0.

    Sides are padded to even numbers by repeating the border, and cut again. One thread, no B
    frames, so the same input gives the same output on one build of PyAV.
    """
    height, width = frames_rgb_u8[0].shape[:2]
    pad_y, pad_x = height % 2, width % 2
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = width + pad_x, height + pad_y
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(25)
    encoder.thread_count = 1
    encoder.options = {"qp": str(qp), "preset": "veryfast", "tune": "zerolatency"}
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    packets = []
    for number, rgb in enumerate(frames_rgb_u8):
        padded = np.pad(rgb, ((0, pad_y), (0, pad_x), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(padded), format="rgb24")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    decoded = [frame for packet in packets for frame in decoder.decode(packet)]
    decoded += decoder.decode(None)
    if len(decoded) != len(frames_rgb_u8):
        raise ValueError(f"H.264: {len(frames_rgb_u8)} frames in, {len(decoded)} out")
    pictures = [np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in decoded]
    return [picture[:height, :width] for picture in pictures]

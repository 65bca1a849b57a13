"""Traces, saving: how a picture is passed on after somebody restored it, or did not."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.calibration.coding import h264_pass, jpeg_pass

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
POSTS = ("png", "qp20", "qp28", "jpeg85", "0.5x", "0.7x")  # of the test
POST_SHARES = (0.25, 0.2, 0.2, 0.15, 0.08, 0.12)
SHRUNK_QP = 20


def drawn_post(rng: np.random.Generator) -> str:
    """One way of the test."""
    return str(rng.choice(POSTS, p=POST_SHARES))


def wide_post(rng: np.random.Generator) -> str:
    """One way of the training: the same steps with numbers from a range."""
    step = rng.choice(4, p=(0.18, 0.44, 0.2, 0.18))
    if step == 0:
        return "png"
    if step == 1:
        return f"qp{rng.integers(16, 33)}"
    return f"jpeg{rng.integers(65, 98)}" if step == 2 else f"{rng.uniform(0.45, 0.95):.2f}x"


def save(rgb_u8: U8, affine: F64, post: str) -> tuple[U8, F64]:
    """The picture as ``post`` leaves it, and the affine of the face in it.

    ``png``: as it is; ``qpN``: H.264 at that quantiser; ``jpegN``: JPEG of that quality; ``0.7x``:
    shrunk so far, then H.264 at `SHRUNK_QP`.
    """
    if post == "png":
        return rgb_u8, affine
    if post.startswith("jpeg"):
        return jpeg_pass(rgb_u8, int(post[4:])), affine
    if post.startswith("qp"):
        return h264_pass([rgb_u8, rgb_u8], int(post[2:]))[-1], affine
    k = float(post[:-1])
    small = cv2.resize(rgb_u8, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
    return h264_pass([np.asarray(small, np.uint8)], SHRUNK_QP)[-1], enlarged_affine(affine, k)


def enlarged_affine(affine: F64, by: float) -> F64:
    """The affine of the same face in the frame enlarged (or shrunk) ``by``."""
    out = affine.copy()
    out[:, 2] += affine[:, :2] @ np.full(2, 0.5 / by - 0.5)
    out[:, :2] /= by
    return out

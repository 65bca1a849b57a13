"""Calibration, filming: true faces in footage of known quality, filmed small, coded, aligned again.

A sample goes the way a face of a real clip goes: the portrait is placed in a frame at a known size,
turn and sub-pixel place (sampled by area, as a sensor does), blurred, made noisy, coded, and
aligned by landmarks that miss a little, as a detector's do.  The "restored" picture is the portrait
itself on the same alignment: what a perfect restorer would have drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.calibration.coding import add_noise, h264_pass, jpeg_pass, motion_kernel
from forensics.faces.align import TEMPLATE_512, TEMPLATE_INTEROCULAR_PX, align_face
from forensics.scoring.measure import FaceInput

U8 = NDArray[np.uint8]
SIZES_PX = (6.0, 10.0, 16.0, 24.0, 40.0, 64.0, 110.0)  # edges of the bands of eye distances
FAMILIES = ("clean", "blur", "noise", "jpeg", "h264", "h264_blur", "motion", "double")
WEIGHTS = (0.14, 0.12, 0.08, 0.12, 0.28, 0.12, 0.06, 0.08)
FRAME_SHARE = 1.4  # frame side over the side of the face's field
LANDMARK_ERROR = 0.02  # of the eye distance, standard deviation of each coordinate


@dataclass(frozen=True)
class Known:
    """The known numbers of one sample; lengths in native px, noise in grey levels."""

    photo: int
    band: int
    family: str
    interocular_px: float
    blur_px: float
    motion_px: float
    noise_grey: float
    jpeg: int | None
    qp: int | None
    seed: int


def draw(photo: int, band: int, rng: np.random.Generator) -> Known:
    """One draw: eye distance log-uniform in its band, then a family and its numbers."""
    low, high = math.log(SIZES_PX[band]), math.log(SIZES_PX[band + 1])
    family = str(rng.choice(FAMILIES, p=WEIGHTS))
    blur, motion, noise = float(rng.uniform(0, 0.4)), 0.0, float(rng.uniform(0, 1.5))
    jpeg = qp = None
    if family in ("blur", "h264_blur"):
        blur = float(rng.uniform(0.6, 3.2))
    if family == "motion":
        motion = float(rng.uniform(1.5, 6.0))
    if family == "noise":
        noise = float(rng.uniform(3, 16))
    if family == "jpeg" or (family == "motion" and rng.random() < 0.5):
        jpeg = int(rng.integers(25, 96))
    if family in ("h264", "h264_blur", "double"):
        qp = int(rng.integers(20, 47))
        noise = float(rng.uniform(0, 4))
    return Known(
        photo, band, family, float(np.exp(rng.uniform(low, high))), blur, motion, noise, jpeg, qp,
        int(rng.integers(2**31)),
    )  # fmt: skip


def _placement(known: Known, side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Similarity (2, 3) from the 512 template to the frame: size, turn of up to 15 deg, place."""
    k = known.interocular_px / TEMPLATE_INTEROCULAR_PX
    turn = math.radians(float(rng.uniform(-15, 15)))
    linear = k * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    centre = np.array([side / 2, side / 2]) + rng.uniform(-0.5, 0.5, 2)
    return np.hstack([linear, (centre - linear @ np.array([256.0, 270.0]))[:, None]])


def film(truth_rgb_u8: U8, placement: NDArray[np.float64], side: int) -> U8:
    """The frame (side, side, 3) a sensor would see: each pixel the mean over its area."""
    fine = max(1, min(16, math.ceil(1 / float(np.sqrt(np.linalg.det(placement[:, :2]))))))
    matrix = placement * fine
    matrix[:, 2] += (fine - 1) / 2  # pixel centres at integers
    big = cv2.warpAffine(
        truth_rgb_u8, matrix, (side * fine, side * fine),
        flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    frame = cv2.resize(big, (side, side), interpolation=cv2.INTER_AREA) if fine > 1 else big
    return np.asarray(frame, np.uint8)


def code(frame_rgb_u8: U8, known: Known, rng: np.random.Generator) -> U8:
    """Blur, movement, noise and codec, in the order a camera and a messenger apply them."""
    out = frame_rgb_u8
    if known.blur_px > 0.1:
        out = _u8(cv2.GaussianBlur(out, (0, 0), known.blur_px, borderType=cv2.BORDER_REFLECT_101))
    if known.motion_px > 1:
        kernel = motion_kernel(known.motion_px, float(rng.uniform(0, 180)))
        out = _u8(cv2.filter2D(out, -1, kernel, borderType=cv2.BORDER_REFLECT_101))
    if known.qp is not None:
        # Three frames of a moving scene: the last is predicted from coded ones, as most frames are.
        size = (out.shape[1], out.shape[0])
        steps = [np.array([[1, 0, dx], [0, 1, dy]]) for dx, dy in rng.uniform(-1.5, 1.5, (2, 2))]
        moved = [
            _u8(cv2.warpAffine(out, m, size, borderMode=cv2.BORDER_REFLECT_101)) for m in steps
        ]
        frames = [add_noise(frame, known.noise_grey, True, rng) for frame in (*moved, out)]
        if known.family == "double":
            frames = h264_pass(frames, max(18, known.qp - 8))
        return h264_pass(frames, known.qp)[-1]
    out = add_noise(out, known.noise_grey, False, rng)
    return jpeg_pass(out, known.jpeg) if known.jpeg is not None else out


def _u8(picture: object) -> U8:
    return np.asarray(picture, np.uint8)


def make(truth_rgb_u8: U8, known: Known) -> FaceInput:
    """One true face (512, 512, 3) in footage of known quality, as scoring is given it."""
    rng = np.random.default_rng(known.seed)
    field = 512 * known.interocular_px / TEMPLATE_INTEROCULAR_PX
    side = max(32, math.ceil(field * FRAME_SHARE))
    placement = _placement(known, side, rng)
    frame = code(film(truth_rgb_u8, placement, side), known, rng)
    points = TEMPLATE_512 @ placement[:, :2].T + placement[:, 2]
    seen = points + rng.normal(0, LANDMARK_ERROR * known.interocular_px, points.shape)
    found = align_face(frame, seen)
    whole = found.affine[:, :2] @ placement
    whole[:, 2] += found.affine[:, 2]
    restored = cv2.warpAffine(
        truth_rgb_u8, whole, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return FaceInput(
        crop_rgb_u8=found.crop_rgb_u8,
        restored_rgb_u8=np.asarray(restored, np.uint8),
        native_rgb_u8=found.native_rgb_u8,
        scale=found.scale,
        interocular_px=found.interocular_px,
        yaw_deg=None,
        qp=None if known.qp is None else float(known.qp),
        qp_reason=None,
        region_rgb_u8=face_box(frame, placement),
    )


def face_box(frame_rgb_u8: U8, placement: NDArray[np.float64]) -> U8:
    """The frame cut at the face's box: the template's face area, as upright rectangle."""
    corners = np.array([[100, 100], [412, 100], [412, 480], [100, 480]], np.float64)
    placed = corners @ placement[:, :2].T + placement[:, 2]
    height, width = frame_rgb_u8.shape[:2]
    x0, y0 = np.clip(np.floor(placed.min(0)).astype(int), 0, [width, height])
    x1, y1 = np.clip(np.ceil(placed.max(0)).astype(int), 0, [width, height])
    return np.ascontiguousarray(frame_rgb_u8[y0:y1, x0:x1])

"""Faces, alignment: put a face on the FFHQ-512 template and take it at its own sampling.

Pure functions on arrays.  Coordinates have pixel centres at integers, so that a point at
(0, 0) is the centre of the first pixel, in the frame as on the template.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.records import Affine, Point

TEMPLATE_PX = 512
# facexlib's FFHQ template (face_restoration_helper.py), x y in 512-template px.
TEMPLATE_512 = np.array(
    [
        [192.98138, 239.94708],
        [318.90277, 240.1936],
        [256.63416, 314.01935],
        [201.26117, 371.41043],
        [313.08905, 371.15118],
    ]
)
TEMPLATE_INTEROCULAR_PX = float(np.linalg.norm(TEMPLATE_512[0] - TEMPLATE_512[1]))  # 125.92
# Upstream's border, RGB: grey says that the footage ends here; a mirrored edge would invent.
BORDER_RGB = (132, 133, 135)
MIN_NATIVE_PX = 8

# A generic face in mm (x right, y down, z towards the camera): eye centres, nose tip, mouth
# corners.  Widths follow the template at 63 mm between the eyes; the nose stands about 27 mm in
# front of the eyes.  Good for a rough turn of the head, not for measuring anybody.
_FACE_MM = np.array(
    [[-31.5, 0, 0], [31.5, 0, 0], [0, 37, 27], [-28, 65.7, 2], [28, 65.7, 2]], np.float64
)


@dataclass(frozen=True)
class Aligned:
    """A face on the template and at its own sampling.

    ``crop_rgb_u8`` (512, 512, 3); ``native_rgb_u8`` (h, h, 3) with h = round(512 / scale);
    ``affine`` (2, 3) maps native frame px to template px; ``scale`` is template px per native px.
    """

    affine: NDArray[np.float64]
    scale: float
    interocular_px: float
    yaw_deg: float
    crop_rgb_u8: NDArray[np.uint8]
    native_rgb_u8: NDArray[np.uint8]

    @cached_property
    def crop_sha256(self) -> str:
        """SHA-256 of the crop's raw RGB bytes, row by row; computed once."""
        return hashlib.sha256(np.ascontiguousarray(self.crop_rgb_u8).data).hexdigest()

    def affine_rows(self) -> Affine:
        """The matrix as the records store it."""
        (a, b, c), (d, e, f) = self.affine.tolist()
        return ((a, b, c), (d, e, f))


def fit_similarity(
    points_px: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Least-squares similarity (2, 3) from points (N, 2) to target (N, 2) (Umeyama 1991).

    Raises `ValueError` when the points coincide, so that no direction or size is defined.
    """
    source = np.asarray(points_px, np.float64)
    mean_s, mean_t = source.mean(0), target.mean(0)
    centred_s, centred_t = source - mean_s, target - mean_t
    spread = float((centred_s**2).sum())
    if not math.isfinite(spread) or spread < 1e-6:
        raise ValueError("landmarks coincide or are not finite: no similarity is defined")
    a = float((centred_s * centred_t).sum()) / spread
    b = (
        float((centred_s[:, 0] * centred_t[:, 1] - centred_s[:, 1] * centred_t[:, 0]).sum())
        / spread
    )
    linear = np.array([[a, -b], [b, a]])
    return np.hstack([linear, (mean_t - linear @ mean_s)[:, None]])


def fit_upstream(
    points_px: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Similarity (2, 3) by least median of squares, as upstream calls OpenCV for it.

    Two of the points decide it and outliers do not count, so it jumps where the least-squares fit
    glides (facexlib face_restoration_helper.py:239).  Raises `ValueError` when none is found.
    """
    matrix, _ = cv2.estimateAffinePartial2D(
        np.asarray(points_px, np.float64), target, method=cv2.LMEDS
    )
    if matrix is None or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:, :2])) < 1e-12:
        raise ValueError("landmarks coincide or are not finite: no similarity is defined")
    return np.asarray(matrix, np.float64)


def yaw_degrees(landmarks_px: NDArray[np.float64]) -> float:
    """Turn of the head in degrees, + towards the picture's right, from five points (5, 2).

    Weak-perspective least-squares fit of a generic face; an estimate of about 10 degrees.
    """
    design = np.hstack([_FACE_MM, np.ones((5, 1))])
    solution, *_ = np.linalg.lstsq(design, np.asarray(landmarks_px, np.float64), rcond=None)
    across, down = solution[:3, 0], solution[:3, 1]
    size = (np.linalg.norm(across) + np.linalg.norm(down)) / 2
    if size < 1e-9:
        raise ValueError("landmarks coincide: no turn of the head is defined")
    # Rows of a scaled rotation: `forward` is where the nose points; its x, z give the turn.
    forward_xy = np.array([across[2], down[2]]) / size
    roll = math.atan2(down[0] - across[1], across[0] + down[1])
    sideways = forward_xy[0] * math.cos(roll) + forward_xy[1] * math.sin(roll)
    return math.degrees(math.asin(max(-1.0, min(1.0, sideways))))


def landmarks_array(landmarks_px: tuple[Point, ...]) -> NDArray[np.float64]:
    """Five points as an array (5, 2)."""
    return np.asarray(landmarks_px, np.float64).reshape(5, 2)


def align_face(
    frame_rgb_u8: NDArray[np.uint8],
    landmarks_px: NDArray[np.float64],
    *,
    upstream_compat: bool = False,
) -> Aligned:
    """Align one face of a frame (H, W, 3) uint8 by its five landmarks (5, 2).

    ``upstream_compat``: matrix and crop as facexlib's FaceRestoreHelper makes them (give it the
    detector's own landmarks, not smoothed ones); the face at its own sampling stays ours.
    Raises `ValueError` for a wrong dtype or shape and for landmarks without size.
    """
    if frame_rgb_u8.dtype != np.uint8 or frame_rgb_u8.ndim != 3 or frame_rgb_u8.shape[2] != 3:
        raise ValueError(
            f"frame must be (H, W, 3) uint8, is {frame_rgb_u8.shape} {frame_rgb_u8.dtype}"
        )
    affine = (fit_upstream if upstream_compat else fit_similarity)(landmarks_px, TEMPLATE_512)
    crop = _warp_upstream if upstream_compat else _warp
    scale = float(math.sqrt(abs(np.linalg.det(affine[:, :2]))))
    side = max(MIN_NATIVE_PX, round(TEMPLATE_PX / scale))
    return Aligned(
        affine=affine,
        scale=scale,
        interocular_px=TEMPLATE_INTEROCULAR_PX / scale,
        yaw_deg=yaw_degrees(landmarks_px),
        crop_rgb_u8=crop(frame_rgb_u8, affine, TEMPLATE_PX),
        native_rgb_u8=_warp(frame_rgb_u8, _resized(affine, side), side),
    )


def _resized(affine: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """The same alignment on a (side, side) grid; pixel edges coincide, hence the half pixels."""
    k = side / TEMPLATE_PX
    out = affine * k
    out[:, 2] += 0.5 * k - 0.5
    return np.asarray(out, np.float64)


def _warp(
    frame_rgb_u8: NDArray[np.uint8], affine: NDArray[np.float64], side: int
) -> NDArray[np.uint8]:
    """Warp to (side, side, 3).  Bicubic; shrinking by more than 2 is averaged first."""
    shrink = math.sqrt(abs(np.linalg.det(affine[:, :2])))
    source, matrix = frame_rgb_u8, affine
    if shrink < 0.5:
        # warpAffine samples without filtering: average first, or an alias enters the crop.
        step = math.floor(1 / shrink)
        height, width = frame_rgb_u8.shape[0] // step, frame_rgb_u8.shape[1] // step
        whole = np.ascontiguousarray(frame_rgb_u8[: height * step, : width * step])
        source = np.asarray(
            cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
        matrix = affine.copy()
        matrix[:, 2] += affine[:, :2] @ np.full(2, 0.5 * step - 0.5)
        matrix[:, :2] *= step
    crop = cv2.warpAffine(
        source,
        matrix,
        (side, side),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=BORDER_RGB,
    )
    return np.asarray(crop, np.uint8)


def _warp_upstream(
    frame_rgb_u8: NDArray[np.uint8], affine: NDArray[np.float64], side: int
) -> NDArray[np.uint8]:
    """Warp to (side, side, 3) as upstream: bilinear at any size, so large faces alias."""
    crop = cv2.warpAffine(
        frame_rgb_u8, affine, (side, side), borderMode=cv2.BORDER_CONSTANT, borderValue=BORDER_RGB
    )
    return np.asarray(crop, np.uint8)

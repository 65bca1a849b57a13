"""Restore, paste: put restored faces back where they came from, to a hundredth of a pixel.

Promise: only pixels under a face's soft mask change; no half-pixel shift at any enlargement
(facexlib adds ``0.5 * s`` where centre alignment needs ``0.5 * s - 0.5``); values are rounded to
nearest, not cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from forensics.restore.mask import (
    F32,
    F64,
    TEMPLATE_PX,
    U8,
    FaceMask,
    template_face_mask,
    template_mask,
)

__all__ = [
    "TEMPLATE_PX",
    "FaceMask",
    "PlacedFace",
    "paste_face",
    "paste_faces",
    "paste_into",
    "template_mask",
]
BLUR_TAPS = 4  # half width of the smoothing kernel in standard deviations


@dataclass(frozen=True)
class PlacedFace:
    """A restored crop (512, 512, 3) uint8 RGB and its place.

    ``affine`` (2, 3) maps native frame px (pixel centres at integers) to 512-template px.
    ``person`` breaks ties of the order.  ``mask``: None is the template's.
    """

    restored_rgb_u8: U8
    affine: F64
    person: int
    mask: FaceMask | None = None

    @property
    def template_per_native(self) -> float:
        """512-template px for one native px."""
        return math.sqrt(abs(float(np.linalg.det(self.affine[:, :2]))))


def paste_faces(
    enlarged_rgb_u8: U8, faces: Sequence[PlacedFace], native_size_px: tuple[float, float]
) -> U8:
    """A copy of the enlarged frame (H', W', 3) uint8 with the faces in it.

    ``native_size_px`` is (width, height) of the frame that the affines speak of; the enlargement
    along each side follows from the two sizes.  Faces are pasted from the smallest in the picture
    to the largest, equal ones by person, so that the nearest lies on top where two overlap.
    """
    out = enlarged_rgb_u8.copy()
    paste_into(out, faces, native_size_px)
    return out


def paste_face(
    enlarged_rgb_u8: U8, restored_rgb_u8: U8, affine: F64, upscale: float, person: int = 0
) -> U8:
    """`paste_faces` for one face, where the enlargement is exactly ``upscale`` along both sides.

    With several faces call `paste_faces`: it keeps the stated order and copies the frame once.
    """
    height, width = enlarged_rgb_u8.shape[:2]
    face = PlacedFace(restored_rgb_u8, np.asarray(affine, np.float64), person)
    return paste_faces(enlarged_rgb_u8, [face], (width / upscale, height / upscale))


def paste_into(
    out_rgb_u8: U8, faces: Sequence[PlacedFace], native_size_px: tuple[float, float]
) -> None:
    """As `paste_faces`, written into the given buffer."""
    check_paste(out_rgb_u8, faces)
    for face in sorted(faces, key=lambda f: (-f.template_per_native, f.person)):
        _paste_one(out_rgb_u8, face, native_size_px)


def output_to_template(
    affine: F64, native_size_px: tuple[float, float], output_size_px: tuple[int, int]
) -> F64:
    """Matrix (2, 3) from output px to 512-template px, both with pixel centres at integers.

    Output x shows native ``(x + 0.5) / s - 0.5``, for each side with its own s.
    """
    s_x = output_size_px[0] / native_size_px[0]
    s_y = output_size_px[1] / native_size_px[1]
    shrink = np.array([[1 / s_x, 0, 0.5 / s_x - 0.5], [0, 1 / s_y, 0.5 / s_y - 0.5], [0, 0, 1]])
    matrix: F64 = np.asarray(affine, np.float64) @ shrink
    return matrix


def face_region_px(
    matrix: F64, output_size_px: tuple[int, int], mask: FaceMask | None = None
) -> tuple[int, int, int, int]:
    """Box x0, y0, x1, y1 (end excluded) of the mask in the output, cut to the picture.

    ``matrix`` maps output px to template px.  Empty (x1 <= x0 or y1 <= y0) when outside.
    """
    left, top, right, bottom = (mask or template_face_mask()).box_px
    corners = np.array([[x, y, 1.0] for x in (left, right) for y in (top, bottom)])
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    points = corners @ inverse.T
    low, high = np.floor(points.min(0)).astype(int), np.ceil(points.max(0)).astype(int) + 1
    width, height = output_size_px
    return max(0, low[0]), max(0, low[1]), min(width, high[0]), min(height, high[1])


def _paste_one(out_rgb_u8: U8, face: PlacedFace, native_size_px: tuple[float, float]) -> None:
    output_size = (out_rgb_u8.shape[1], out_rgb_u8.shape[0])
    matrix = output_to_template(face.affine, native_size_px, output_size)
    mask = face.mask or template_face_mask()
    x0, y0, x1, y1 = face_region_px(matrix, output_size, mask)
    if x1 <= x0 or y1 <= y0:
        return
    here = matrix.copy()
    here[:, 2] += matrix[:, :2] @ (x0, y0)
    size = (x1 - x0, y1 - y0)
    step = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))  # template px for one output px
    crop = _smoothed(face.restored_rgb_u8.astype(np.float32), step)
    drawn = _sampled(crop, here, size, cv2.INTER_CUBIC)
    soft = _smoothed(mask.soft.astype(np.float32, copy=False), step)
    # Three equal channels: numpy is several times slower where it has to repeat one of them.
    weight = cv2.merge([_sampled(soft, here, size, cv2.INTER_LINEAR)] * 3)
    region = out_rgb_u8[y0:y1, x0:x1]
    # region + weight * (drawn - region), in one buffer: a near face covers millions of values.
    drawn -= region
    drawn *= weight
    drawn += region
    np.rint(drawn, out=drawn)
    region[:] = np.clip(drawn, 0, 255, out=drawn)


def _smoothed(crop: F32, step: float) -> F32:
    """Remove what a grid ``step`` template px wide cannot hold; nothing when it is finer."""
    if step <= 1:
        return crop
    sigma = (step - 1) / 2
    taps = 2 * math.ceil(BLUR_TAPS * sigma) + 1
    blurred = cv2.GaussianBlur(crop, (taps, taps), sigma, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, np.float32)


def _sampled(crop: F32, matrix: F64, size: tuple[int, int], how: int) -> F32:
    """Sample a crop on an output grid. ``matrix`` maps output px to crop px."""
    flags = how | cv2.WARP_INVERSE_MAP
    # Outside the crop the mask is 0; the replicated border only keeps cubic taps harmless there.
    border = cv2.BORDER_CONSTANT if crop.ndim == 2 else cv2.BORDER_REPLICATE
    sampled = cv2.warpAffine(crop, matrix, size, flags=flags, borderMode=border, borderValue=0)
    return np.asarray(sampled, np.float32)


def check_paste(out_rgb_u8: U8, faces: Sequence[PlacedFace]) -> None:
    """Raise ``ValueError`` unless the frame and every face have their shapes and dtypes."""
    if out_rgb_u8.dtype != np.uint8 or out_rgb_u8.ndim != 3 or out_rgb_u8.shape[2] != 3:
        raise ValueError(f"frame must be (H, W, 3) uint8, is {out_rgb_u8.shape} {out_rgb_u8.dtype}")
    for face in faces:
        if face.restored_rgb_u8.shape != (TEMPLATE_PX, TEMPLATE_PX, 3):
            raise ValueError(f"crop must be (512, 512, 3), is {face.restored_rgb_u8.shape}")
        if face.restored_rgb_u8.dtype != np.uint8:
            raise ValueError(f"crop must be uint8, is {face.restored_rgb_u8.dtype}")
        if face.affine.shape != (2, 3) or not np.isfinite(face.affine).all():
            raise ValueError(f"affine must be (2, 3) and finite, is {face.affine!r}")

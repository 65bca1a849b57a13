"""Restore, paste as upstream does it: faces lie where and as facexlib would put them.

Promise: the bytes of facexlib's ``FaceRestoreHelper.paste_faces_to_input_image`` for the same
faces, masks and background, its flaws included: at an enlargement above 1 every face lies half an
output pixel too far right and down, and values are cut, not rounded.  For audits of restorations
that were made that way; never the default.

Only the region of a face is mixed.  The two warps run over the whole picture: shifted to a region
they would round differently in the last bit, and where values are cut that is a grey level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from forensics.restore.mask import F64, U8, template_face_mask
from forensics.restore.paste import PlacedFace, check_paste

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Warped:
    """A face in output px: its box x0, y0, x1, y1 (end excluded), pixels, and mask (h, w, 1)."""

    box: Box
    face_rgb_u8: U8
    soft: F64


def paste_upstream(out_rgb_u8: U8, faces: Sequence[PlacedFace], upscale: float) -> None:
    """Write the faces into the enlarged frame (H', W', 3), in the given order.

    The order is the detector's there (most certain face first), so later faces lie on top.  A
    face without a mask of its own takes the template's, which upstream does not have.
    Raises ``ValueError`` for wrong shapes or dtypes.
    """
    check_paste(out_rgb_u8, faces)
    size_px = (out_rgb_u8.shape[1], out_rgb_u8.shape[0])
    warped = [w for w in (_warped(face, upscale, size_px) for face in faces) if w is not None]
    for box in _joined([w.box for w in warped]):
        x0, y0, x1, y1 = box
        # Faces that overlap are mixed before anything is cut to whole levels.
        region = out_rgb_u8[y0:y1, x0:x1].astype(np.float64)
        for face in warped:
            if not _meet(face.box, box):
                continue
            a0, b0, a1, b1 = face.box
            there = region[b0 - y0 : b1 - y0, a0 - x0 : a1 - x0]
            there[:] = face.soft * face.face_rgb_u8 + (1 - face.soft) * there
        out_rgb_u8[y0:y1, x0:x1] = region.astype(np.uint8)


def upstream_matrix(affine: F64, upscale: float) -> F64:
    """Template px to output px as upstream computes it (get_inverse_affine, then the offset).

    ``affine`` (2, 3) maps native frame px to template px.
    """
    inverse = np.asarray(cv2.invertAffineTransform(np.asarray(affine, np.float64)), np.float64)
    inverse *= upscale
    if upscale > 1:
        inverse[:, 2] += 0.5 * upscale  # half a pixel more than centres of pixels need
    return inverse


def _warped(face: PlacedFace, upscale: float, size_px: tuple[int, int]) -> _Warped | None:
    """The face in the picture; None when its mask lies outside."""
    matrix = upstream_matrix(face.affine, upscale)
    mask = face.mask or template_face_mask()
    soft = cv2.warpAffine(mask.soft.astype(np.float64), matrix, size_px, flags=cv2.INTER_LINEAR)
    x0, y0, width, height = cv2.boundingRect((soft != 0).astype(np.uint8))
    if width == 0 or height == 0:
        return None
    drawn = np.asarray(cv2.warpAffine(face.restored_rgb_u8, matrix, size_px), np.uint8)
    rows, columns = slice(y0, y0 + height), slice(x0, x0 + width)
    return _Warped(
        (x0, y0, x0 + width, y0 + height),
        drawn[rows, columns].copy(),
        np.asarray(soft, np.float64)[rows, columns, None].copy(),
    )


def _meet(one: Box, other: Box) -> bool:
    """Whether two boxes share a pixel."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _joined(boxes: Sequence[Box]) -> list[Box]:
    """Boxes that share pixels with no other, each around those of the given ones that do."""
    apart: list[Box] = []
    for box in boxes:
        grown = box
        while meeting := [b for b in apart if _meet(b, grown)]:
            apart = [b for b in apart if b not in meeting]
            parts = [grown, *meeting]
            grown = (
                min(b[0] for b in parts),
                min(b[1] for b in parts),
                max(b[2] for b in parts),
                max(b[3] for b in parts),
            )
        apart.append(grown)
    return apart

"""Detection, second look: a found face is shown to the network again, large, centred, mirrored too.

The network places points best on a face of some 95 to 130 px in the middle of its picture; most
faces of footage are smaller and lie elsewhere on its grid.  The mean over the looks is kept, as
errors of looks at different sizes and sides hardly go together.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.faces.fusion import overlap, unmirrored
from forensics.records import Detection

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
MEAN_RGB = (123, 117, 104)  # zero to the network
HEAD_PER_FACE = 2.0  # side of a look over the larger side of the face's box
SAME_FACE_IOU = 0.35
# A box is taller than wide by about this; the sides of looks are stated for the width.
TALL = 1.2


@dataclass(frozen=True)
class Look:
    """Square crop around a face: rgb (S, S, 3) uint8, and frame px -> crop px (2, 3)."""

    rgb_u8: U8
    affine: F64

    @property
    def side_px(self) -> int:
        return int(self.rgb_u8.shape[0])

    def mirrored(self) -> U8:
        """The crop, left and right exchanged."""
        return np.ascontiguousarray(self.rgb_u8[:, ::-1])


def look_at(frame_rgb_u8: U8, face: Detection, face_px: int) -> Look:
    """The face enlarged or shrunk until its box is about ``face_px`` wide, in twice that."""
    x0, y0, x1, y1 = face.box_px
    scale = face_px / max((x1 - x0), (y1 - y0) / TALL, 1.0)
    side = round(HEAD_PER_FACE * face_px)
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    affine = np.hstack([np.eye(2) * scale, ((side - 1) / 2 - scale * centre)[:, None]])
    source, seen = frame_rgb_u8, affine
    if scale < 1:  # by area first, so that nothing aliases
        high, wide = (max(1, round(n * scale)) for n in frame_rgb_u8.shape[:2])
        source = np.asarray(
            cv2.resize(frame_rgb_u8, (wide, high), interpolation=cv2.INTER_AREA), np.uint8
        )
        fx, fy = wide / frame_rgb_u8.shape[1], high / frame_rgb_u8.shape[0]
        shrink = np.array([[fx, 0, fx / 2 - 0.5], [0, fy, fy / 2 - 0.5], [0, 0, 1]])
        seen = affine @ np.linalg.inv(shrink)
    crop = cv2.warpAffine(
        source,
        seen,
        (side, side),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=MEAN_RGB,
    )
    return Look(np.asarray(crop, np.uint8), affine)


def points_seen(
    look: Look, face: Detection, found: list[Detection], *, mirrored: bool
) -> F64 | None:
    """Points (5, 2) in frame px of the detection in a look that is this face, None without one."""
    scale, shift = look.affine[0, 0], look.affine[:, 2]
    wanted = np.array(face.box_px).reshape(2, 2) * scale + shift
    best: F64 | None = None
    score = 0.0
    for one in found:
        seen = unmirrored(one, look.side_px) if mirrored else one
        box, five = np.array(seen.box_px).reshape(2, 2), np.array(seen.landmarks_px)
        if one.score > score and overlap(wanted.ravel(), box.ravel()) > SAME_FACE_IOU:
            best, score = (five - shift) / scale, one.score
    return best

"""Known answers, pairs: the wrong face, picture or moment on the restored side.

Pure functions on template pictures (512, 512, 3) uint8 RGB.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.calibration.coding import h264_pass
from forensics.faces.align import fit_similarity
from forensics.restore.background import enlarge
from forensics.restore.paste import PlacedFace, paste_faces
from forensics.scoring.regions import template_mask
from tests.known_answers.footage import Filmed
from tests.known_answers.truths import U8, Points, Truth

F64 = NDArray[np.float64]


def identity_replaced(own: Truth, other: Truth, share: float) -> U8:
    """The other person's face in this one's place: same five points, same colours, soft rim.

    ``share`` is the other's opacity inside the face; mean and spread of each Lab channel over the
    face are the first person's, so that neither light nor skin gives it away.
    """
    matrix = fit_similarity(other.points_px, own.points_px)
    placed = cv2.warpAffine(
        other.rgb_u8, matrix, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    face = template_mask("face")
    a, b = (
        cv2.cvtColor(p.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for p in (own.rgb_u8, placed)
    )
    for k in range(3):
        gain = a[..., k][face].std() / max(float(b[..., k][face].std()), 1e-3)
        b[..., k] = (b[..., k] - b[..., k][face].mean()) * gain + a[..., k][face].mean()
    matched = np.clip(cv2.cvtColor(b, cv2.COLOR_LAB2RGB), 0, 1) * 255
    core = cv2.erode(face.astype(np.uint8), np.ones((15, 15), np.uint8)).astype(np.float64)
    alpha = share * cv2.GaussianBlur(core, (0, 0), 8.0)[..., None]
    mixed = own.rgb_u8 * (1 - alpha) + matched * alpha
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def restored_before(filmed: Filmed, upscale: int) -> tuple[U8, F64]:
    """The footage with its face drawn already: a sharp, smooth face pasted at 1x or 2x.

    The truth with its skin smoothed, as strong restorers leave it, through the product's own paste;
    then saved as H.264 at QP 20, because nobody passes such a clip on without a codec.  The frame
    and its affine to the template.
    """
    drawn = cv2.bilateralFilter(filmed.face.restored_rgb_u8, 7, 18, 5)
    size = (filmed.frame_rgb_u8.shape[1], filmed.frame_rgb_u8.shape[0])
    big = enlarge(filmed.frame_rgb_u8, upscale)
    pasted = paste_faces(big, [PlacedFace(np.asarray(drawn, np.uint8), filmed.affine, 0)], size)
    affine = filmed.affine.copy()
    affine[:, 2] += filmed.affine[:, :2] @ np.full(2, 0.5 / upscale - 0.5)
    affine[:, :2] /= upscale
    return h264_pass([pasted, pasted], 20)[-1], affine


def mismatched(other: Truth, seed: int) -> U8:
    """Another photograph at another place: turned by up to 12 deg, moved by up to 26 px."""
    rng = np.random.default_rng(seed)
    matrix = cv2.getRotationMatrix2D((256, 256), float(rng.uniform(-12, 12)), 1.0)
    matrix[:, 2] += rng.uniform(-26, 26, 2)
    picture = cv2.warpAffine(
        other.rgb_u8, matrix, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(picture, np.uint8)


def shifted_in_time(rgb_u8: U8, points_px: Points, percent: float, seed: int) -> U8:
    """The picture of a later frame laid on this frame's landmarks: the head moved meanwhile.

    By ``percent`` of the eye distance in a seeded direction, and turned by a quarter of a degree
    for each per cent.
    """
    rng = np.random.default_rng(seed)
    angle = float(rng.uniform(0, 2 * math.pi))
    unit = float(np.linalg.norm(points_px[1] - points_px[0]))
    turn = 0.25 * percent * float(rng.choice([-1, 1]))
    middle = points_px.mean(0)
    matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), turn, 1.0)
    matrix[:, 2] += percent / 100 * unit * np.array([math.cos(angle), math.sin(angle)])
    picture = cv2.warpAffine(
        rgb_u8, matrix, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(picture, np.uint8)

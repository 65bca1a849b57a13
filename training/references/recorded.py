"""Recorded clips as true faces: filmed again, with the sharp frames in place of a restoration.

A clip of real people is made into footage (blur, noise, H.264; half the size where its faces leave
20 px between the eyes then).  Its own frames, aligned by the same geometry, are what a perfect
restorer would have drawn: hands before mouths, turned heads and a codec that is late included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.calibration.coding import add_noise, h264_pass
from forensics.config import Settings
from forensics.engines import Engines, load_engines
from forensics.faces.align import align_face
from forensics.faces.rim import Rim
from forensics.media.probe import probe
from forensics.media.reader import DecodedFrame, read_frames
from forensics.passes.drawing import DrawnFace
from forensics.passes.follow import FollowedFace
from forensics.pipeline import follow_people
from forensics.progress import Silent

U8 = NDArray[np.uint8]
LARGE_PX = 40.0  # between the eyes, median: such a clip is filmed at half its size
BLUR_PX, NOISE_GREY = 0.8, 1.5


@dataclass(frozen=True)
class Sharp:
    """A frame of a clean clip with the people in it."""

    frame: int
    pts_s: float | None
    shot: int
    rgb_u8: U8
    faces: tuple[FollowedFace, ...]


def from_file(path: Path) -> Iterator[Sharp]:
    """The frames of a clip with its people, as the product's first pass follows them."""
    media = probe(path)
    following = follow_people(media, _engines(), _Nowhere(), Silent())  # type: ignore[arg-type]  # takes events alone
    for item in read_frames(media):
        if isinstance(item, DecodedFrame):
            yield Sharp(
                item.frame,
                item.pts_s,
                following.shot(item.frame),
                item.rgb_u8,
                following.faces.get(item.frame, ()),
            )


@cache
def _engines() -> Engines:
    """The embedded networks, loaded once."""
    return load_engines(Settings())


class _Nowhere:
    """A sink for the first pass, which only says what it did."""

    def event(self, step: str, data: Mapping[str, object]) -> None:
        """Nothing is kept."""


def footage(sharp: Sequence[Sharp], shrink: int, qp: int, rng: np.random.Generator) -> list[U8]:
    """The clip filmed: smaller or softer, with sensor noise, coded by H.264 at one quantiser."""
    small = []
    for one in sharp:
        size = (one.rgb_u8.shape[1] // shrink, one.rgb_u8.shape[0] // shrink)
        soft = cv2.resize(one.rgb_u8, size, interpolation=cv2.INTER_AREA)
        if shrink == 1:
            soft = cv2.GaussianBlur(one.rgb_u8, (0, 0), BLUR_PX)
        small.append(add_noise(np.asarray(soft, np.uint8), NOISE_GREY, True, rng))
    return h264_pass(small, qp)


def shrink_of(sharp: Sequence[Sharp]) -> int:
    """2 where the faces are large enough for it, else 1."""
    eyes = [face.detection.interocular_px for one in sharp for face in one.faces]
    return 2 if eyes and float(np.median(eyes)) >= LARGE_PX else 1


def drawn(sharp: Sharp, seen_rgb_u8: U8, followed: FollowedFace) -> DrawnFace | None:
    """A face of the footage with the sharp one in place of a restoration; None without a place."""
    k = np.array([seen_rgb_u8.shape[1], seen_rgb_u8.shape[0]]) / sharp.rgb_u8.shape[1::-1]
    points = (followed.landmarks_px + 0.5) * k - 0.5
    try:
        aligned = align_face(seen_rgb_u8, points)
    except ValueError:
        return None
    affine = aligned.affine.copy()
    affine[:, :2] *= k
    affine[:, 2] += aligned.affine[:, :2] @ (0.5 * k - 0.5)
    true = cv2.warpAffine(
        sharp.rgb_u8, affine, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    # Beyond the rim of the frame there is nothing to know: both sides are the grey of the crop.
    beyond = Rim(aligned.affine, seen_rgb_u8.shape[1], seen_rgb_u8.shape[0]).beyond()
    true = np.where(beyond[..., None], aligned.crop_rgb_u8, true)
    return DrawnFace(followed, aligned, np.asarray(true, np.uint8))

"""Traces, scenes: portraits filmed small, together with what surrounds them.

A scene is the whole photograph at a stated eye distance, degraded and coded, and the portrait
itself, from which a strong restorer's face is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.calibration.filmed import LANDMARK_ERROR, Known, code
from forensics.faces.align import Aligned, align_face
from training.portraits import LARGE_SETS, Photo, detect, read_index, yunet

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
SIZES_PX = (17.0, 24.0, 40.0, 64.0)  # of the test
SIZES_SHARE = 0.95  # of the portrait's own eye distance, that a scene has at most
RANGE_PX = (15.0, 80.0)  # of the training
FAMILIES = ("clean", "jpeg", "h264", "h264_blur", "blur", "jpeg_blur", "double")
AROUND = 3.6  # eye distances that are kept to each side of the face's middle
STEP_PX = 16  # a cut begins on the codec's grid


@dataclass(frozen=True)
class Scene:
    """One filmed portrait: ``frame`` without degradation, ``source`` as footage.

    ``points_px`` (5, 2) are the true landmarks in the frame; ``to_template`` (2, 3) takes px of
    ``portrait_rgb_u8`` to the template as the footage's landmarks place it.
    """

    photo: Photo
    size_px: float
    known: Known
    frame: U8
    source: U8
    points_px: F64
    portrait_rgb_u8: U8
    to_template: F64
    aligned: Aligned


def photos(data: Path, groups: Sequence[str], seed: int, small: bool = False) -> list[Photo]:
    """Large photographs of the groups' people, one of each, in a seeded order.

    ``small``: also one of each person who has no large one.
    """
    index = read_index(data)
    seen: dict[str, Photo] = {}
    order = [index[k] for k in np.random.default_rng(seed).permutation(len(index))]
    for photo in order:
        large = photo.set in LARGE_SETS and photo.set != "london_smiling"
        if photo.group in groups and large:
            seen.setdefault(photo.person, photo)
    for photo in order if small else ():
        if photo.group in groups and photo.set not in LARGE_SETS:
            seen.setdefault(photo.person, photo)
    return list(seen.values())


class Studio:
    """Films photographs; holds the detector."""

    def __init__(self, data: Path) -> None:
        self._data, self._net = data, yunet(data)

    def film(self, photo: Photo, rng: np.random.Generator) -> list[Scene]:
        """The test's scenes: up to two of the sizes of `SIZES_PX`."""
        found = self._look(photo)
        if found is None:
            return []
        rgb, points, eyes_px = found
        sizes = [size for size in SIZES_PX if size <= SIZES_SHARE * eyes_px]
        picked = rng.choice(sizes, min(2, len(sizes)), replace=False) if sizes else []
        exact = [float(size) * float(rng.uniform(0.97, 1.05)) for size in picked]
        return [_scene(photo, rgb, points, size, eyes_px, rng) for size in exact]

    def film_widely(self, photo: Photo, count: int, rng: np.random.Generator) -> list[Scene]:
        """The training's scenes: ``count`` of any size in `RANGE_PX`, log-uniform."""
        found = self._look(photo)
        if found is None:
            return []
        rgb, points, eyes_px = found
        most = min(RANGE_PX[1], SIZES_SHARE * eyes_px)
        if most < RANGE_PX[0] * 1.1:
            return []
        sizes = np.exp(rng.uniform(np.log(RANGE_PX[0]), np.log(most), count))
        return [_scene(photo, rgb, points, float(size), eyes_px, rng) for size in sizes]

    def _look(self, photo: Photo) -> tuple[U8, F64, float] | None:
        bgr = cv2.imread(str(photo.path(self._data)))
        boxes = detect(self._net, bgr)
        if len(boxes) == 0:
            return None
        best = boxes[int((boxes[:, 2] * boxes[:, 3]).argmax())]
        points = best[4:14].reshape(5, 2).astype(np.float64)
        return np.ascontiguousarray(bgr[..., ::-1]), points, _eyes(points)


def _scene(
    photo: Photo, rgb: U8, points: F64, size: float, eyes_px: float, rng: np.random.Generator
) -> Scene:
    k = size / eyes_px
    width, height = round(rgb.shape[1] * k), round(rgb.shape[0] * k)
    kx, ky = width / rgb.shape[1], height / rgb.shape[0]
    frame = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    family = str(rng.choice(FAMILIES))
    known = Known(
        0, 0, family, size,
        float(rng.uniform(0.7, 2.0)) if "blur" in family else float(rng.uniform(0, 0.6)),
        0.0, float(rng.uniform(0.5, 4)),
        int(rng.integers(40, 95)) if "jpeg" in family else None,
        int(rng.integers(22, 40)) if family in ("h264", "h264_blur", "double") else None,
        int(rng.integers(2**31)),
    )  # fmt: skip
    source = code(frame, known, np.random.default_rng(known.seed))
    placed = (points + 0.5) * [kx, ky] - 0.5
    frame, source, placed = _near(frame, source, placed)
    corner = placed[0] - ((points[0] + 0.5) * [kx, ky] - 0.5)
    seen = placed + rng.normal(0, LANDMARK_ERROR * size, placed.shape)
    aligned = align_face(source, seen)
    shrunk = np.array(
        [[kx, 0, 0.5 * kx - 0.5 + corner[0]], [0, ky, 0.5 * ky - 0.5 + corner[1]], [0, 0, 1]]
    )
    return Scene(photo, size, known, frame, source, placed, rgb, aligned.affine @ shrunk, aligned)


def _near(frame: U8, source: U8, points_px: F64) -> tuple[U8, U8, F64]:
    """What the measure will look at, and some more: the rest would only cost time."""
    middle, reach = points_px.mean(0), AROUND * _eyes(points_px)
    size = np.array([frame.shape[1], frame.shape[0]])
    start = np.clip((middle - reach).astype(int) // STEP_PX * STEP_PX, 0, size)
    end = np.clip(np.ceil(middle + reach).astype(int), 0, size)
    (x0, y0), (x1, y1) = start, end
    return (
        np.ascontiguousarray(frame[y0:y1, x0:x1]),
        np.ascontiguousarray(source[y0:y1, x0:x1]),
        points_px - start,
    )


def _eyes(points_px: F64) -> float:
    return float(np.linalg.norm(points_px[1] - points_px[0]))

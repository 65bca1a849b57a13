"""Known answers, truths: sharp portraits on the template, with their own landmarks and irises.

Two portraits are public and always there; the others come from `../shared/data`, people of `fit`
(the reference table knows them) and of `train` (it does not) in turn.  Nobody of `val` or `cal`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from matplotlib import cbook
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from fixtures.portraits import collins, hopper
from forensics.faces.align import TEMPLATE_512, TEMPLATE_INTEROCULAR_PX, fit_similarity
from training.portraits import LARGE_SETS, detect, read_index, yunet

U8 = NDArray[np.uint8]
Points = NDArray[np.float64]
IRIS_RADIUS_PX = 0.093 * TEMPLATE_INTEROCULAR_PX  # 11.7 mm of 63 mm between the eyes, halved
SEED = 20261124
IRISES_PX: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "hopper": ((185.6, 235.6), (318.0, 230.0)),
    "collins": ((194.4, 241.0), (322.6, 240.6)),
    "P0155": ((202.6, 242.2), (319.6, 242.6)),
    "P0344": ((195.0, 242.6), (315.6, 243.6)),
    "P0607": ((193.6, 236.6), (314.6, 234.2)),
    "P0559": ((196.6, 248.6), (319.2, 251.2)),
    "P0286": ((190.6, 240.0), (315.0, 241.6)),
    "P0465": ((193.6, 242.0), (303.6, 240.2)),
    "P0255": ((194.0, 247.4), (334.4, 243.7)),
    "P0615": ((201.2, 243.7), (318.6, 247.6)),
    "P0646": ((185.0, 250.0), (306.8, 245.7)),
    "P0290": ((198.1, 246.4), (315.8, 243.0)),
    "P0265": ((192.3, 243.0), (315.2, 241.0)),
    "P0142": ((196.2, 241.0), (314.6, 242.5)),
}
"""Middles of the irises, template px, marked by hand on a grid of 10 px, to about 2 px.

`iris_centre` misses 4 of these 28 by more than 5 px: what is painted there recolours a lid.
"""


@dataclass(frozen=True)
class Truth:
    """One sharp face.

    ``rgb_u8`` (512, 512, 3) on the template; ``points_px`` (5, 2) its own landmarks there, eye on
    the picture's left first; ``irises_px`` (2, 2) the middles of the irises; ``detail_px`` the eye
    distance in the photograph: footage may not be finer.  ``group``: public, fit or train.
    """

    name: str
    group: str
    rgb_u8: U8
    points_px: Points
    irises_px: Points
    detail_px: float


def of_photo(name: str, group: str, rgb_u8: U8, points_px: Points) -> Truth:
    """Align a photograph (H, W, 3) by five landmarks (5, 2) and find the irises."""
    matrix = fit_similarity(points_px, TEMPLATE_512)
    scale = float(np.sqrt(np.linalg.det(matrix[:, :2])))
    placed = points_px @ matrix[:, :2].T + matrix[:, 2]
    step = max(1, int(1 / scale))  # warpAffine does not filter: large photographs are averaged
    if step > 1:
        rgb_u8 = rgb_u8[: len(rgb_u8) // step * step, : rgb_u8.shape[1] // step * step]
        rgb_u8 = cv2.resize(rgb_u8, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
        matrix[:, 2] += matrix[:, :2] @ np.full(2, 0.5 * step - 0.5)
        matrix[:, :2] *= step
    crop = cv2.warpAffine(
        rgb_u8, matrix, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    if scale > 1:  # an enlarged portrait has no fine detail to lose: give its edges back
        soft = cv2.GaussianBlur(crop, (0, 0), 0.7 * scale)
        crop = np.clip(1.8 * crop.astype(float) - 0.8 * soft, 0, 255).astype(np.uint8)
    irises = np.array(IRISES_PX[name]) if name in IRISES_PX else _irises(crop, placed)
    eyes = TEMPLATE_INTEROCULAR_PX / scale
    return Truth(name, group, np.ascontiguousarray(crop), placed, irises, eyes)


def _irises(crop: U8, placed: Points) -> Points:
    """Places of the irises of somebody nobody marked by hand."""
    return np.stack([iris_centre(crop, eye) for eye in placed[:2]])


def iris_centre(rgb_u8: U8, near_px: Points, reach_px: int = 9) -> Points:
    """Middle of the dark disc closest to what an iris looks like, within ``reach_px`` of a point.

    The contrast of the sclera left and right of the disc to its inside is largest there; lids above
    and below are not asked.
    """
    grey = cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY).astype(np.float32)
    y, x = np.mgrid[-20:21, -20:21].astype(np.float32)
    radius, side = np.hypot(x, y), np.abs(y) <= 0.45 * np.abs(x)
    inside = (radius <= 0.9 * IRIS_RADIUS_PX) & (y > -0.5 * IRIS_RADIUS_PX)
    outside = side & (radius > 1.15 * IRIS_RADIUS_PX) & (radius < 1.6 * IRIS_RADIUS_PX)
    kernel = outside / outside.sum() - inside / inside.sum()
    contrast = cv2.filter2D(grey, cv2.CV_32F, kernel.astype(np.float32))
    x0, y0 = np.rint(near_px).astype(int) - reach_px
    window = contrast[y0 : y0 + 2 * reach_px + 1, x0 : x0 + 2 * reach_px + 1]
    row, column = np.unravel_index(int(window.argmax()), window.shape)
    return np.array([x0 + column, y0 + row], np.float64)


@cache
def public_truths() -> tuple[Truth, ...]:
    """Grace Hopper and Eileen Collins, both in the public domain (see fixtures/SOURCE.md)."""
    with Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)) as picture:
        photo = np.asarray(picture.convert("RGB"))
    return (
        of_photo("hopper", "public", photo, np.array(hopper().landmarks_px)),
        of_photo(
            "collins", "public", np.asarray(data.astronaut()), np.array(collins().landmarks_px)
        ),
    )


@cache
def shared_truths(folder: Path, count: int) -> tuple[Truth, ...]:
    """``count`` people with a large photograph, of `fit` and `train` in turn, by a seeded draw."""
    photos = [p for p in read_index(folder) if p.set in LARGE_SETS]
    draw = random.Random(SEED)
    queues = []
    for group in ("fit", "train"):
        one_each = {p.person: p for p in photos if p.group == group}
        people = sorted(one_each)
        draw.shuffle(people)
        queues.append(iter([one_each[person] for person in people]))
    net = yunet(folder)
    found: list[Truth] = []
    while len(found) < count:
        photo = next(queues[len(found) % 2])
        bgr = cv2.imread(str(photo.path(folder)))
        boxes = detect(net, bgr)
        if len(boxes) != 1:
            continue
        points = boxes[0, 4:14].reshape(5, 2).astype(np.float64)
        if np.linalg.norm(points[0] - points[1]) < 100:  # no irises to paint on
            continue
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        found.append(of_photo(photo.person, photo.group, rgb, points))
    return tuple(found)

"""Shots of people of the list `fit`, for the rule that joins people of different shots.

A shot shows one person for a moment: one of their photos, turned by the geometry of
`training.detector.heads` (a picture of a turned head, no photograph of one), small or large, in the
light or in a dark hall, sharp or out of focus, before one ground, through H.264.  The network that
is judged has never seen these people.  Points tremble as a detector's do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from forensics.faces.align import align_face
from forensics.records import Detection
from training.detector import heads
from training.detector.degrade import darkened
from training.detector.footage import coded, grained
from training.detector.turned import read_head

SEED = 31
FRAMES = 5
SHOTS = 6  # of every photo
TREMBLE = 0.05  # of the eye distance: what the detector's points are off
ROOM = 3.2  # side of the picture, in face widths


@dataclass(frozen=True)
class Shot:
    """One moment: a detection and its aligned crop (512, 512, 3) for each of its frames."""

    person: str
    photo: int
    yaw_deg: float
    dark: bool
    soft: bool
    seen: tuple[tuple[Detection, np.ndarray], ...]


def shots(data: Path, packs: Path, each: int = SHOTS) -> Iterator[Shot]:
    """``each`` shots of every photo of `fit`. ``packs``: with ``meshes_fit.npz``."""
    rows = json.loads((packs / "fit_256.json").read_text("utf-8"))
    with np.load(packs / "meshes_fit.npz") as shapes:
        found, mesh, person = shapes["found"], shapes["mesh"], shapes["person"]
    for k in np.flatnonzero(found).tolist():
        row = rows[k]
        head = read_head(data, row, mesh[k], person[k])
        for number in range(each):
            yield _shot(np.random.default_rng((SEED, k, number)), row["person"], k, head)


def _shot(draw: np.random.Generator, person: str, photo: int, head: heads.Head) -> Shot:
    side = 1.0 if draw.random() < 0.5 else -1.0
    yaw = side * (draw.uniform(0, 25) if draw.random() < 0.5 else draw.uniform(25, 80))
    pitch, roll = draw.normal(0, 9), draw.normal(0, 6)
    far, light = draw.uniform(3.5, 12), draw.normal(0, 0.12, 3)
    eyes = float(np.exp(draw.uniform(np.log(9), np.log(60))))
    dark, soft = bool(draw.random() < 0.5), bool(draw.random() < 0.35)
    sigma = draw.uniform(0.03, 0.22) * eyes if soft else draw.uniform(0.2, 0.8)
    ground = draw.uniform(0, 255, 3)
    grain, shade = float(draw.uniform(0, 5)), int(draw.integers(1 << 31))
    film, points, boxes = [], [], []
    for step in np.linspace(-1, 1, FRAMES):
        turn = yaw + 5 * step - head.yaw_deg
        turned = heads.render(head, turn, pitch + step, roll + 2 * step, far=far, light=light)
        picture, five, box = _placed(turned, eyes, ground, draw.normal(0, 0.5, 2))
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
        if dark:  # the same light in every frame
            picture = darkened(np.random.default_rng(shade), picture)
        film.append(grained(draw, picture, grain))
        points.append(five + draw.normal(0, TREMBLE * eyes, (5, 2)))
        boxes.append(box)
    shown = coded(film, int(draw.integers(18, 37)))
    seen = []
    for rgb, five, box in zip(shown, points, boxes, strict=True):
        a, b, c, d, e = ((float(u), float(v)) for u, v in five)
        x0, y0, x1, y1 = (float(v) for v in box)
        face = Detection((x0, y0, x1, y1), (a, b, c, d, e), 0.9)
        seen.append((face, align_face(rgb, five).crop_rgb_u8))
    return Shot(person, photo, float(yaw), dark, soft, tuple(seen))


def _placed(
    turned: heads.Turned, eyes_px: float, ground: np.ndarray, shift_px: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The head before a ground: picture, points (5, 2), box."""
    scale = eyes_px / turned.eyes_px
    width = float(turned.box_px[2] - turned.box_px[0]) * scale
    side = 2 * round(ROOM * max(width, 2.2 * eyes_px) / 2)
    if scale < 1:
        small = cv2.resize(turned.rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    else:
        small = cv2.resize(turned.rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    shift = side / 2 - scale * (turned.box_px[:2] + turned.box_px[2:]) / 2 + shift_px
    affine = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    layer = cv2.warpAffine(small, affine, (side, side)).astype(np.float32)
    alpha = layer[..., 3:] / 255
    picture = (ground * (1 - alpha) + layer[..., :3] * alpha).astype(np.uint8)
    return picture, turned.points_px * scale + shift, turned.box_px * scale + np.tile(shift, 2)

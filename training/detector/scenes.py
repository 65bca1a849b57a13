"""Scenes for the detector: portraits pasted into backgrounds, with boxes and points known.

People are those of group ``train`` alone. A pasted face carries YuNet's box and points of its
native photo through the paste's own geometry, so labels exist where the teachers fail.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.detector.backgrounds import Frame, procedural, shape


@dataclass(frozen=True)
class Portrait:
    """A train portrait: encoded photo, YuNet's box x0 y0 x1 y1 and points (5, 2), native px.

    A turned head has ``rgba`` (H, W, 4) in place of the photo, and ``eyes_px`` is the distance its
    eyes would have from the front.
    """

    person: str
    jpeg: bytes
    box_px: np.ndarray
    points_px: np.ndarray
    rgba: np.ndarray | None = None
    eyes_px: float | None = None


@dataclass(frozen=True)
class Scene:
    """rgb (S, S, 3) uint8; boxes (N, 4), points (N, 10), face (N,) bool (False: ignore)."""

    rgb_u8: np.ndarray
    boxes_px: np.ndarray
    points_px: np.ndarray
    face: np.ndarray


def read_portraits(data: Path, packs: Path, pack: str = "train_256.json") -> list[Portrait]:
    """Native photos of a pack, with its landmarks; only those of ``train`` are trained on."""
    rows = json.loads((packs / pack).read_text("utf-8"))
    found = []
    for row in rows:
        raw = (data / "portraits" / row["set"] / row["file"]).read_bytes()
        if hashlib.sha256(raw).hexdigest() != row["sha256"]:
            raise SystemExit(f"{row['file']}: digest differs from the pack's")
        x, y, w, h = row["box_px"]
        box = np.array([x, y, x + w, y + h], np.float64)
        found.append(Portrait(row["person"], raw, box, np.array(row["landmarks_px"], np.float64)))
    return found


class Painter:
    """Paints scenes from one stream of random numbers; the same stream gives the same scene."""

    def __init__(
        self,
        portraits: list[Portrait],
        images: list[np.ndarray],
        frames: list[Frame],
        size_px: int,
    ) -> None:
        self.portraits, self.images, self.frames, self.size = portraits, images, frames, size_px

    def scene(self, draw: np.random.Generator, *, crowd: bool = False) -> Scene:
        """One scene: a background, 0 to 6 pasted faces, objects over some of them.

        ``crowd``: up to 14 faces, mostly small; three scenes in ten are stretched sideways, as a
        pixel ratio that was never undone does; a fifth have nobody pasted.
        """
        canvas, boxes, points, face = self._background(draw)
        if crowd:
            count = 0 if draw.random() < 0.2 else int(draw.integers(2, 15))
        else:
            count = int(draw.choice(7, p=(0.1, 0.37, 0.24, 0.12, 0.08, 0.05, 0.04)))
        owner = np.full(canvas.shape[:2], -1, np.int32)
        ellipses: list[np.ndarray | None] = [None] * len(boxes)
        eyes = np.clip(np.exp(draw.normal(np.log(26), 0.75, count)), 7, 125)
        eyes = np.where(draw.random(count) < 0.06, draw.uniform(70, 150, count), eyes)
        if crowd:
            usual = draw.uniform(np.log(9), np.log(26))
            eyes = np.clip(np.exp(draw.normal(usual, 0.3, count)), 7, 60)
        wide = float(np.exp(draw.uniform(0, np.log(2.4)))) if crowd and draw.random() < 0.3 else 1.0
        for eyes_px in sorted(eyes.tolist(), reverse=True):  # the small ones stand in front
            placed = np.array(boxes).reshape(-1, 4)
            pasted = self._paste(draw, canvas, placed, owner, len(boxes), eyes_px, wide)
            if pasted is None:
                continue
            box, five, ellipse = pasted
            boxes.append(box)
            points.append(five)
            face.append(True)
            ellipses.append(ellipse)
        seen = []
        for k, ellipse in enumerate(ellipses):
            inside = ellipse if ellipse is not None else _disc(boxes[k], self.size) & (owner < 0)
            if ellipse is not None:
                inside = inside & (owner == k)
            seen.append(inside.sum() / max(1.0, np.pi / 4 * _area(boxes[k])))
        keep = [k for k, part in enumerate(seen) if part >= 0.1]
        return Scene(
            canvas,
            np.array([boxes[k] for k in keep], np.float32).reshape(-1, 4),
            np.array([points[k] for k in keep], np.float32).reshape(-1, 10),
            np.array([face[k] and seen[k] >= 0.45 for k in keep], bool),
        )

    def _background(
        self, draw: np.random.Generator
    ) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray], list[bool]]:
        kind = draw.random()
        if kind < 0.3:
            return self._from_frame(draw)
        if kind < 0.62:
            image = self.images[int(draw.integers(len(self.images)))]
        elif kind < 0.75:  # cloth, flags and walls of a portrait, without its face
            image = self._below_face(draw)
        else:
            return procedural(draw, self.size), [], [], []
        side = min(image.shape[:2])
        cut = int(side * np.exp(draw.uniform(np.log(0.35), 0)))
        y = int(draw.integers(0, image.shape[0] - cut + 1))
        x = int(draw.integers(0, image.shape[1] - cut + 1))
        patch = image[y : y + cut, x : x + cut]
        patch = np.rot90(patch, int(draw.integers(4))) if draw.random() < 0.3 else patch
        way = cv2.INTER_AREA if cut > self.size else cv2.INTER_LINEAR
        canvas = cv2.resize(np.ascontiguousarray(patch), (self.size, self.size), interpolation=way)
        for _ in range(int(draw.integers(0, 4)) if draw.random() < 0.3 else 0):
            shape(draw, canvas, skin=bool(draw.random() < 0.6))
        return canvas, [], [], []

    def _below_face(self, draw: np.random.Generator) -> np.ndarray:
        portrait = self.portraits[int(draw.integers(len(self.portraits)))]
        photo = _decode(portrait.jpeg)
        bottom = int(portrait.box_px[3] + 0.1 * (portrait.box_px[3] - portrait.box_px[1]))
        if photo.shape[0] - bottom > 60:
            return photo[bottom:]
        return procedural(draw, self.size)

    def _from_frame(
        self, draw: np.random.Generator
    ) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray], list[bool]]:
        """A stretch of a clip frame at 0.35 to 2.2 of its size, its real faces labelled."""
        frame = self.frames[int(draw.integers(len(self.frames)))]
        scale = float(np.exp(draw.uniform(np.log(0.35), np.log(2.2))))
        angle = float(draw.normal(0, 8)) if draw.random() < 0.6 else 0.0
        matrix = cv2.getRotationMatrix2D((0, 0), angle, scale)
        if len(frame.boxes_px) and draw.random() < 0.75:
            box = frame.boxes_px[int(draw.integers(len(frame.boxes_px)))]
            focus = (box[:2] + box[2:]) / 2
        else:
            focus = draw.uniform(0, 1, 2) * (frame.rgb_u8.shape[1], frame.rgb_u8.shape[0])
        at = draw.uniform(0.15, 0.85, 2) * self.size
        matrix[:, 2] = at - matrix[:, :2] @ focus
        canvas = _warp(frame.rgb_u8, np.vstack((matrix, (0, 0, 1))), self.size, draw)
        boxes = [_moved_box(b, matrix) for b in frame.boxes_px]
        points = [(p @ matrix[:, :2].T + matrix[:, 2]).ravel() for p in frame.points_px]
        keep = [k for k, b in enumerate(boxes) if _touches(b, self.size)]
        return (
            canvas,
            [boxes[k] for k in keep],
            [points[k] for k in keep],
            [bool(frame.sure[k]) for k in keep],
        )

    def _paste(
        self,
        draw: np.random.Generator,
        canvas: np.ndarray,
        boxes: np.ndarray,
        owner: np.ndarray,
        index: int,
        eyes: float,
        wide: float,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Paste one portrait in place; its box, points and visible disc, or None (no room)."""
        portrait = self.portraits[int(draw.integers(len(self.portraits)))]
        for _ in range(6):
            matrix = _geometry(draw, portrait, eyes, self.size, wide)
            points = cv2.perspectiveTransform(portrait.points_px[None], matrix)[0]
            box = _ellipse_box(portrait.box_px, matrix)
            if np.linalg.det(matrix) < 0:  # mirrored: the picture's left eye is the other one
                points = points[[1, 0, 2, 4, 3]]
            if _covered(box, boxes) < 0.15:
                break
        else:
            return None
        photo = _tone(draw, _decode(portrait.jpeg))
        alpha = _mask(draw, photo.shape[:2], portrait)
        near = _scale_at(matrix, portrait)
        layer = _warp_small(photo, matrix, self.size, near)
        cover = _warp_small(alpha, matrix, self.size, near)
        blend = cover[..., None].astype(np.float32) / 255
        canvas[:] = (canvas * (1 - blend) + layer * blend + 0.5).astype(np.uint8)
        owner[cover > 127] = index
        ellipse = _disc(box, self.size)
        if draw.random() < 0.3:
            over = canvas.copy()
            _occlude(draw, over, box)
            changed = (over != canvas).any(axis=2)
            canvas[:] = over
            owner[changed] = -2
        return box, points.ravel(), ellipse


def _decode(jpeg: bytes) -> np.ndarray:
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def _area(box: np.ndarray) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def _covered(box: np.ndarray, others: np.ndarray) -> float:
    """Largest part of the smaller of two boxes that lies inside the other."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return float((shared / np.minimum(areas, _area(box))).max(initial=0.0))


def _touches(box: np.ndarray, size: int) -> bool:
    return bool(box[0] < size and box[1] < size and box[2] > 0 and box[3] > 0)


def _disc(box: np.ndarray, size: int) -> np.ndarray:
    """Pixels inside the ellipse of a box: (size, size) bool."""
    y, x = np.mgrid[:size, :size]
    cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    rx, ry = max(0.5, (box[2] - box[0]) / 2), max(0.5, (box[3] - box[1]) / 2)
    return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1


def _moved_box(box: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return _ellipse_box(box.astype(np.float64), np.vstack((matrix, (0, 0, 1))))


def _ellipse_box(box: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Upright box round the moved ellipse of ``box``: tighter than round its moved corners."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    centre, radius = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    rim = centre + np.stack((np.cos(turn), np.sin(turn)), axis=1) * radius
    moved = cv2.perspectiveTransform(rim[None].astype(np.float64), matrix)[0]
    return np.concatenate((moved.min(axis=0), moved.max(axis=0)))


def _geometry(
    draw: np.random.Generator, portrait: Portrait, eyes: float, size: int, wide: float
) -> np.ndarray:
    """Homography photo -> scene: scale, turn, squeeze (as yaw does), shear, slight perspective.

    ``wide`` stretches the upright scene sideways, as footage shown without its pixel ratio is.
    """
    native = portrait.eyes_px or float(
        np.linalg.norm(portrait.points_px[0] - portrait.points_px[1])
    )
    scale = eyes / native
    angle = draw.normal(0, 14) if draw.random() < 0.85 else draw.uniform(-65, 65)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    squeeze = draw.uniform(0.6, 0.95) if draw.random() < 0.3 else draw.uniform(0.94, 1.06)
    flip = -1.0 if draw.random() < 0.5 else 1.0
    shear = draw.normal(0, 0.1)
    linear = np.array([[c, -s], [s, c]]) @ np.array([[1, shear], [0, 1]])
    linear = linear @ np.diag([squeeze * flip, 1.0]) * scale
    centre = (portrait.box_px[:2] + portrait.box_px[2:]) / 2
    at = draw.uniform(0.02, 0.98, 2) * size
    if eyes > 60:
        at = draw.uniform(0.25, 0.75, 2) * size
    matrix = np.eye(3)
    linear = np.diag([wide**0.5, wide**-0.5]) @ linear
    matrix[:2, :2] = linear
    matrix[:2, 2] = -linear @ centre
    tilt = np.eye(3)
    if draw.random() < 0.5:
        tilt[2, :2] = draw.normal(0, 0.08, 2) / max(eyes * 2.5, 1)
    move = np.eye(3)
    move[:2, 2] = at
    return move @ tilt @ matrix


def _scale_at(matrix: np.ndarray, portrait: Portrait) -> float:
    moved = cv2.perspectiveTransform(portrait.points_px[None], matrix)[0]
    native = np.linalg.norm(portrait.points_px[0] - portrait.points_px[4])
    return float(np.linalg.norm(moved[0] - moved[4]) / native)


def _warp_small(image: np.ndarray, matrix: np.ndarray, size: int, scale: float) -> np.ndarray:
    """Perspective warp that first shrinks by area, so that small faces hold no alias."""
    if scale < 0.6:
        step = scale / 0.6
        small = cv2.resize(image, None, fx=step, fy=step, interpolation=cv2.INTER_AREA)
        fx, fy = small.shape[1] / image.shape[1], small.shape[0] / image.shape[0]
        matrix = matrix @ np.diag([1 / fx, 1 / fy, 1.0])
        image = small
    return cv2.warpPerspective(image, matrix, (size, size), flags=cv2.INTER_LINEAR)


def _warp(
    image: np.ndarray, matrix: np.ndarray, size: int, draw: np.random.Generator
) -> np.ndarray:
    """A clip frame into the scene; what lies outside it is one colour."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if scale < 0.6:
        step = scale / 0.6
        image = cv2.resize(image, None, fx=step, fy=step, interpolation=cv2.INTER_AREA)
        matrix = matrix @ np.diag([1 / step, 1 / step, 1.0])
    fill = tuple(float(v) for v in draw.integers(0, 256, 3))
    return cv2.warpPerspective(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=fill
    )


def _tone(draw: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Light of the pasted person apart from the scene's: gain, gamma, side light, grey."""
    if draw.random() < 0.4:
        return rgb
    x = rgb.astype(np.float32) / 255
    x = x ** draw.uniform(0.7, 1.6) * np.exp(draw.uniform(np.log(0.25), np.log(1.3)))
    if draw.random() < 0.35:
        ramp = np.linspace(draw.uniform(0.2, 1), draw.uniform(0.6, 1.2), x.shape[1])
        x = x * ramp[None, :, None].astype(np.float32)
    if draw.random() < 0.1:
        x = np.repeat(x.mean(axis=2, keepdims=True), 3, axis=2)
    return (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)


def _mask(draw: np.random.Generator, shape_px: tuple[int, int], portrait: Portrait) -> np.ndarray:
    """What of the photo is pasted, in photo px: all, head, or head and shoulders; soft rim."""
    height = shape_px[0]
    x0, y0, x1, y1 = portrait.box_px
    cx, cy, w, h = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
    kind = draw.random()
    if kind < 0.25:
        return np.full(shape_px, 255, np.uint8)
    mask = np.zeros(shape_px, np.uint8)
    grow = draw.uniform(1.25, 1.9)
    centre = (int(cx), int(cy - 0.08 * h))
    cv2.ellipse(mask, centre, (int(w / 2 * grow), int(h / 2 * grow)), 0, 0, 360, 255, -1)
    if kind < 0.75:
        wide = draw.uniform(1.2, 2.2) * w
        slope = np.array(
            [
                (cx - 0.35 * w, y1 - 0.1 * h),
                (cx + 0.35 * w, y1 - 0.1 * h),
                (cx + wide, y1 + draw.uniform(0.5, 0.9) * h),
                (cx + wide, height),
                (cx - wide, height),
                (cx - wide, y1 + draw.uniform(0.5, 0.9) * h),
            ]
        )
        cv2.fillPoly(mask, [slope.astype(np.int32)], 255)
    rim = w * draw.uniform(0.01, 0.12)
    return cv2.GaussianBlur(mask, (0, 0), rim) if rim > 0.5 else mask


def _occlude(draw: np.random.Generator, canvas: np.ndarray, box: np.ndarray) -> None:
    """A bar, a block or a hand-like blob over an edge of the face, at most about a third of it."""
    w, h = box[2] - box[0], box[3] - box[1]
    angle = draw.uniform(0, 2 * np.pi)
    cx = (box[0] + box[2]) / 2 + np.cos(angle) * w * draw.uniform(0.38, 0.6)
    cy = (box[1] + box[3]) / 2 + np.sin(angle) * h * draw.uniform(0.38, 0.6)
    colour = tuple(int(v) for v in draw.integers(0, 256, 3))
    if draw.random() < 0.6:
        light = draw.uniform(40, 230)
        colour = (int(light), int(light * 0.75), int(light * 0.6))
    a, b = w * draw.uniform(0.12, 0.3), h * draw.uniform(0.12, 0.3)
    if draw.random() < 0.5:
        for k in range(int(draw.integers(1, 5))):
            at = (int(cx + k * a * 0.45), int(cy + draw.normal(0, b * 0.15)))
            turn = float(draw.uniform(-30, 30))
            axes = (max(1, int(a * 0.3)), max(1, int(b)))
            cv2.ellipse(canvas, at, axes, turn, 0, 360, colour, -1, 16)
    else:
        low = (int(cx - a), int(cy - b))
        cv2.rectangle(canvas, low, (int(cx + a), int(cy + b)), colour, -1)

"""Scenes of the fourth cycle: turned heads, hands, flames, heads from behind and out of focus."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.detector.backgrounds import Frame
from training.detector.scenes import (
    Painter,
    Portrait,
    Scene,
    _area,
    _covered,
    _decode,
    _disc,
    _ellipse_box,
    _geometry,
    _mask,
    _occlude,
    _scale_at,
    _tone,
    _warp_small,
)
from training.detector.turned import Bank, lights, stick

TURNED = 0.62  # share of the pasted faces that are turned heads
BLURRED = 0.14  # share of the pasted heads that are out of focus beyond recognition


@dataclass(frozen=True)
class Pasted:
    """A head on the canvas: labels, its disc, and whether it is a face or to be ignored."""

    box_px: np.ndarray
    points_px: np.ndarray
    disc: np.ndarray
    face: bool


class BusyPainter(Painter):
    """Paints scenes with turned heads and with what resembles a face."""

    def __init__(
        self,
        portraits: list[Portrait],
        images: list[np.ndarray],
        frames: list[Frame],
        size_px: int,
        bank: Bank,
    ) -> None:
        super().__init__(portraits, images, frames, size_px)
        self.bank = bank

    def scene(self, draw: np.random.Generator, *, crowd: bool = False) -> Scene:
        """One scene; ``crowd``: 2 to 9 faces, mostly small, else 0 to 4."""
        canvas, boxes, points, face = self._background(draw)
        if not boxes and draw.random() < 0.35:
            lights(draw, canvas)
        count = (
            int(draw.integers(2, 10)) if crowd else int(draw.choice(5, p=(0.2, 0.4, 0.2, 0.1, 0.1)))
        )
        middle = np.log(16) if crowd else np.log(28)
        eyes = np.clip(np.exp(draw.normal(middle, 0.6, count)), 7, 130)
        owner = np.full(canvas.shape[:2], -1, np.int32)
        discs: list[np.ndarray | None] = [None] * len(boxes)
        for _ in range(int(draw.integers(0, 4)) if draw.random() < 0.5 else 0):
            self._object(draw, canvas, np.array(boxes).reshape(-1, 4), owner)
        for eyes_px in sorted(eyes.tolist(), reverse=True):  # the small ones stand in front
            placed = np.array(boxes).reshape(-1, 4)
            pasted = self._head(draw, canvas, placed, owner, len(boxes), eyes_px)
            if pasted is not None:
                boxes.append(pasted.box_px)
                points.append(pasted.points_px)
                face.append(pasted.face)
                discs.append(pasted.disc)
        seen = []
        for k, disc in enumerate(discs):
            inside = (
                _disc(boxes[k], self.size) & (owner < 0) if disc is None else disc & (owner == k)
            )
            seen.append(inside.sum() / max(1.0, np.pi / 4 * _area(boxes[k])))
        keep = [k for k, part in enumerate(seen) if part >= 0.1]
        return Scene(
            canvas,
            np.array([boxes[k] for k in keep], np.float32).reshape(-1, 4),
            np.array([points[k] for k in keep], np.float32).reshape(-1, 10),
            np.array([face[k] and seen[k] >= 0.45 for k in keep], bool),
        )

    def _object(
        self, draw: np.random.Generator, canvas: np.ndarray, boxes: np.ndarray, owner: np.ndarray
    ) -> None:
        """A hand or a head from behind, where no face is."""
        side = float(np.exp(draw.uniform(np.log(14), np.log(0.5 * self.size))))
        at = draw.uniform(0.02, 0.98, 2) * self.size
        around = np.concatenate((at - side / 2, at + side / 2))
        if len(boxes) and _covered(around, boxes) > 0.1:
            return
        pool = self.bank.hands if draw.random() < 0.6 else self.bank.behind
        stick(draw, canvas, pool[int(draw.integers(len(pool)))], at, side)

    def _head(
        self,
        draw: np.random.Generator,
        canvas: np.ndarray,
        boxes: np.ndarray,
        owner: np.ndarray,
        index: int,
        eyes: float,
    ) -> Pasted | None:
        """Paste one head in place, or None where there is no room."""
        pool = self.bank.faces if draw.random() < TURNED else self.portraits
        portrait = pool[int(draw.integers(len(pool)))]
        for _ in range(6):
            matrix = _geometry(draw, portrait, eyes, self.size, 1.0)
            box = _ellipse_box(portrait.box_px, matrix)
            if _covered(box, boxes) < 0.15:
                break
        else:
            return None
        points = cv2.perspectiveTransform(portrait.points_px[None], matrix)[0]
        if np.linalg.det(matrix) < 0:  # mirrored: the picture's left eye is the other one
            points = points[[1, 0, 2, 4, 3]]
        if portrait.rgba is None:
            photo = _tone(draw, _decode(portrait.jpeg))
            alpha = _mask(draw, photo.shape[:2], portrait)
        else:
            photo, alpha = _tone(draw, portrait.rgba[..., :3]), portrait.rgba[..., 3]
        near = _scale_at(matrix, portrait)
        cover = _warp_small(alpha, matrix, self.size, near).astype(np.float32) / 255
        layer = _warp_small(photo, matrix, self.size, near).astype(np.float32)
        kind = draw.random()
        lost = kind < BLURRED
        if kind < 2 * BLURRED:  # the second half is out of focus, but can be recognised
            low, high = (0.22, 0.6) if lost else (0.02, 0.1)
            sigma = eyes * draw.uniform(low, high)
            soft = cv2.GaussianBlur(cover, (0, 0), sigma)
            layer = cv2.GaussianBlur(layer * cover[..., None], (0, 0), sigma)
            layer /= np.maximum(soft, 1e-3)[..., None]
            cover = soft
        canvas[:] = (canvas * (1 - cover[..., None]) + layer * cover[..., None] + 0.5).astype(
            np.uint8
        )
        owner[cover > 0.5] = index
        disc = _disc(box, self.size)
        self._cover(draw, canvas, box, owner)
        return Pasted(box, points.ravel(), disc, not lost)

    def _cover(
        self, draw: np.random.Generator, canvas: np.ndarray, box: np.ndarray, owner: np.ndarray
    ) -> None:
        """Sometimes a hand or another object over a part of the face."""
        kind = draw.random()
        if kind < 0.22:
            high = box[3] - box[1]
            turn = draw.uniform(0, 2 * np.pi)
            away = np.array([np.cos(turn) * (box[2] - box[0]), np.sin(turn) * high])
            at = (box[:2] + box[2:]) / 2 + away * draw.uniform(0.35, 0.8)
            hand = self.bank.hands[int(draw.integers(len(self.bank.hands)))]
            over = stick(draw, canvas, hand, at, float(high * draw.uniform(0.5, 1.1)))
            owner[over] = -2
        elif kind < 0.36:
            before = canvas.copy()
            _occlude(draw, canvas, box)
            owner[(before != canvas).any(axis=2)] = -2

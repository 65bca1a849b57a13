"""Scenes of the fourth and fifth cycle: turned heads, hands, flames, heads from behind and out of
focus; in the fifth mostly dark halls, rows of people, and heads that the rim cuts off.
"""

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


@dataclass(frozen=True)
class Manner:
    """How scenes are painted; shares 0..1, eye distances in px, blur in eye distances.

    ``dark``: empty scenes made a dark hall. ``middle_px``, ``spread``: usual eye distance and its
    spread in log. ``blurred``: heads out of focus beyond recognition, and as many that can be
    recognised, ``soft`` out of focus. ``covered``: part of a head's box that may lie in another's.
    ``close``: scenes with one head of ``close_px`` that the rim may cut off.
    """

    dark: float = 0.35
    count_odds: tuple[float, ...] = (0.2, 0.4, 0.2, 0.1, 0.1)
    middle_px: float = 28
    spread: float = 0.6
    blurred: float = 0.14
    soft: tuple[float, float] = (0.02, 0.1)
    covered: float = 0.15
    close: float = 0.0
    close_px: tuple[float, float] = (70, 150)


HALL = Manner(
    dark=0.75,
    count_odds=(0.06, 0.2, 0.2, 0.2, 0.14, 0.1, 0.1),
    middle_px=32,
    spread=0.45,
    blurred=0.2,
    soft=(0.03, 0.22),
    covered=0.45,
    close=0.25,
)


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
        manner: Manner | None = None,
    ) -> None:
        super().__init__(portraits, images, frames, size_px)
        self.bank = bank
        self.manner = manner or Manner()

    def scene(self, draw: np.random.Generator, *, crowd: bool = False) -> Scene:
        """One scene; ``crowd``: 2 to 9 faces, mostly small, else as the manner has it."""
        manner = self.manner
        canvas, boxes, points, face = self._background(draw)
        if not boxes and draw.random() < manner.dark:
            lights(draw, canvas)
        odds = manner.count_odds
        count = int(draw.integers(2, 10)) if crowd else int(draw.choice(len(odds), p=odds))
        middle, spread = (16, 0.6) if crowd else (manner.middle_px, manner.spread)
        eyes = np.clip(np.exp(draw.normal(np.log(middle), spread, count)), 7, 130)
        if manner.close and draw.random() < manner.close:
            eyes = np.append(eyes, draw.uniform(*manner.close_px))
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
            if self.manner.close and eyes > 60:  # anywhere, over the rim too
                matrix = _at_the_rim(draw, matrix, self.size)
            box = _ellipse_box(portrait.box_px, matrix)
            if _covered(box, boxes) < self.manner.covered:
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
        lost = kind < self.manner.blurred
        if kind < 2 * self.manner.blurred:  # the second half is out of focus, but can be recognised
            low, high = (0.22, 0.6) if lost else self.manner.soft
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


def _at_the_rim(draw: np.random.Generator, matrix: np.ndarray, size: int) -> np.ndarray:
    """The same head somewhere else: `_geometry` keeps large ones in the middle."""
    move = np.eye(3)
    move[:2, 2] = draw.uniform(-0.45, 0.45, 2) * size * np.array([1.0, 0.7])
    return move @ matrix

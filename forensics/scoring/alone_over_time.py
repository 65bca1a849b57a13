"""Scoring, alone over time: `jitter`, `identity_dispersion` and pops where no original exists.

What the footage did cannot be taken off.  So the face is held against its own surroundings in the
same frames: how fast it moves against them, and how much sharper than them it is.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.measure import F32, TEMPLATE_INTEROCULAR_PX, U8, Bool
from forensics.scoring.regions import mask_at
from forensics.scoring.registration import SMALL_PX, TEMPLATE_PER_SMALL, small_luma
from forensics.scoring.temporal import (
    LONG_S,
    MAX_GAP_S,
    MIN_FRAMES,
    NAMES,
    NO_TIME,
    NOT_EMBEDDED,
    SHORT_S,
    TOO_FEW,
    TOO_SLOW,
    OverTime,
    dispersion,
    fast_part,
    forget,
)

F64 = NDArray[np.float64]
NO_SURROUNDINGS: Final = "nothing around the face shows enough detail to hold its movement against"
_SIGMA_PX: Final = 1.5
_LEAST_SLOPE: Final = 1.0  # of the surroundings, grey levels a small px, root mean square
_LEAST_SHARE: Final = 0.03  # of the picture that surroundings must cover
_FLOOR_GREY: Final = 0.5  # detail of the surroundings below this is rounding
_STEPS: Final = 4


@dataclass(frozen=True, slots=True)
class _Picture:
    """One frame of a face, small: luma (128, 128), what of it shows the scene, fine detail."""

    grey: F32
    outside: Bool
    face_fine: float
    outside_fine: float


@dataclass(frozen=True, slots=True)
class _Place:
    frame: int
    pts_s: float
    path_px: F64 | None  # movement of the face against its surroundings since the first frame


@dataclass(frozen=True, slots=True)
class _Vector:
    frame: int
    pts_s: float
    unit: F32


@dataclass
class _Track:
    shot: int
    frame: int
    pts_s: float
    picture: _Picture
    first_outside: float
    path_px: F64 = field(default_factory=lambda: np.zeros(2))
    lost: bool = False  # a step could not be measured: the path says nothing before it
    places: deque[_Place] = field(default_factory=deque)
    vectors: deque[_Vector] = field(default_factory=deque)


class AloneMeter:
    """Follows each person's face. ``add`` must be called in the order of the frames."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}

    def add(
        self,
        *,
        person: int,
        frame: int,
        pts_s: float | None,
        shot: int,
        restored_rgb_u8: U8,
        embedded: F32 | None,
    ) -> tuple[OverTime, dict[str, str]]:
        """Take one face (512, 512, 3); what is known up to it, and reasons for what is not.

        ``change_grey`` of the result is the fine detail of the face, scaled by how the detail
        around it changed since the first frame: it falls where the face alone turns soft.
        """
        now = _picture(restored_rgb_u8)
        track = self._tracks.get(person)
        time = float(frame) / 25 if pts_s is None else pts_s
        if track is None or track.shot != shot or not 0 < time - track.pts_s <= MAX_GAP_S:
            track = _Track(shot, frame, time, now, max(now.outside_fine, _FLOOR_GREY))
            self._tracks[person] = track
        else:
            step = _step(track.picture, now)
            if step is None:
                track.places.clear()
            else:
                track.path_px = track.path_px + step
            track.lost = step is None
            track.frame, track.pts_s, track.picture = frame, time, now
        sharper = now.face_fine * track.first_outside / max(now.outside_fine, _FLOOR_GREY)
        if pts_s is None:
            return OverTime(frame, sharper), dict.fromkeys(NAMES, NO_TIME)
        track.places.append(_Place(frame, time, None if track.lost else track.path_px))
        forget(track.places, time - SHORT_S)
        if embedded is not None:
            if track.vectors and time - track.vectors[-1].pts_s > MAX_GAP_S:
                track.vectors.clear()
            track.vectors.append(_Vector(frame, time, embedded))
            forget(track.vectors, time - LONG_S)
        return _summary(track, sharper, asked=embedded is not None)


def _summary(track: _Track, sharper: float, *, asked: bool) -> tuple[OverTime, dict[str, str]]:
    reasons: dict[str, str] = {}
    firsts = [track.frame]
    jitter = spread = None
    moved = [(one.pts_s, one.path_px) for one in track.places if one.path_px is not None]
    if track.lost:
        reasons["jitter"] = NO_SURROUNDINGS
    elif len(moved) < MIN_FRAMES:
        reasons["jitter"] = TOO_FEW
    else:
        fast_px = fast_part([t for t, _ in moved], np.array([path for _, path in moved]))
        if fast_px is None:
            reasons["jitter"] = TOO_SLOW
        else:
            firsts.append(track.places[0].frame)
            jitter = 100 * fast_px * TEMPLATE_PER_SMALL / TEMPLATE_INTEROCULAR_PX
    if not asked:
        reasons["identity_dispersion"] = NOT_EMBEDDED.replace(": see identity_drift", "")
    elif len(track.vectors) < MIN_FRAMES:
        reasons["identity_dispersion"] = TOO_FEW
    else:
        firsts.append(track.vectors[0].frame)
        spread = dispersion([one.unit for one in track.vectors])
    return OverTime(min(firsts), sharper, jitter, None, spread), reasons


def _picture(rgb_u8: U8) -> _Picture:
    grey = small_luma(rgb_u8)
    # What lies outside the frame was filled with one colour: its edge is no scene.
    filled = np.ptp(rgb_u8.reshape(SMALL_PX, 4, SMALL_PX, 4, 3), axis=(1, 3)).max(2) == 0
    wide = cv2.dilate(filled.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    outside = _surroundings() & ~wide
    whole = cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(whole - cv2.GaussianBlur(whole, (0, 0), 2.0))
    fine_small = cv2.resize(fine, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA)
    return _Picture(
        grey,
        outside,
        float(fine_small[_inner()].mean()),
        float(fine_small[outside].mean()) if outside.any() else 0.0,
    )


@cache
def _surroundings() -> Bool:
    head = mask_at("head", SMALL_PX).astype(np.uint8)
    return np.asarray(cv2.dilate(head, np.ones((7, 7), np.uint8)) == 0)


@cache
def _inner() -> Bool:
    face = mask_at("face", SMALL_PX).astype(np.uint8)
    return np.asarray(cv2.erode(face, np.ones((9, 9), np.uint8)) == 1)


def _step(before: _Picture, now: _Picture) -> F64 | None:
    """Movement of the face since the frame before, less that of its surroundings; small px."""
    both = before.outside & now.outside
    if both.mean() < _LEAST_SHARE:
        return None
    inside = _shift(before.grey, now.grey, _inner())
    around = _shift(before.grey, now.grey, both)
    return None if inside is None or around is None else inside - around


def _shift(before: F32, now: F32, mask: Bool) -> F64 | None:
    """Shift (dx, dy) that takes ``before`` to ``now`` within a mask; None without detail there."""
    a, b = (cv2.GaussianBlur(p, (0, 0), _SIGMA_PX) for p in (before, now))
    weight = mask.astype(np.float64)
    total = float(weight.sum())
    at = np.zeros(2)
    for _ in range(_STEPS):
        matrix = np.array([[1, 0, at[0]], [0, 1, at[1]]], np.float64)
        moved = cv2.warpAffine(
            a, matrix, (SMALL_PX, SMALL_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        gy, gx = np.gradient(np.asarray(moved, np.float64))
        xx, xy, yy = (float((weight * p).sum()) for p in (gx * gx, gx * gy, gy * gy))
        normal = np.array([[xx, xy], [xy, yy]])
        # The weaker direction must carry detail too: along an edge nothing can be measured.
        if float(np.linalg.eigvalsh(normal)[0]) < total * _LEAST_SLOPE**2:
            return None
        rest = np.asarray(moved, np.float64) - b
        rest -= float((weight * rest).sum()) / total
        right = np.array([float((weight * gx * rest).sum()), float((weight * gy * rest).sum())])
        step = np.linalg.solve(normal, right)
        at = at + step
        if np.hypot(*at) > SMALL_PX / 16:
            return None
        if np.abs(step).max() < 1 / 64:
            break
    return np.asarray(at, np.float64)


def keeps(here: OverTime) -> OverTime:
    """What flags over time may look at: the values have nothing to be held against."""
    return OverTime(here.since_frame, here.change_grey)

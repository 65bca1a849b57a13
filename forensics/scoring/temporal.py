"""Scoring over time: `jitter`, `identity_dispersion` and morphing of one person's restored face.

Looks back over the person's own frames within one shot, by time stamps and not by frame numbers,
and abstains with the reason where they are too few.  What the footage itself does (the head moves,
the mouth speaks, the light flickers) is taken off, as far as the footage shows it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.identity import too_flat
from forensics.scoring.measure import (
    F32,
    MAX_YAW_DEG,
    TEMPLATE_INTEROCULAR_PX,
    U8,
    Reading,
    turned,
)
from forensics.scoring.regions import mask_at
from forensics.scoring.registration import Placement, place, small_luma

F64 = NDArray[np.float64]
NAMES: Final = ("jitter", "identity_dispersion")
MIN_FRAMES: Final = 12
MAX_GAP_S: Final = 0.5
SHORT_S, LONG_S = 1.0, 2.0  # looked back for movement; for what a face turns into
SLOWEST_HZ: Final = 3.0  # heads, speech and blinks are slower; jitter from frame to frame is not
LEAST_FREEDOM: Final = 3  # frames beyond those that the slow movement takes up

NO_TIME: Final = "the source has no time stamps"
NOT_PLACED: Final = (
    "the restored face cannot be laid on the footage, the footage is too dark, or the head is"
    f" turned by more than {MAX_YAW_DEG:.0f} degrees"
)
TOO_SLOW: Final = f"the frames come too slowly to see movement above {SLOWEST_HZ:g} Hz"
TOO_FEW: Final = (
    f"fewer than {MIN_FRAMES} frames of this person up to here without a cut or a gap of"
    f" {MAX_GAP_S:g} s"
)
NOT_EMBEDDED: Final = "the recogniser was not asked about this face: see identity_drift"


@dataclass(frozen=True, slots=True)
class OverTime:
    """What one face and the frames before it say; None where it was not measured.

    ``since_frame``: the first frame that the values speak of.  ``jitter_pct``: % of the eye
    distance.  ``morph_grey``: grey levels (`morph_step`), the median of ``SHORT_S``.
    ``dispersion``: mean distance 1 - cosine between frames, restored less footage.
    ``fine``: the footage is known not to be coded coarsely (`over_time_table.FINE_QP`).
    ``contrast_grey``: of the footage at the face (`information.contrast_grey`), where it was read.
    ``change_grey``: RMS of restored less crop in this frame alone, grey levels at 128 px.
    """

    since_frame: int
    change_grey: float
    jitter_pct: float | None = None
    morph_grey: float | None = None
    dispersion: float | None = None
    fine: bool = False
    contrast_grey: float | None = None

    def reading(self, reasons: dict[str, str]) -> Reading:
        """The two measures under their names in the record."""
        named = {"jitter": self.jitter_pct, "identity_dispersion": self.dispersion}
        return Reading({k: v for k, v in named.items() if v is not None}, reasons)


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame of a face, small: luma (128, 128), and where the restored face lies."""

    crop: F32
    restored: F32
    placed: Placement | None

    @classmethod
    def of(
        cls, crop_rgb_u8: U8, restored_rgb_u8: U8, scale: float, yaw_deg: float | None
    ) -> Moment:
        """From template pictures (512, 512, 3); ``scale``: template px per native px."""
        crop, restored = small_luma(crop_rgb_u8), small_luma(restored_rgb_u8)
        # In the dark noise decides where a face lies: a true one read a jitter of 10 %.
        # Turned away, the template's face holds much background, and no reference holds.
        unreadable = too_flat(crop_rgb_u8) or turned(yaw_deg) is not None
        placed = None if unreadable else place(restored, crop, scale)
        return cls(crop, restored, placed)

    def change_grey(self) -> float:
        """RMS of restored less crop over the face, grey levels."""
        face = mask_at("face", len(self.crop))
        return float(np.sqrt(np.square(self.restored - self.crop)[face].mean()))


@dataclass(frozen=True, slots=True)
class _Seen:
    """One frame of a person: when, where the restored face lies, what changed since the last."""

    frame: int
    pts_s: float
    placed: Placement | None
    morph_grey: float | None


@dataclass(frozen=True, slots=True)
class _Embedded:
    frame: int
    pts_s: float
    restored: F32
    crop: F32


@dataclass
class _Track:
    """What is kept of one person: small pictures of the last frame, numbers of the last 2 s."""

    shot: int
    pts_s: float
    frame: int
    picture: Moment
    seen: deque[_Seen] = field(default_factory=deque)
    embedded: deque[_Embedded] = field(default_factory=deque)


class TemporalMeter:
    """Follows each person's restored face. ``add`` must be called in the order of the frames."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}

    def add(
        self,
        *,
        person: int,
        frame: int,
        pts_s: float | None,
        shot: int,
        crop_rgb_u8: U8,
        restored_rgb_u8: U8,
        scale: float,
        yaw_deg: float | None,
        embedded: tuple[F32, F32] | None = None,
    ) -> tuple[OverTime, dict[str, str]]:
        """Take one restored face; give back what is known up to it, and reasons for what is not.

        Template pictures (512, 512, 3); ``scale``: template px per native px; ``yaw_deg`` as the
        landmarks give it, None where nothing says it; ``embedded``: unit vectors of restored face
        and crop where a recogniser was asked.
        """
        now = Moment.of(crop_rgb_u8, restored_rgb_u8, scale, yaw_deg)
        change = now.change_grey()
        if pts_s is None:
            return OverTime(frame, change), dict.fromkeys(NAMES, NO_TIME)
        track = self._tracks.get(person)
        if track is None or track.shot != shot or not 0 < pts_s - track.pts_s <= MAX_GAP_S:
            track = _Track(shot, pts_s, frame, now)
            morph = None
        else:
            morph = morph_step(track.picture, now) if track.frame == frame - 1 else None
            track.pts_s, track.frame, track.picture = pts_s, frame, now
        self._tracks[person] = track
        track.seen.append(_Seen(frame, pts_s, now.placed, morph))
        forget(track.seen, pts_s - SHORT_S)
        if embedded is not None:
            if track.embedded and pts_s - track.embedded[-1].pts_s > MAX_GAP_S:
                track.embedded.clear()
            track.embedded.append(_Embedded(frame, pts_s, *embedded))
            forget(track.embedded, pts_s - LONG_S)
        return _summary(track, change, asked=embedded is not None)


class Timed(Protocol):
    """Something of one frame."""

    @property
    def pts_s(self) -> float: ...


TimedT = TypeVar("TimedT", bound=Timed)


def forget(kept: deque[TimedT], before_s: float) -> None:
    """Let go what is older, but never below the least number of frames."""
    while len(kept) > MIN_FRAMES and kept[0].pts_s < before_s:
        kept.popleft()


def _summary(track: _Track, change: float, *, asked: bool) -> tuple[OverTime, dict[str, str]]:
    reasons: dict[str, str] = {}
    firsts = [track.frame]
    jitter = morph = spread = None
    if len(track.seen) < MIN_FRAMES:
        reasons["jitter"] = TOO_FEW
    else:
        firsts.append(track.seen[0].frame)
        jitter, reason = _jitter(track.seen)
        if reason is not None:
            reasons["jitter"] = reason
        steps = [one.morph_grey for one in track.seen if one.morph_grey is not None]
        if len(steps) >= MIN_FRAMES - 1:
            morph = float(np.median(steps))
    if not asked:
        reasons["identity_dispersion"] = NOT_EMBEDDED
    elif len(track.embedded) < MIN_FRAMES:
        reasons["identity_dispersion"] = TOO_FEW
    else:
        firsts.append(track.embedded[0].frame)
        restored = dispersion([one.restored for one in track.embedded])
        spread = restored - dispersion([one.crop for one in track.embedded])
    return OverTime(min(firsts), change, jitter, morph, spread), reasons


def _jitter(seen: Sequence[_Seen]) -> tuple[float | None, str | None]:
    placed = [(one.pts_s, one.placed.vector()) for one in seen if one.placed is not None]
    if len(placed) < MIN_FRAMES or seen[-1].placed is None:
        return None, NOT_PLACED
    moved_px = fast_part([t for t, _ in placed], np.array([v for _, v in placed]))
    if moved_px is None:
        return None, TOO_SLOW
    return 100 * moved_px / TEMPLATE_INTEROCULAR_PX, None


def fast_part(pts_s: Sequence[float], values: F64) -> float | None:
    """RMS of what is faster than 3 Hz in values (n, k) at uneven times; the k are summed squarely.

    The slow part is the least-squares fit of a parabola (for what goes on beyond the ends) and of
    cosines up to 3 Hz; what it leaves is divided by its degrees of freedom, so that independent
    movement of n px from frame to frame reads n px at any frame rate.  A head that sways by 10 px
    at 1.5 Hz leaves under 0.03 px.  None when too few frames are left over, as below 11 a second.
    """
    times = np.asarray(pts_s, np.float64)
    count = len(times)
    span = float(times[-1] - times[0]) * count / (count - 1)
    phase = (times - times[0]) / span + 0.5 / count
    fastest = math.floor(2 * SLOWEST_HZ * span + 1e-9)
    slow = fastest + 3
    if count - slow < LEAST_FREEDOM:
        return None
    waves = np.hstack(
        [
            np.cos(np.pi * np.outer(phase, np.arange(fastest + 1))),
            np.stack([phase - 0.5, (phase - 0.5) ** 2], 1),
        ]
    )
    weights, *_ = np.linalg.lstsq(waves, values, rcond=None)
    rest = values - waves @ weights
    return float(np.sqrt(np.square(rest).sum() / (count - slow)))


def dispersion(vectors: Sequence[F32]) -> float:
    """Mean distance 1 - cosine over all pairs of unit vectors (at least two); 0..2."""
    rows = np.asarray(vectors, np.float64)
    count = len(rows)
    return float((count - np.square(rows.sum(0)).sum() / count) / (count - 1))


def morph_step(before: Moment, now: Moment) -> float | None:
    """How much more the restored face changed than the footage, beyond what moved; grey levels.

    Mean |now - before moved along| over the face, restored less crop.  The movement is the dense
    flow of the crops (DIS) and, for the restored face, the difference of its places on the footage
    too: a face that only moves, or only trembles, changes nothing.  None where a face has no place.
    """
    if before.placed is None or now.placed is None:
        return None
    before_u8, now_u8 = (np.clip(np.rint(m.crop), 0, 255).astype(np.uint8) for m in (before, now))
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST).calc(
        now_u8, before_u8, np.zeros((*now.crop.shape, 2), np.float32)
    )
    (right, down), (right_before, down_before) = now.placed.movement(), before.placed.movement()
    moved = np.asarray(flow, np.float32)
    along = moved + np.stack([right - right_before, down - down_before], 2)
    return _changed(before.restored, now.restored, along) - _changed(before.crop, now.crop, moved)


def _changed(before: F32, now: F32, flow: F32) -> float:
    """Mean absolute difference over the face once ``before`` is fetched along the flow."""
    y, x = np.mgrid[0 : now.shape[0], 0 : now.shape[1]].astype(np.float32)
    fetched = cv2.remap(
        before, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    return float(np.abs(now - fetched)[mask_at("face", len(now))].mean())

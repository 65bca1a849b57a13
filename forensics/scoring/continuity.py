"""Scoring, continuity: where restoration stops and starts (`pop`), and whose face it is (`swap`).

Reads outcomes, pixels, places and appearance along one person's track; draws no conclusion from a
person who left the picture or stands behind somebody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import cv2
import numpy as np

from forensics.records import Box
from forensics.scoring.facts import FaceFact, FlagFinding, merged_ranges
from forensics.scoring.measure import F32, U8
from forensics.scoring.thresholds import ThresholdTable

STEP_SIDE_PX = 128  # halves of template px: fine enough to see texture come and go


class StepMeter:
    """How much more the restored face changes from frame to frame than its crop does.

    Keeps the last picture of each person only.  `step` must be called in frame order.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, F32, F32]] = {}

    def step(self, person: int, frame: int, crop_rgb_u8: U8, restored_rgb_u8: U8) -> float | None:
        """RMS(restored - last restored) - RMS(crop - last crop), grey levels at 128 px.

        None where the frame before has no face of this person.  Takes template pictures
        (512, 512, 3).
        """
        crop, restored = _small(crop_rgb_u8), _small(restored_rgb_u8)
        last = self._last.get(person)
        self._last[person] = (frame, crop, restored)
        if last is None or last[0] != frame - 1:
            return None
        return _rms(restored - last[2]) - _rms(crop - last[1])


def _small(rgb_u8: U8) -> F32:
    grey = cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY)
    side = (STEP_SIDE_PX, STEP_SIDE_PX)
    return np.asarray(cv2.resize(grey, side, interpolation=cv2.INTER_AREA), np.float32)


def _rms(difference: F32) -> float:
    return float(np.sqrt(np.square(difference).mean()))


def find_pops(
    person: int,
    own: Sequence[FaceFact],
    others: Sequence[FaceFact],
    frame_size_px: tuple[int, int] | None,
    limits: ThresholdTable,
    *,
    logged: bool,
    outcomes: bool = True,
) -> list[FlagFinding]:
    """Places where the person's face goes from restored to not restored, or back.

    Four kinds: a face that is followed but skipped or failed next to a restored one; a face that
    is missing for at most ``pop_gap_s`` although the person was in view; a step of the restored
    face far beyond that of the footage; a face called restored that suddenly shows hardly more than
    its crop (`_borders_in_pixels`), asked only where no log of outcomes exists (``logged``):
    footage that turns blurred from one frame to the next can look the same.  The first two are not
    asked without ``outcomes`` of the run that restored.  Ranges run from the
    last restored frame to the first one after.  ``measured`` is pops a minute, for people followed
    for at least ``pop_rate_least_s``.
    """
    frames: set[int] = set()
    pops = 0
    longest = 0
    inferred = 0
    for run in _runs_not_restored(own) if outcomes else ():
        pops += 1
        frames.update(run.frames)
        longest = max(longest, run.missing)
    for before, after in pairwise(own) if outcomes else ():
        missing = after.frame - before.frame - 1
        if missing >= 1 and _lost_in_view(before, after, others, frame_size_px, limits):
            pops += 1
            frames.update(range(before.frame, after.frame + 1))
            longest = max(longest, missing)
    for fact in own:
        if fact.step_grey is not None and fact.step_grey > limits["pop_step_grey"]:
            pops += 1
            frames.update((fact.frame - 1, fact.frame))
    for run in () if logged else _borders_in_pixels(own, limits):
        if frames.isdisjoint(run.frames):  # what the outcomes or the step say is not said twice
            pops += 1
            inferred += 1
            longest = max(longest, run.missing)
        frames.update(run.frames)
    if not frames:
        return []
    detail = f"{pops} {'place' if pops == 1 else 'places'}"
    if longest:
        detail += f", up to {longest} {'frame' if longest == 1 else 'frames'} without restoration"
    if inferred:
        detail += f", {inferred} inferred from pixels"
    steps = [f.step_grey for f in own if f.frame in frames and f.step_grey is not None]
    if steps:
        detail += f", largest step {max(steps):.1f} grey levels"
    rate = _a_minute(pops, own, limits)
    return [
        FlagFinding(
            "pop",
            person,
            merged_ranges(frames),
            "caution",
            measured=rate,
            unit=None if rate is None else "a minute",
            detail=detail,
        )
    ]


def _a_minute(pops: int, own: Sequence[FaceFact], limits: ThresholdTable) -> float | None:
    """Pops over the time in which the person was followed; None when that is short or unknown."""
    followed_s = 0.0
    for before, after in pairwise(own):
        if before.pts_s is not None and after.pts_s is not None:
            gap = after.pts_s - before.pts_s
            followed_s += gap if gap <= limits["pop_gap_s"] else 0.0
    return 60 * pops / followed_s if followed_s >= limits["pop_rate_least_s"] else None


@dataclass(frozen=True)
class _Run:
    """A stretch without restoration, with its restored neighbours in ``frames``."""

    frames: range
    missing: int


def _runs_not_restored(own: Sequence[FaceFact]) -> list[_Run]:
    """Stretches of skipped or failed faces that touch a restored face right before or after."""
    by_frame = {f.frame: f.outcome for f in own}
    runs = []
    bad = merged_ranges(frame for frame, outcome in by_frame.items() if outcome != "restored")
    for first, last in bad:
        start = first - (by_frame.get(first - 1) == "restored")
        end = last + (by_frame.get(last + 1) == "restored")
        if start < first or end > last:
            runs.append(_Run(range(start, end + 1), last - first + 1))
    return runs


def _borders_in_pixels(own: Sequence[FaceFact], limits: ThresholdTable) -> list[_Run]:
    """Where a face called restored stops to differ from its crop from one frame to the next.

    This is all that can be said where no log of outcomes exists, and what a restorer looks like
    that hands back its input in silence.  A run begins where the difference falls below
    ``pop_left_share`` of the frame before and ends where it rises again within ``pop_gap_frames``.
    """
    runs: list[_Run] = []
    dropped: int | None = None  # the last frame that was restored
    for before, after in pairwise(own):
        if before.over_time is None or after.over_time is None:
            dropped = None
            continue
        if after.frame != before.frame + 1 or after.shot != before.shot:
            dropped = None
            continue
        was, now = before.over_time.change_grey, after.over_time.change_grey
        if max(was, now) < limits["pop_least_grey"]:
            continue
        if now < limits["pop_left_share"] * was:
            dropped = before.frame
            runs.append(_Run(range(before.frame, after.frame + 1), 0))
        elif was < limits["pop_left_share"] * now:
            if dropped is not None and after.frame - dropped - 1 <= limits["pop_gap_frames"]:
                missing = after.frame - dropped - 1
                runs[-1] = _Run(range(dropped, after.frame + 1), missing)
            else:
                runs.append(_Run(range(before.frame, after.frame + 1), 0))
            dropped = None
    return runs


def _lost_in_view(
    before: FaceFact,
    after: FaceFact,
    others: Sequence[FaceFact],
    frame_size_px: tuple[int, int] | None,
    limits: ThresholdTable,
) -> bool:
    """Whether the person should have been seen between two faces of the track."""
    if before.shot != after.shot:  # another camera may well not show them
        return False
    if before.outcome != "restored" or after.outcome != "restored":
        return False
    missing = after.frame - before.frame - 1
    if before.pts_s is not None and after.pts_s is not None:
        if after.pts_s - before.pts_s > limits["pop_gap_s"]:
            return False
    elif missing > limits["pop_gap_frames"]:
        return False
    width = before.box_px[2] - before.box_px[0]
    if _distance(before.box_px, after.box_px) > limits["pop_move_faces"] * max(width, 1.0):
        return False
    if any(_at_border(box, frame_size_px) for box in (before.box_px, after.box_px)):
        return False
    return not any(
        _hides(other.box_px, before.box_px, limits) or _hides(other.box_px, after.box_px, limits)
        for other in others
        if before.frame <= other.frame <= after.frame
    )


def _distance(a: Box, b: Box) -> float:
    dx = (a[0] + a[2] - b[0] - b[2]) / 2
    dy = (a[1] + a[3] - b[1] - b[3]) / 2
    return float(np.hypot(dx, dy))


def _at_border(box: Box, frame_size_px: tuple[int, int] | None) -> bool:
    """Whether the face touches the picture's edge, where people come and go."""
    if box[0] <= 1 or box[1] <= 1:
        return True
    return frame_size_px is not None and (
        box[2] >= frame_size_px[0] - 2 or box[3] >= frame_size_px[1] - 2
    )


def _hides(front: Box, back: Box, limits: ThresholdTable) -> bool:
    """Whether ``front`` covers so much of ``back`` that the face may be hidden."""
    wide = min(front[2], back[2]) - max(front[0], back[0])
    high = min(front[3], back[3]) - max(front[1], back[1])
    area = max((back[2] - back[0]) * (back[3] - back[1]), 1e-6)
    return wide > 0 and high > 0 and wide * high / area >= limits["hidden_share"]


def find_swaps(person: int, own: Sequence[FaceFact], limits: ThresholdTable) -> list[FlagFinding]:
    """Stretches in which the face looks more like another person of the clip than like its own.

    The smoothed difference rival - similarity (median of five faces) must exceed the margin for
    ``swap_min_faces`` faces in a row; faces too small for an appearance to mean anything are left
    out.
    """
    seen = [
        f
        for f in own
        if f.similarity is not None
        and f.rival is not None
        and f.interocular_px >= limits["swap_min_interocular_px"]
    ]
    if len(seen) < limits["swap_min_faces"]:
        return []
    difference = np.array([(f.rival or 0.0) - (f.similarity or 0.0) for f in seen])
    padded = np.pad(difference, 2, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    frames: list[int] = []
    worst = 0.0
    above = smooth > limits["swap_margin"]
    for is_above, group in groupby(range(len(seen)), key=lambda k: bool(above[k])):
        run = list(group)
        if is_above and len(run) >= limits["swap_min_faces"]:
            frames += range(seen[run[0]].frame, seen[run[-1]].frame + 1)
            worst = max(worst, float(smooth[run].max()))
    if not frames:
        return []
    return [
        FlagFinding(
            "swap",
            person,
            merged_ranges(frames),
            "high",
            measured=worst,
            reference=limits["swap_margin"],
            detail="the face looks more like another person of this clip than like its own frames",
        )
    ]

"""Changed copies of real clips, with the truth: what a restorer, an editor or a web site does.

Written with PyAV: scale, crop, bars, another frame rate (frames are held, as players and ffmpeg
do), dropped frames with and without new time stamps, trimmed ends, colour, H.264 at a quantiser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.media.decode import DecodedFrame
from forensics.media.probe import probe
from forensics.media.reader import read_frames
from forensics.pairs.alignment import Alignment

U8 = NDArray[np.uint8]
SAME_MSE = 0.4
"""Grey levels squared: frames of a source that differ by less are the camera's repeats."""


@dataclass(frozen=True)
class Change:
    """What is done to a clip.

    ``crop_01``: x0, y0, x1, y1 of the picture; ``bars``: px at the sides, px above and below.
    """

    scale: float = 1.0
    scale_x: float | None = None
    crop_01: tuple[float, float, float, float] | None = None
    bars: tuple[int, int] = (0, 0)
    rate: int | None = None
    drop: tuple[int, ...] = ()
    restamp: bool = False
    trim_s: float = 0.0
    trim_end_s: float = 0.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    qp: int = 23
    edit: Callable[[U8, int], U8] | None = None


CROP = (0.06, 0.03, 0.97, 0.95)
CHANGES: dict[str, Change] = {
    "plain": Change(),
    "x2": Change(scale=2),
    "x1.5": Change(scale=1.5),
    "x0.75": Change(scale=0.75),
    "x4": Change(scale=4),
    "uneven": Change(scale_x=1.1),
    "crop": Change(crop_01=CROP),
    "letterbox": Change(bars=(0, 60)),
    "pillarbox": Change(bars=(80, 0)),
    "30 to 25": Change(rate=25),
    "30 to 36": Change(rate=36),
    "3 dropped": Change(drop=(20, 21, 33)),
    "3 dropped, restamped": Change(drop=(20, 31, 32), restamp=True),
    "trim 0.5 s": Change(trim_s=0.5),
    "colour": Change(gain=(1.15, 0.9, 1.0), offset=(-10, 8, 12)),
    "QP 35": Change(qp=35),
    "x2 crop 25 QP 35 colour": Change(
        scale=2, crop_01=CROP, rate=25, qp=35, gain=(1.1, 0.95, 1), offset=(5, 0, -6)
    ),
    "x1.5 bars trim drop QP 35": Change(
        scale=1.5, bars=(0, 40), trim_s=0.5, drop=(30, 31, 32), restamp=True, qp=35
    ),
    "x0.75 25 trim QP 35": Change(scale=0.75, rate=25, trim_s=0.5, qp=35),
    "x4 QP 35 trim both colour": Change(
        scale=4, qp=35, trim_s=0.3, trim_end_s=0.3, gain=(0.9, 0.9, 0.9), offset=(20, 20, 20)
    ),
}


@dataclass(frozen=True)
class Truth:
    """Scale and shift as they are, and which source frame each frame of the copy shows."""

    scale: tuple[float, float]
    shift: tuple[float, float]
    crop_px: tuple[int, int, int, int]
    frames: int
    shows: tuple[int, ...]
    same: tuple[int, ...] = field(repr=False)
    """Source frames of one number are repeats of each other."""


@dataclass(frozen=True)
class Error:
    """What an alignment is off by; ``strict`` counts a repeat of a frame as another frame."""

    scale_percent: float
    shift_px: float
    right: int
    right_strict: int
    frames: int


@cache
def frames_of(path: Path) -> tuple[tuple[int, float, U8], ...]:
    """Number, time from 0 and picture of every frame; small clips only."""
    media = probe(path)
    rate = float(media.frame_rate_hint or 25)
    out: list[tuple[int, float, U8]] = []
    for item in read_frames(media):
        assert isinstance(item, DecodedFrame)
        time = item.pts_s if item.pts_s is not None else (item.frame - 1) / rate
        out.append((item.frame, time, item.rgb_u8.copy()))
    return tuple((n, t - out[0][1], p) for n, t, p in out)


def make(source: Path, target: Path, change: Change) -> Truth:
    """Write the changed copy."""
    every = frames_of(source)
    rate = float(probe(source).frame_rate_hint or 25)
    height, width = every[0][2].shape[:2]
    a, b, c, d = change.crop_01 or (0, 0, 1, 1)
    x0, y0, x1, y1 = round(a * width), round(b * height), round(c * width), round(d * height)
    across = change.scale_x or change.scale
    w, h = round((x1 - x0) * across / 2) * 2, round((y1 - y0) * change.scale / 2) * 2
    sequence = _sequence(every, change, rate)
    bar_x, bar_y = change.bars
    with av.open(str(target), "w") as box:
        stream = box.add_stream(
            "libx264",
            rate=Fraction(change.rate or rate).limit_denominator(1001),
            options={"qp": str(change.qp), "preset": "veryfast", "threads": "1"},
        )
        stream.width, stream.height = w + 2 * bar_x, h + 2 * bar_y
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        for number, time, picture in sequence:
            how = cv2.INTER_AREA if change.scale < 1 else cv2.INTER_CUBIC
            shown = np.asarray(cv2.resize(picture[y0:y1, x0:x1], (w, h), interpolation=how))
            shown = _coloured(shown.astype(np.uint8), change, number)
            shown = cv2.copyMakeBorder(shown, bar_y, bar_y, bar_x, bar_x, cv2.BORDER_CONSTANT)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = round(time * 90_000), Fraction(1, 90_000)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    sx, sy = w / (x1 - x0), h / (y1 - y0)
    shift = (bar_x + 0.5 * sx - 0.5 - sx * x0, bar_y + 0.5 * sy - 0.5 - sy * y0)
    shows = tuple(number for number, _, _ in sequence)
    return Truth((sx, sy), shift, (x0, y0, x1, y1), len(every), shows, _repeats(every))


def _sequence(
    every: tuple[tuple[int, float, U8], ...], change: Change, rate: float
) -> list[tuple[int, float, U8]]:
    end = every[-1][1]
    kept = [
        (n, t, p)
        for n, t, p in every
        if change.trim_s - 1e-6 <= t <= end - change.trim_end_s + 1e-6 and n not in change.drop
    ]
    base = kept[0][1]
    if change.restamp:
        return [(n, k / rate, p) for k, (n, _, p) in enumerate(kept)]
    if change.rate is None:
        return [(n, t - base, p) for n, t, p in kept]
    out = []
    for k in range(int((kept[-1][1] - base + 0.5 / rate) * change.rate) + 1):
        last = [one for one in kept if one[1] <= k / change.rate + base + 1e-3][-1]
        out.append((last[0], k / change.rate, last[2]))
    return out


def _coloured(picture: U8, change: Change, number: int) -> U8:
    if change.edit is not None:
        picture = change.edit(picture, number)
    if change.gain == (1, 1, 1) and change.offset == (0, 0, 0):
        return picture
    values = picture * np.array(change.gain) + np.array(change.offset)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _repeats(every: tuple[tuple[int, float, U8], ...]) -> tuple[int, ...]:
    groups = [0]
    for (_, _, one), (_, _, two) in pairwise(every):
        differs = np.mean((one.astype(np.float32) - two) ** 2) >= SAME_MSE
        groups.append(groups[-1] + int(differs))
    return tuple(groups)


def error_of(found: Alignment, truth: Truth) -> Error:
    """Hold an alignment against the truth, at the corners of what is shown."""
    assert found.to_other is not None
    (sx, _, tx), (_, sy, ty) = found.to_other.tolist()
    x0, y0, x1, y1 = truth.crop_px
    off = [(sx - truth.scale[0]) * x + tx - truth.shift[0] for x in (x0, x1)]
    off += [(sy - truth.scale[1]) * y + ty - truth.shift[1] for y in (y0, y1)]
    shown: dict[int, set[int]] = {}
    for there, here in enumerate(truth.shows, start=1):
        shown.setdefault(here, set()).add(there)
    strict = right = 0
    for here in range(1, truth.frames + 1):
        there = found.frames.get(here)
        exact = here not in shown if there is None else there in shown.get(here, set())
        strict += exact
        right += exact or _repeat_stands_in(here, there, found, truth)
    worst = max(abs(sx / truth.scale[0] - 1), abs(sy / truth.scale[1] - 1))
    return Error(100 * worst, max(abs(v) for v in off), right, strict, truth.frames)


def _repeat_stands_in(here: int, there: int | None, found: Alignment, truth: Truth) -> bool:
    group = truth.same[here - 1]
    if there is not None:
        return truth.same[truth.shows[there - 1] - 1] == group
    others = [n for n, g in enumerate(truth.same, start=1) if g == group and n != here]
    return any(n in found.frames for n in others)


def with_edit(change: Change, edit: Callable[[U8, int], U8]) -> Change:
    """The change with something drawn on the enlarged picture of each frame."""
    return replace(change, edit=edit)

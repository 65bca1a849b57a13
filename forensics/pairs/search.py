"""Pairs, search: where the other lies on the source, from a few frames of about one time.

Frames of the other, spread over it, are each tried against a few frames of the source (by clock, by
number, by proportion, by likeness); ways to lay them come from `hypotheses`, and the one under
which most of the textured places show the same is kept.  Works in px of the kept frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from forensics.pairs.fitting import Fit, KeyPair, fit, judge
from forensics.pairs.grid import F32, U8, Lay, seen_part
from forensics.pairs.hypotheses import (
    Bars,
    Edges,
    allowed,
    from_matches,
    matches,
    points_of,
    pool,
    whole_on_whole,
)
from forensics.pairs.prints import Prints

KEYS: Final = 6
GOOD: Final = 0.95
"""Agreement from which no further way of laying is tried."""
LEAST_COVERED: Final = 0.15
_SEED: Final = 20260101
_COMMON: Final = (32, 24)


@dataclass(frozen=True)
class Found:
    """The best way found: the fit (px of the kept frames), which frames it rests on, and a name.

    ``tried``: every way and its agreement, for the message of a refusal.
    """

    fit: Fit
    frames: tuple[tuple[int, int], ...]
    way: str
    tried: tuple[tuple[str, float], ...]


def key_frames(prints: Prints, count: int = KEYS) -> list[int]:
    """Numbers (from 1) of frames spread over a clip that hold something to see."""
    good = np.flatnonzero(~prints.lost)
    if len(good) <= count:
        return [int(n) + 1 for n in good]
    contrast = prints.small.reshape(len(prints.small), -1)[good].std(axis=1)
    out = []
    for part in np.array_split(np.arange(len(good)), count):
        # Of each stretch the middle, unless it is much flatter than the best: fades, black.
        middle = part[len(part) // 2]
        best = part[int(contrast[part].argmax())]
        out.append(int(good[middle if contrast[middle] > 0.7 * contrast[best] else best]) + 1)
    return out


def candidates(
    source: Prints, other: Prints, bars: Bars, keys: Iterable[int]
) -> dict[int, list[int]]:
    """For each key frame of the other, source frames that could be of its time (all from 1)."""
    looks_s = _normalised(source.small)
    rows, columns = other.small.shape[1:]
    left, top, right, bottom = bars.shares()
    x0, x1 = round(left * columns), round((1 - right) * columns)
    y0, y1 = round(top * rows), round((1 - bottom) * rows)
    looks_o = _normalised(other.small[[k - 1 for k in keys], y0:y1, x0:x1])
    count_s, count_o = len(source.small), len(other.small)
    out: dict[int, list[int]] = {}
    for number, look in zip(keys, looks_o, strict=True):
        alike = looks_s @ look
        alike[source.lost] = -2
        first = int(alike.argmax())
        picks = [first + 1]
        near = slice(max(0, first - count_s // 20 - 2), first + count_s // 20 + 3)
        alike[near] = -2
        if alike.max() > -2:
            picks.append(int(alike.argmax()) + 1)
        picks.append(min(number, count_s))
        picks.append(1 + round((number - 1) * (count_s - 1) / max(1, count_o - 1)))
        if source.timed and other.timed:
            gone = other.pts_s[number - 1] - other.pts_s[~other.lost][0]
            since = source.pts_s - source.pts_s[~source.lost][0]
            picks.append(int(np.nanargmin(np.abs(since - gone))) + 1)
        out[number] = [p for p in dict.fromkeys(picks) if not source.lost[p - 1]]
    return out


def _normalised(small: U8) -> F32:
    """Prints on one small grid, each with mean 0 and length 1."""
    rows = []
    for print_ in small:
        shrunk = (
            cv2.resize(print_, _COMMON, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        )
        shrunk -= shrunk.mean()
        rows.append(shrunk / max(1e-6, float(np.linalg.norm(shrunk))))
    return np.asarray(rows, np.float32)


class Search:
    """Holds the key frames and looks for the best way to lay the other on the source."""

    def __init__(
        self,
        source: Mapping[int, U8],
        other: Mapping[int, U8],
        tries: Mapping[int, list[int]],
        content: Edges,
    ) -> None:
        """``content``: edges without bars, px of the kept frames of the other."""
        self.content = content
        self.source, self.other = source, other
        self.tries = {
            key: [s for s in options if s in source]
            for key, options in tries.items()
            if key in other and any(s in source for s in options)
        }

    def run(self) -> Found | None:
        """The best way; None where no key frame could be decoded."""
        if not self.tries:
            return None
        some_source = next(iter(self.source.values()))
        size = (some_source.shape[1], some_source.shape[0])
        tried: list[Found] = []
        for name, lay in self._whole(size):
            tried.append(self._try(name, lay))
            if tried[-1].fit.agreement >= GOOD:
                return self._best(tried)
        if (by_points := self._from_points()) is not None and allowed(by_points):
            tried.append(self._try("points that look alike", by_points))
        return self._best(tried)

    def _best(self, tried: list[Found]) -> Found | None:
        if not tried:
            return None
        best = max(tried, key=lambda f: f.fit.agreement)
        list_ = tuple((f.way, f.fit.agreement) for f in tried)
        return Found(best.fit, best.frames, best.way, list_)

    def _whole(self, size: tuple[int, int]) -> list[tuple[str, Lay]]:
        """Whole on whole, and whole on what lies inside the other's bars."""
        some = next(iter(self.other.values()))
        full = (0.0, 0.0, float(some.shape[1]), float(some.shape[0]))
        source = (0.0, 0.0, float(size[0]), float(size[1]))
        ways = [("whole on whole", whole_on_whole(source, full))]
        if self.content != full:
            ways.append(("whole inside the bars", whole_on_whole(source, self.content)))
        return [(name, lay) for name, lay in ways if allowed(lay)]

    def _from_points(self) -> Lay | None:
        points_s = {n: points_of(p) for n, p in self.source.items()}
        found = []
        for key, options in self.tries.items():
            points = points_of(self.other[key])
            every = [matches(points_s[s], points) for s in options]
            found.append(max(every, key=len))
        return from_matches(pool(found), np.random.default_rng(_SEED))

    def _try(self, name: str, lay: Lay) -> Found:
        """Refine one way over the source frame that fits each key frame best, and judge it."""
        frames = []
        for key, options in self.tries.items():
            if len(options) == 1:
                frames.append((options[0], key))
                continue
            agree = [self._judged(s, key, lay).agreement for s in options]
            frames.append((options[int(np.argmax(agree))], key))
        pairs = [KeyPair(self.source[s], self.other[o]) for s, o in frames]
        if not self._covers(lay):
            return Found(Fit(lay, 0.0, 0.0, (), np.inf, np.inf), tuple(frames), name, ())
        found = fit(pairs, lay, self.content)
        if not self._covers(found.lay):
            found = judge(pairs, lay, self.content)
        return Found(found, tuple(frames), name, ())

    def _judged(self, s: int, key: int, lay: Lay) -> Fit:
        if not self._covers(lay):
            return Fit(lay, 0.0, 0.0, (), np.inf, np.inf)
        return judge([KeyPair(self.source[s], self.other[key])], lay, self.content)

    def _covers(self, lay: Lay) -> bool:
        """Whether enough of the other shows part of the source for a judgement."""
        return covered(lay, next(iter(self.source.values())), self.content) >= LEAST_COVERED


def covered(lay: Lay, source: U8, content: Edges) -> float:
    """Share of the other's content that lies on the source."""
    x0, y0, x1, y1 = seen_part(lay, (source.shape[1], source.shape[0]), content)
    if x1 <= x0 or y1 <= y0:
        return 0.0
    area = (content[2] - content[0]) * (content[3] - content[1])
    return (x1 - x0) * lay.scale_x * (y1 - y0) * lay.scale_y / max(area, 1e-6)


def rescaled(lay: Lay, source: tuple[float, float], other: tuple[float, float]) -> Lay:
    """``lay`` of kept frames as one of the files; factors are kept px per file px, x and y."""

    def axis(scale: float, shift: float, fs: float, fo: float) -> tuple[float, float]:
        # kept = (file + 0.5) * factor - 0.5, for both pictures.
        return scale * fs / fo, (scale * (0.5 * fs - 0.5) + shift + 0.5) / fo - 0.5

    sx, tx = axis(lay.scale_x, lay.shift_x, source[0], other[0])
    sy, ty = axis(lay.scale_y, lay.shift_y, source[1], other[1])
    return Lay(sx, sy, tx, ty)

"""Pairs, timing: which frame of the other shows which frame of the source.

Every frame of the other is given the source frame that explains the pictures best, under two
rules: time never runs backwards, and a step that the clocks do not explain has a price.  The best
path through all of them is found by dynamic programming (Viterbi).  Where pictures stand still they
decide nothing; clocks and order do, and how often that was so is part of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forensics.pairs.grid import F32, F64
from forensics.pairs.prints import Prints

I64 = NDArray[np.int64]

DIRECT_FRAMES: Final = 320
"""Up to this many source frames every frame is a candidate for every frame of the other."""
ANCHORS: Final = 160
ANCHOR_CANDIDATES: Final = 24
BAND: Final = 24  # frames at either side of the line between two anchors, at least
_STEP_PRICE: Final = 4.0  # nats for a step that is one frame off what the clocks say
_STEP_CAP: Final = 14.0  # nats: a cut, a drop of many frames
_FREE_STEP: Final = 0.9  # of a frame: what a change of frame rate makes steps differ by
# Nats a frame off the line of the clocks: decides where pictures do not, and only there.
_LINE_PRICE: Final = 8.0
_LINE_SLACK, _LINE_MOST = 0.12, 1.0  # frames
_LINE_LEAST: Final = 3  # decided frames, for a rule to be seen
_LINE_NEAR: Final = 12  # decided frames at either side
_LEAST_NOISE: Final = 0.3  # grey levels squared: prints are whole grey levels
_INDEPENDENT: Final = 0.01  # of a print's pixels: coding noise spans several of them
_FOREIGN: Final = 16.0  # times the usual noise, from which a frame shows nothing of the source
_FOREIGN_GREY: Final = 40.0  # grey levels squared
DECIDED: Final = 3.0
"""Nats by which the pictures alone must prefer a frame for it to count as decided by them."""


@dataclass(frozen=True)
class TimeMap:
    """``shows`` (other frames): the source frame each shows, from 0; -1 where it shows none.

    ``decided``: share of the other's frames whose place the pictures alone decide; ``slope``:
    source frames a frame of the other, or a second of the other's clock a second of the source's
    where both have clocks; ``motion``: correlation of what moves in both, None where nothing does;
    ``rest_grey``: RMS of what is left between prints, grey levels.
    """

    shows: I64
    decided: float
    slope: float
    motion: float | None
    moving_grey: float
    rest_grey: float


def find_times(source: Prints, other: Prints) -> TimeMap:
    """Map frames of registered prints (the same places in both)."""
    flat_s = source.small.reshape(len(source.small), -1)
    flat_o = other.small.reshape(len(other.small), -1)
    good_s, good_o = np.flatnonzero(~source.lost), np.flatnonzero(~other.lost)
    clock_s, clock_o, slope = _clocks(source, other)
    look = _Looks(flat_s, flat_o, good_s, good_o)
    shows = np.zeros(len(flat_o), np.int64)
    line: _Line | None = None
    for turn in range(3):
        shows = _path(look, clock_s, clock_o * slope, source, other, line)
        if turn == 0:
            slope *= _slope(clock_s[shows], clock_o * slope, source.timed and other.timed)
        look.learn(shows)
        line = _line(clock_s, shows, clock_o * slope, look.leads(shows) >= DECIDED)
    return _answer(look, shows, slope)


def named_times(source: Prints, other: Prints, named: Mapping[int, int]) -> TimeMap:
    """The map that names give (source -> other, from 1), measured as the found one is."""
    flat_s = source.small.reshape(len(source.small), -1)
    flat_o = other.small.reshape(len(other.small), -1)
    shows = np.full(len(flat_o), -1, np.int64)
    for here, there in named.items():
        shows[there - 1] = here - 1
    both = (shows >= 0) & ~other.lost
    both[both] = ~source.lost[shows[both]]
    look = _Looks(flat_s, flat_o, np.flatnonzero(~source.lost), np.flatnonzero(both))
    if both.any():
        look.learn(shows)
    return replace(_answer(look, shows, 1.0), shows=shows)


def _clocks(source: Prints, other: Prints) -> tuple[F64, F64, float]:
    """Positions of the frames of both, in source frames, and the slope to start from."""
    count_s, count_o = len(source.small), len(other.small)
    if source.timed and other.timed:
        step = float(np.median(np.diff(source.pts_s[~source.lost])))
        clock_s, clock_o = _filled(source.pts_s) / step, _filled(other.pts_s) / step
        return clock_s - clock_s[0], clock_o - clock_o[0], 1.0
    return np.arange(count_s, dtype=np.float64), np.arange(count_o, dtype=np.float64), 1.0


def _filled(times: F64) -> F64:
    """Times with those of lost frames put between their neighbours."""
    known = np.flatnonzero(np.isfinite(times))
    step = float(np.median(np.diff(times[known]) / np.diff(known)))
    filled = np.interp(np.arange(len(times)), known, times[known])
    before, after = np.arange(known[0]), np.arange(known[-1] + 1, len(times))
    filled[before] = times[known[0]] - (known[0] - before) * step
    filled[after] = times[known[-1]] + (after - known[-1]) * step
    return filled


def _slope(clock_s: F64, clock_o: F64, both_timed: bool) -> float:
    """Source positions per position of the other: the median of slopes over a third of the clip."""
    count = len(clock_o)
    apart = max(1, count // 3)
    if count < 8 or clock_o[-1] <= clock_o[0]:
        return 1.0
    rises = (clock_s[apart:] - clock_s[:-apart]) / (clock_o[apart:] - clock_o[:-apart])
    found = float(np.median(rises))
    # Both clocks tick in seconds unless somebody stamped the frames anew.
    near = 0.02 if both_timed else 0.0
    return 1.0 if abs(found - 1) <= near or not 0.05 < found < 20 else found


@dataclass(frozen=True)
class _Line:
    """Where the clocks put each frame of the other: source positions ``low`` to ``high``."""

    low: F64
    high: F64

    def price(self, j: int, clock_s: F64) -> F64:
        """Nats for source positions that lie outside."""
        outside = np.maximum(self.low[j] - clock_s, clock_s - self.high[j])
        return np.asarray(_LINE_PRICE * np.clip(outside - _LINE_SLACK, 0, _LINE_MOST))


def _line(clock_s: F64, shows: I64, clock_o: F64, decided: NDArray[np.bool_]) -> _Line:
    """The range of the clocks' difference among the nearest frames that the pictures decide.

    A change of frame rate holds or drops frames by a rule; the range is that rule's, so that it
    also tells which of two like frames was taken.
    """
    gap, rows = clock_s[shows] - clock_o, np.flatnonzero(decided)
    if len(rows) < max(_LINE_LEAST, 0.02 * len(gap)):
        # Nothing moves: the clocks alone, as one piece.
        even = abs((clock_s[-1] - clock_s[0]) - (clock_o[-1] - clock_o[0])) < 1
        shift = 0.0 if even else float(np.median(gap))
        return _Line(clock_o + shift, clock_o + shift)
    low, high = np.zeros(len(gap)), np.zeros(len(gap))
    near = np.searchsorted(rows, np.arange(len(gap)))
    for j, at in enumerate(near):
        window = gap[rows[max(0, at - _LINE_NEAR) : at + _LINE_NEAR]]
        low[j], high[j] = np.percentile(window, (10, 90))
    return _Line(clock_o + low, clock_o + high)


class _Looks:
    """What the pictures say: the price, in nats, of frame j of the other showing source frame i."""

    def __init__(self, source: NDArray[np.uint8], other: NDArray[np.uint8], s: I64, o: I64) -> None:
        self.source, self.other, self.good_s, self.good_o = source, other, s, o
        mean_s = _mean(source, s)
        mean_o = _mean(other, o)
        o, s_ = mean_o - mean_o.mean(), mean_s - mean_s.mean()
        power = float(o @ o)
        # A flat picture tells no gain.
        gain = float(o @ s_) / power if power > len(o) else 1.0
        self.gain = float(np.clip(gain, 0.3, 3.0))
        self.bias = mean_s - self.gain * mean_o
        self.noise = 1.0
        self.pixels = max(8.0, _INDEPENDENT * source.shape[1])

    def distance(self, j: int, candidates: I64) -> F64:
        """Mean squared difference to some source frames, grey levels squared."""
        there = self.gain * self.other[j].astype(np.float32) + self.bias
        rest = self.source[candidates].astype(np.float32) - there
        return np.asarray(np.mean(rest * rest, axis=1), np.float64)

    def learn(self, shows: I64) -> None:
        """Refine gain, lasting difference and noise from a path."""
        picked = self.good_o[:: max(1, len(self.good_o) // 200)]
        s = self.source[shows[picked]].astype(np.float32)
        o = self.other[picked].astype(np.float32)
        ms, mo = s.mean(axis=0), o.mean(axis=0)
        moving = (o - mo).ravel()
        power = float(moving @ moving)
        if power > 4.0 * moving.size:  # more than rounding moves
            gain = float(moving @ (s - ms).ravel()) / power
            self.gain = float(np.clip(gain, self.gain / 1.3, self.gain * 1.3))
        self.bias = ms - self.gain * mo
        rest = s - self.gain * o - self.bias
        self.noise = max(_LEAST_NOISE, float(np.median(np.mean(rest * rest, axis=1))))

    def own(self, shows: I64) -> F64:
        """(other frames): distance of each to the source frame it is given; 0 for lost ones."""
        out = np.zeros(len(shows))
        for j in self.good_o:
            out[j] = self.distance(int(j), shows[j : j + 1])[0]
        return out

    def leads(self, shows: I64) -> F64:
        """(other frames): nats by which the pictures prefer the frame given to its neighbours."""
        out = np.zeros(len(shows))
        place = np.searchsorted(self.good_s, shows)
        for j in self.good_o:
            n = int(place[j])
            around = self.good_s[max(0, n - 3) : n + 4]
            distance = self.distance(int(j), around)
            mine = around == shows[j]
            if mine.all():
                continue
            lead = float(distance[~mine].min()) - float(distance[mine][0])
            out[j] = self.pixels / (2 * self.noise) * lead
        return out

    def price(self, distance: F64) -> F64:
        """Nats; capped, so that one strange frame does not bend the path."""
        most = max(_FOREIGN * self.noise, _FOREIGN_GREY)
        return np.asarray(self.pixels / (2 * self.noise) * np.minimum(distance, most))


def _mean(flat: NDArray[np.uint8], good: I64) -> F32:
    picked = good[:: max(1, len(good) // 500)]
    return np.asarray(flat[picked].astype(np.float32).mean(axis=0), np.float32)


def _path(
    look: _Looks, clock_s: F64, clock_o: F64, source: Prints, other: Prints, line: _Line | None
) -> I64:
    """The cheapest path: the source frame (from 0) of each frame of the other."""
    count_s, count_o = len(source.small), len(other.small)
    if count_s <= DIRECT_FRAMES:
        candidates = [look.good_s] * count_o
    else:
        candidates = _bands(_anchor_path(look, clock_s, clock_o, line), look.good_s, count_o)
    prices = []
    for j in range(count_o):
        these = candidates[j]
        price = np.zeros(len(these)) if other.lost[j] else look.price(look.distance(j, these))
        if line is not None:
            price = price + line.price(j, clock_s[these])
        prices.append(price)
    return viterbi(candidates, prices, clock_s, clock_o)


def _anchor_path(
    look: _Looks, clock_s: F64, clock_o: F64, line: _Line | None
) -> list[tuple[int, int]]:
    """Frames of the other, spread over it, and the source frames they show."""
    picked = np.unique(np.linspace(0, len(look.good_o) - 1, ANCHORS).astype(int))
    rows = look.good_o[picked]
    candidates, prices = [], []
    for j in rows:
        parts = np.array_split(look.good_s, 1 + len(look.good_s) // 4096)
        price = np.concatenate([look.distance(int(j), part) for part in parts])
        count = min(ANCHOR_CANDIDATES, len(price))
        best = np.sort(np.argpartition(price, count - 1)[:count])
        if line is not None:  # where pictures stand still, the clocks' own frame is not among them
            near = np.searchsorted(clock_s[look.good_s], (line.low[j], line.high[j]))
            span = np.arange(near[0] - 2, near[1] + 3).clip(0, len(look.good_s) - 1)
            best = np.union1d(best, span)
        these = look.good_s[best]
        extra = 0.0 if line is None else line.price(int(j), clock_s[these])
        candidates.append(these)
        prices.append(look.price(price[best]) + extra)
    path = viterbi(candidates, prices, clock_s, clock_o[rows])
    return [(int(j), int(i)) for j, i in zip(rows, path, strict=True)]


def _bands(anchors: list[tuple[int, int]], good: I64, count_o: int) -> list[I64]:
    """For every frame of the other, the source frames around the line between its anchors."""
    j = np.array([a for a, _ in anchors])
    i = np.array([b for _, b in anchors])
    middle = np.interp(np.arange(count_o), j, i)
    low = np.minimum(
        middle - BAND, np.r_[i[:1], i][np.searchsorted(j, np.arange(count_o), "right")]
    )
    high = np.maximum(
        middle + BAND, np.r_[i, i[-1:]][np.searchsorted(j, np.arange(count_o), "left")]
    )
    first = np.searchsorted(good, low)
    last = np.searchsorted(good, high, "right")
    return [good[min(a, len(good) - 1) : max(b, a + 1)] for a, b in zip(first, last, strict=True)]


def viterbi(candidates: list[I64], prices: list[F64], clock_s: F64, clock_o: F64) -> I64:
    """The cheapest way through: one candidate a row, never backwards, odd steps at a price."""
    totals = [prices[0]]
    back: list[I64] = [np.zeros(len(prices[0]), np.int64)]
    for j in range(1, len(candidates)):
        step = clock_s[candidates[j]][:, None] - clock_s[candidates[j - 1]][None, :]
        odd = np.maximum(0, np.abs(step - (clock_o[j] - clock_o[j - 1])) - _FREE_STEP)
        price = np.minimum(_STEP_PRICE / (1 - _FREE_STEP) * odd, _STEP_PRICE + odd)
        way = totals[-1][None, :] + np.minimum(price, _STEP_CAP)
        way = np.where(step < -1e-9, np.inf, way)
        best = way.argmin(axis=1)
        total = way[np.arange(len(best)), best] + prices[j]
        if not np.isfinite(total).any():  # no candidate lies at or after the last ones
            best, total = np.full(len(best), int(totals[-1].argmin())), prices[j] + 1e6
        totals.append(total)
        back.append(np.asarray(best, np.int64))
    out = np.zeros(len(candidates), np.int64)
    at = int(totals[-1].argmin())
    for j in range(len(candidates) - 1, -1, -1):
        out[j] = candidates[j][at]
        at = int(back[j][at])
    return out


def _answer(look: _Looks, shows: I64, slope: float) -> TimeMap:
    """Mark frames that show nothing, and measure how sure the rest is."""
    final = shows.copy()
    own = look.own(shows)
    strange = own > max(_FOREIGN * look.noise, _FOREIGN_GREY)
    final[strange] = -1
    decided = (look.leads(shows) >= DECIDED)[look.good_o]
    distances = own[look.good_o]
    motion, moving = _motion(look, final)
    rest = float(np.sqrt(np.median(distances))) if len(distances) else 0.0
    share = float(decided.mean()) if len(decided) else 0.0
    return TimeMap(final, share, slope, motion, moving, rest)


def _motion(look: _Looks, shows: I64) -> tuple[float | None, float]:
    """Correlation of what changes over time in both, in the tenth that moves most; how much moves.

    None where there are too few frames; 0 where one moves and the other stands still.
    """
    picked = look.good_o[shows[look.good_o] >= 0]
    picked = picked[:: max(1, len(picked) // 300)]
    if len(picked) < 3:
        return None, 0.0
    s = look.source[shows[picked]].astype(np.float64)
    o = look.gain * look.other[picked].astype(np.float64)
    s, o = s - s.mean(axis=0), o - o.mean(axis=0)
    power = np.maximum(np.mean(s * s, axis=0), np.mean(o * o, axis=0))
    most = np.argsort(-power)[: max(8, len(power) // 10)]
    moving = float(np.sqrt(power[most].mean()))
    a, b = s[:, most].ravel(), o[:, most].ravel()
    length = float(np.sqrt((a @ a) * (b @ b)))
    return (float(a @ b) / length if length > 0 else 0.0), moving

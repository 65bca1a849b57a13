"""Pairs, align: finds how somebody else's restoration lies on its source in space, time and colour.

Small pictures of all frames say roughly when, points that look alike in a few frames say roughly
where; then place and time are refined in turn, each with the other's answer.  What the pictures do
not bear out is refused (`IncompleteError`), or, where sizes and names alone speak for it, handed on
as unsure and said so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from forensics.errors import IncompleteError
from forensics.media.probe import Media
from forensics.pairs.alignment import Alignment
from forensics.pairs.colour import ColourPair, find_colour
from forensics.pairs.fitting import Fit, KeyPair, fit
from forensics.pairs.grid import Lay, Reader, places_in, seen_part, luma
from forensics.pairs.hypotheses import Bars, Edges, whole_on_whole
from forensics.pairs.judgement import Findings, alignment_of, refuse_or_trust
from forensics.pairs.names import pair_by_name
from forensics.pairs.other import Other
from forensics.pairs.prints import Prints, columns_for, kept_size, take_planes, take_prints
from forensics.pairs.search import Found, Search, candidates, key_frames, rescaled
from forensics.pairs.timing import TimeMap, find_times
from forensics.progress import Progress

SECOND_KEYS: Final = 8
_MOVED_CELLS: Final = 0.15
"""Of a print's cell: a lay that moved by more than this asks for new prints."""
_PRINT_SIGMA: Final = 0.5  # of a cell


def align_pair(source: Media, other: Other, progress: Progress) -> Alignment:
    """Lay the other on the source.

    Both are decoded three or four times, in child processes; what stays in memory are small
    pictures and a few frames.  Raises `IncompleteError` (3) with the reason and what was tried
    where the two cannot be aligned.
    """
    if other.layout == "faces":
        from forensics.pairs.single_faces import align_faces

        return align_faces(source, other, progress)
    return _Aligner(source, other, progress).run()


class _Aligner:
    """One pair under way."""

    def __init__(self, source: Media, other: Other, progress: Progress) -> None:
        self.source, self.other, self.progress = source, other, progress
        self.size_s = source.geometry.display_size
        self.size_o = other.media.geometry.display_size
        self.bars = Bars()
        self.named = self._named()

    def _named(self) -> dict[int, int] | None:
        if not self.source.pictures or not self.other.names:
            return None
        return pair_by_name([p.stem for p in self.source.pictures], self.other.names)

    @property
    def content(self) -> Edges:
        """Edges of the other without bars, px of its file."""
        left, top, right, bottom = self.bars.found()
        return float(left), float(top), float(self.size_o[0] - right), float(self.size_o[1] - bottom)

    def run(self) -> Alignment:
        prints_s = self._whole_prints(self.source, None, "Looking at the source")
        prints_o = self._whole_prints(self.other.media, self.bars, "Looking at the other")
        if prints_s.lost.all() or prints_o.lost.all():
            which = "source" if prints_s.lost.all() else "other"
            raise IncompleteError(f"no frame of the {which} can be decoded")
        found = self._first(prints_s, prints_o)
        lay, by_layout = refuse_or_trust(self._findings(found, by_layout=False))
        times: TimeMap | None = None
        final: Fit | None = None
        colour = None
        for turn in range(2):
            registered = self._registered(lay)
            times = self._times(registered)
            final, colour = self._second(times, registered, lay)
            moved = self._cells_moved(lay, final.lay)
            if not by_layout:
                lay = final.lay
            if moved < _MOVED_CELLS or turn == 1 or by_layout:
                break
        findings = replace(
            self._findings(found, by_layout),
            times=times, prints=registered, final=replace(final, lay=lay), colour=colour,
        )
        return alignment_of(findings)

    def _findings(self, found: Found | None, by_layout: bool) -> Findings:
        return Findings(
            self.source, self.other, found, self.named, None, None, None, None,
            self.bars, self.content, by_layout,
        )

    def _whole_prints(self, media: Media, bars: Bars | None, label: str) -> Prints:
        width, height = media.geometry.display_size
        shape = columns_for(media.source.frames, width / height)
        step = max(width / shape[0], height / shape[1])
        places = places_in((0.0, 0.0, float(width), float(height)), step)
        sigma = (_PRINT_SIGMA * step, _PRINT_SIGMA * step)
        read = Reader((width, height), places.xs, places.ys, sigma)
        return take_prints(media, read, self.progress, label, bars.see if bars else None)

    def _factors(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Kept px per file px of source and other, x and y."""
        kept = kept_size(self.size_s), kept_size(self.size_o)
        return (
            (kept[0][0] / self.size_s[0], kept[0][1] / self.size_s[1]),
            (kept[1][0] / self.size_o[0], kept[1][1] / self.size_o[1]),
        )

    def _kept_content(self) -> Edges:
        fx, fy = self._factors()[1]
        x0, y0, x1, y1 = self.content
        return x0 * fx, y0 * fy, x1 * fx, y1 * fy

    def _first(self, prints_s: Prints, prints_o: Prints) -> Found | None:
        """A first way to lay the other on the source."""
        if self.named:
            back = {o: s for s, o in self.named.items()}
            good = [k for k in sorted(back) if not prints_o.lost[k - 1] and not prints_s.lost[back[k] - 1]]
            keys = [good[n] for n in np.unique(np.linspace(0, len(good) - 1, min(8, len(good))).astype(int))] if good else []
            tries = {k: [back[k]] for k in keys}
        else:
            tries = candidates(prints_s, prints_o, self.bars, key_frames(prints_o))
        wanted = {s for options in tries.values() for s in options}
        planes_s = take_planes(self.source, wanted, self.progress, "Reading frames of the source")
        planes_o = take_planes(self.other.media, set(tries), self.progress, "Reading frames of the other")
        found = Search(planes_s, planes_o, tries, self._kept_content()).run()
        if found is None:
            return None
        lay = rescaled(found.fit.lay, *self._factors())
        return replace(found, fit=replace(found.fit, lay=lay))

    def _registered(self, lay: Lay) -> tuple[Prints, Prints]:
        """Prints of both at the same places."""
        part = seen_part(lay, self.size_s, self.content)
        width, height = part[2] - part[0], part[3] - part[1]
        shape = columns_for(max(self.source.source.frames, self.other.media.source.frames), width / height)
        step = max(width / shape[0], height / shape[1])
        places = places_in(part, step)
        sigma = _PRINT_SIGMA * step
        there = (sigma * lay.scale_x, sigma * lay.scale_y)
        read_s = Reader(self.size_s, places.xs, places.ys, (sigma, sigma))
        read_o = Reader(self.size_o, lay.x(places.xs), lay.y(places.ys), there)
        return (
            take_prints(self.source, read_s, self.progress, "Comparing: the source", None),
            take_prints(self.other.media, read_o, self.progress, "Comparing: the other", None),
        )

    def _times(self, registered: tuple[Prints, Prints]) -> TimeMap:
        return find_times(*registered)

    def _pairs(self, times: TimeMap) -> list[tuple[int, int]]:
        """Frames of one time, spread over the clip: source and other, from 1."""
        if self.named:
            every = sorted(self.named.items())
        else:
            every = [(int(s) + 1, j + 1) for j, s in enumerate(times.shows) if s >= 0]
        if not every:
            return []
        picked = np.unique(np.linspace(0, len(every) - 1, SECOND_KEYS).round().astype(int))
        return [every[n] for n in picked]

    def _second(self, times: TimeMap, registered: tuple[Prints, Prints], lay: Lay):
        """Place and colour from frames of one time."""
        frames = self._pairs(times)
        label = "Reading matched frames"
        planes_s = take_planes(self.source, {s for s, _ in frames}, self.progress, label, colour=True)
        planes_o = take_planes(self.other.media, {o for _, o in frames}, self.progress, label, colour=True)
        both = [(planes_s[s], planes_o[o]) for s, o in frames if s in planes_s and o in planes_o]
        if not both:
            raise IncompleteError("no two frames of one time could be decoded")
        start = rescaled(lay, *_inverse(self._factors()))
        keys = [KeyPair(luma(s), luma(o)) for s, o in both]
        found = fit(keys, start, self._kept_content(), coarse=False)
        colour = find_colour([ColourPair(s, o) for s, o in both], found.lay, self._kept_content())
        return replace(found, lay=rescaled(found.lay, *self._factors())), colour

    def _cells_moved(self, before: Lay, after: Lay) -> float:
        part = seen_part(after, self.size_s, self.content)
        cell = max(part[2] - part[0], part[3] - part[1]) / 64
        x, y = np.array(part[::2]), np.array(part[1::2])
        far = max(
            float(np.abs(before.x(x) - after.x(x)).max()) / after.scale_x,
            float(np.abs(before.y(y) - after.y(y)).max()) / after.scale_y,
        )
        return far / max(cell, 1e-6)


def _inverse(factors):
    (a, b), (c, d) = factors
    return (1 / a, 1 / b), (1 / c, 1 / d)

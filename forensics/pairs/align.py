"""Pairs, align: finds how somebody else's restoration lies on its source in space, time and colour.

Small pictures of all frames say roughly when, points that look alike in a few frames say roughly
where; then place and time are refined in turn, each with the other's answer.  What the pictures do
not bear out is refused (`IncompleteError`), or, where sizes and names alone speak for it, handed on
as unsure and said so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from forensics.errors import IncompleteError
from forensics.media.probe import Media
from forensics.pairs.alignment import Alignment
from forensics.pairs.colour import ColourPair, find_colour
from forensics.pairs.findings import Findings
from forensics.pairs.fitting import Fit, KeyPair, fit, judge
from forensics.pairs.grid import Lay, seen_part
from forensics.pairs.hypotheses import Bars, Edges, whole_on_whole
from forensics.pairs.judgement import alignment_of, refuse_or_trust
from forensics.pairs.names import pair_by_name
from forensics.pairs.other import Other
from forensics.pairs.prints import LARGEST_COLUMNS, Clip, Prints, grey, print_places
from forensics.pairs.search import Found, Search, candidates, key_frames, rescaled
from forensics.pairs.timing import TimeMap, find_times, named_times
from forensics.progress import Progress
from forensics.record_pair import ColourChange

SECOND_KEYS: Final = 8
TURNS: Final = 2
_MOVED_CELLS: Final = 0.15
"""Of a print's cell: a lay that moved by more than this asks for new prints."""
_NEAR: Final = 0.006  # of the longer side
_WORSE, _WORSE_PX = 1.15, 0.02
"""By how much the residual of whole on whole may be larger than the fitted one's, source px."""


def align_pair(source: Media, other: Other, progress: Progress) -> Alignment:
    """Lay the other on the source.

    Short clips are decoded once, long ones four times or more, in child processes; what stays in
    memory are small pictures and some frames.  Raises `IncompleteError` (3) with the reason and
    what was tried where the two cannot be aligned.
    """
    if other.layout == "faces":
        from forensics.pairs.single_faces import align_faces

        return align_faces(source, other, progress)
    return _Aligner(source, other, progress).run()


class _Aligner:
    """One pair under way; places are px of the kept frames until the end."""

    def __init__(self, source: Media, other: Other, progress: Progress) -> None:
        self.source, self.other = source, other
        self.here = Clip(source, progress, "source")
        self.there = Clip(other.media, progress, "restoration")
        self.bars = Bars()
        self.named = _named(source, other)

    @property
    def content(self) -> Edges:
        """Edges of the other without bars, kept px."""
        left, top, right, bottom = self.bars.found()
        width, height = self.there.full
        fx, fy = self.there.factor
        return left * fx, top * fy, (width - right) * fx, (height - bottom) * fy

    def run(self) -> Alignment:
        """Find when, roughly where, then both in turn."""
        seen = self.here.first_prints(None)
        shown = self.there.first_prints(self.bars.see)
        for prints, which in ((seen, "source"), (shown, "restoration")):
            if prints.lost.all():
                raise IncompleteError(f"no frame of the {which} can be decoded")
        findings = Findings(self.source, self.other, self.named, (seen, shown), self.bars)
        findings = replace(findings, found=self._first(grey(seen), grey(shown)))
        lay, by_layout = refuse_or_trust(findings, self._by_size())
        findings = replace(findings, by_layout=by_layout)
        turn = 0
        while True:
            turn += 1
            times = self._times(lay, seen, shown)
            final, frames = self._second(times, lay)
            if by_layout:
                break
            moved, lay = self._cells_moved(lay, final.lay), final.lay
            if moved < _MOVED_CELLS or turn == TURNS:
                break
        findings = replace(findings, times=times, pairs=frames)
        return self._finished(findings, final, lay)

    def _finished(self, findings: Findings, last: Fit, lay: Lay) -> Alignment:
        """Colour, and everything in px of the files."""
        colour = None if findings.by_layout else self._colour(findings, lay)
        in_files = rescaled(lay, self.here.factor, self.there.factor)
        final = replace(
            last,
            lay=in_files,
            residual_px=last.residual_px / self.here.factor[0],
            error_px=last.error_px / self.here.factor[0],
        )
        return alignment_of(replace(findings, final=final, colour=colour))

    def _by_size(self) -> Lay:
        """Whole on whole."""
        (w, h), (a, b) = self.here.size, self.there.size
        return whole_on_whole((0.0, 0.0, float(w), float(h)), (0.0, 0.0, float(a), float(b)))

    def _first(self, seen: Prints, shown: Prints) -> Found | None:
        """A first way to lay the other on the source."""
        if self.named:
            tries = _by_name(self.named, seen, shown)
        else:
            tries = candidates(seen, shown, self.bars, key_frames(shown))
        wanted = {s for options in tries.values() for s in options}
        planes = self.here.planes(wanted), self.there.planes(set(tries))
        return Search(*planes, tries, self.content).run()

    def _times(self, lay: Lay, seen: Prints, shown: Prints) -> TimeMap:
        """When: from prints of both at the same places."""
        part = seen_part(lay, self.here.size, self.content)
        places = print_places(part, max(self.here.count, self.there.count))
        registered = self.here.prints(seen, places, None), self.there.prints(shown, places, lay)
        if self.named:
            return named_times(*registered, self.named)
        return find_times(*registered)

    def _second(self, times: TimeMap, lay: Lay) -> tuple[Fit, tuple[tuple[int, int], ...]]:
        """Where: from frames of one time, spread over the clip (source and other, from 1)."""
        if self.named:
            every = sorted(self.named.items())
        else:
            every = [(int(s) + 1, j + 1) for j, s in enumerate(times.shows) if s >= 0]
        picked = np.unique(np.linspace(0, len(every) - 1, SECOND_KEYS).round().astype(int))
        frames = tuple(every[n] for n in picked if every)
        here = self.here.planes({s for s, _ in frames})
        there = self.there.planes({o for _, o in frames})
        keys = [KeyPair(here[s], there[o]) for s, o in frames if s in here and o in there]
        if not keys:
            raise IncompleteError("no two frames of one time could be decoded")
        found = fit(keys, lay, self.content, coarse=False)
        return self._simplest(keys, found), frames

    def _simplest(self, keys: list[KeyPair], found: Fit) -> Fit:
        """Whole on whole, where the pictures allow it as well as what was fitted to them.

        Between a blurred face and a redrawn one a fit wanders by a pixel or two; tools resize.
        """
        (w, h) = self.here.size
        source = (0.0, 0.0, float(w), float(h))
        for simple in (self._by_size(), whole_on_whole(source, self.content)):
            x, y = np.array([-0.5, w - 0.5]), np.array([-0.5, h - 0.5])
            away = max(
                float(np.abs(simple.x(x) - found.lay.x(x)).max()) / simple.scale_x,
                float(np.abs(simple.y(y) - found.lay.y(y)).max()) / simple.scale_y,
            )
            if away > _NEAR * max(w, h):
                continue
            judged = judge(keys, simple, self.content, found.error_px)
            as_good = judged.residual_px <= _WORSE * found.residual_px + _WORSE_PX
            if as_good and judged.agreement >= found.agreement - 0.01:
                return judged
        return found

    def _colour(self, findings: Findings, lay: Lay) -> ColourChange | None:
        """Colour, from the prints of matched frames."""
        small = findings.prints[0].small, findings.prints[1].small
        factors = [
            (plane.shape[2] / clip.size[0], plane.shape[1] / clip.size[1])
            for plane, clip in zip(small, (self.here, self.there), strict=True)
        ]
        between = rescaled(lay, *((1 / fx, 1 / fy) for fx, fy in factors))
        fx, fy = factors[1]
        x0, y0, x1, y1 = self.content
        # A cell at the edge holds some of the bar.
        content = (x0 * fx + 1, y0 * fy + 1, x1 * fx - 1, y1 * fy - 1)
        pairs = [ColourPair(small[0][s - 1], small[1][o - 1]) for s, o in findings.pairs]
        return find_colour(pairs, between, content)

    def _cells_moved(self, before: Lay, after: Lay) -> float:
        """How far the second lay moved the picture's edges, in cells of a print."""
        part = seen_part(after, self.here.size, self.content)
        cell = max(part[2] - part[0], part[3] - part[1], 1.0) / LARGEST_COLUMNS
        x, y = np.array(part[::2]), np.array(part[1::2])
        across = float(np.abs(before.x(x) - after.x(x)).max()) / after.scale_x
        return max(across, float(np.abs(before.y(y) - after.y(y)).max()) / after.scale_y) / cell


def _named(source: Media, other: Other) -> dict[int, int] | None:
    """Source picture -> other picture where their names agree."""
    if not source.pictures or not other.names:
        return None
    return pair_by_name([picture.stem for picture in source.pictures], other.names)


def _by_name(named: dict[int, int], seen: Prints, shown: Prints) -> dict[int, list[int]]:
    """Some pairs of pictures by name that can be decoded: other -> [source]."""
    good = [(s, o) for s, o in named.items() if not seen.lost[s - 1] and not shown.lost[o - 1]]
    picked = np.unique(np.linspace(0, len(good) - 1, SECOND_KEYS).round().astype(int))
    return {good[n][1]: [good[n][0]] for n in picked if good}

"""Findings: all that was found of a pair on the way to its alignment."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.media.probe import Media
from forensics.pairs.fitting import Fit
from forensics.pairs.hypotheses import Bars, Edges
from forensics.pairs.other import Other
from forensics.pairs.prints import Prints
from forensics.pairs.search import Found
from forensics.pairs.timing import TimeMap
from forensics.record_pair import ColourChange


@dataclass(frozen=True)
class Findings:
    """All that was found of a pair.  ``final`` is in px of the files."""

    source: Media
    other: Other
    named: dict[int, int] | None
    prints: tuple[Prints, Prints]
    bars: Bars
    found: Found | None = None
    times: TimeMap | None = None
    final: Fit | None = None
    pairs: tuple[tuple[int, int], ...] = ()
    colour: ColourChange | None = None
    by_layout: bool = False

    @property
    def content(self) -> Edges:
        """Edges of the other without bars, px of its file."""
        left, top, right, bottom = self.bars.found()
        width, height = self.other.media.geometry.display_size
        return float(left), float(top), float(width - right), float(height - bottom)

"""Pairs, judgement: whether what was found holds, how sure it is, and the sentences that say so.

The thresholds stand on measurements over pairs that belong together and pairs that do not; both
are told in docs/third-party.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from forensics.errors import IncompleteError
from forensics.media.probe import Media
from forensics.pairs.alignment import Alignment
from forensics.pairs.fitting import Fit
from forensics.pairs.frames import frame_map, mapped_frames
from forensics.pairs.grid import Lay, seen_part
from forensics.pairs.hypotheses import Bars, Edges
from forensics.pairs.other import Other
from forensics.pairs.prints import Prints
from forensics.pairs.search import Found
from forensics.pairs.timing import TimeMap
from forensics.record_pair import ColourChange, Geometry, Pair, Sureness

ACCEPTED: Final = 0.45
"""Agreement (share of textured places that show the same) from which a first lay is followed up."""
LIKELY: Final = 0.6
CERTAIN: Final = 0.8
LEAST_TEXTURED: Final = 6.0
"""Textured windows, all frames together, below which pictures say nothing about the place."""
MOVES_GREY: Final = 4.0
"""RMS of change over time in the tenth that moves most, from which a clip moves enough to tell."""
SAME_MOTION: Final = 0.6
CERTAIN_MOTION: Final = 0.8
EVEN: Final = 0.01
"""The scales of x and y differ by less than this where sizes are in proportion."""
_HINT: Final = (
    "Give the restoration that was made from this very source. A mirrored or turned picture, or one "
    "whose crop moves, is not found."
)


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


def proportional(source: Media, other: Other) -> bool:
    """Whether the two have sizes of one proportion."""
    (w, h), (a, b) = source.geometry.display_size, other.media.geometry.display_size
    return abs((a / w) / (b / h) - 1) <= EVEN


def layout_speaks(findings: Findings) -> bool:
    """Whether sizes and names say that the two belong together, whatever the pictures show."""
    stills = findings.source.source.kind == "image" and findings.other.media.source.kind == "image"
    return proportional(findings.source, findings.other) and (findings.named is not None or stills)


def refuse_or_trust(findings: Findings, by_size: Lay) -> tuple[Lay, bool]:
    """The lay to go on with, and whether only sizes and names speak for it (then ``by_size``).

    Raises `IncompleteError` where nothing does.
    """
    found = findings.found
    if found is not None and found.fit.textured >= LEAST_TEXTURED:
        if found.fit.agreement >= ACCEPTED:
            return found.fit.lay, False
    if layout_speaks(findings):
        return by_size, True
    if found is None:
        raise IncompleteError("no frame of the two could be compared: none could be decoded", _HINT)
    tried = "; ".join(f"{way}: {share:.0%}" for way, share in found.tried)
    if found.fit.textured < LEAST_TEXTURED:
        raise IncompleteError(
            "the restoration cannot be aligned with the source: the frames that were looked at "
            f"hold too little texture to lay one on the other (tried {tried})",
            _HINT,
        )
    raise IncompleteError(
        "the restoration cannot be aligned with the source: they do not show the same footage. Of "
        f"the places with texture, these shares agree (at least {ACCEPTED:.0%} are asked for): "
        f"{tried}",
        _HINT,
    )


def alignment_of(findings: Findings) -> Alignment:
    """The alignment, or `IncompleteError` where time does not bear out what place promised."""
    final, times, prints = findings.final, findings.times, findings.prints
    if final is None or times is None:
        raise ValueError("findings are incomplete")
    _check_time(findings, final, times)
    frames, reasons, repeated = mapped_frames(findings.named, times, prints)
    if not frames:
        raise IncompleteError("no frame of the restoration shows a frame of the source", _HINT)
    notes: list[str] = list(findings.other.notes)
    geometry = _geometry(findings, final)
    record = frame_map(findings.named, times, prints, frames, repeated, geometry.sure)
    media = findings.other.media.source
    pair = Pair(
        file=media.file,
        sha256=media.sha256,
        sha512=media.sha512,
        bytes=media.bytes,
        layout=findings.other.layout,
        kind=media.kind,
        frames=media.frames,
        width=findings.other.media.geometry.display_size[0],
        height=findings.other.media.geometry.display_size[1],
        folder=findings.other.folder,
        geometry=geometry,
        frame_map=record,
        colour=findings.colour,
        notes=tuple(notes),
    )
    return Alignment(pair, frames, reasons, final.lay.matrix())


def _check_time(findings: Findings, final: Fit, times: TimeMap) -> None:
    """Refuse clips that show one place at other times, or come apart after the first frames."""


def _geometry(findings: Findings, final: Fit) -> Geometry:
    lay = final.lay
    size_s = findings.source.geometry.display_size
    part = seen_part(lay, size_s, findings.content)
    cut = part[0] > 0.75 or part[1] > 0.75 or size_s[0] - part[2] > 0.75 or size_s[1] - part[3] > 0.75
    return Geometry(
        scale_x=lay.scale_x,
        scale_y=lay.scale_y,
        shift_x_px=lay.shift_x,
        shift_y_px=lay.shift_y,
        crop_px=part if cut else None,
        bars_px=findings.bars.found(),
        residual_px=final.residual_px if np.isfinite(final.residual_px) else 0.0,
        sure=_sure_of_place(findings, final),
    )


def _sure_of_place(findings: Findings, final: Fit) -> Sureness:
    if findings.by_layout or final.textured < LEAST_TEXTURED or final.error_px > 0.5:
        return "unsure"
    if final.agreement >= CERTAIN:
        return "certain"
    return "likely" if final.agreement >= LIKELY else "unsure"

"""Pairs, judgement: whether what was found holds, how sure it is, and the sentences that say so.

The thresholds stand on measurements over pairs that belong together and pairs that do not; both
are told in docs/third-party.md.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from forensics.errors import IncompleteError
from forensics.media.probe import Media
from forensics.pairs.alignment import Alignment
from forensics.pairs.findings import Findings
from forensics.pairs.fitting import Fit
from forensics.pairs.frames import frame_map, mapped_frames
from forensics.pairs.grid import Lay, seen_part
from forensics.pairs.hypotheses import BLACK_GREY
from forensics.pairs.other import Other
from forensics.pairs.timing import TimeMap
from forensics.pairs.words import sentences
from forensics.record_pair import Geometry, Pair, Sureness

ACCEPTED: Final = 0.45
"""Agreement (share of textured places that show the same) from which a lay is followed up."""
LIKELY: Final = 0.6
CERTAIN: Final = 0.8
SURROUNDED: Final = 0.92
"""Agreement from which surroundings speak for a pair although what moves differs."""
LEAST_TEXTURED: Final = 6.0
"""Textured windows, all frames together, below which pictures say nothing about the place."""
MOVES_GREY: Final = 4.0
"""RMS of change over time in the tenth that moves most, from which a clip moves enough to tell."""
SAME_MOTION: Final = 0.92
"""Correlation of what moves, below which two clips of one place are two recordings."""
EVEN: Final = 0.01
"""The scales of x and y differ by less than this where sizes are in proportion."""
FACE_PX: Final = 512
"""Side of the square in which restorers write an aligned face."""
_HINT: Final = (
    "Give the restoration that was made from this very source. A mirrored or turned picture, or "
    "one whose crop moves, is not found."
)


def proportional(source: Media, other: Other) -> bool:
    """Whether the two have sizes of one proportion."""
    (w, h), (a, b) = source.geometry.display_size, other.media.geometry.display_size
    return abs((a / w) / (b / h) - 1) <= EVEN


def layout_speaks(findings: Findings) -> bool:
    """Whether sizes and names say that the two belong together, whatever the pictures show.

    Sizes of one proportion and names that agree; or two single squares of 512 px, which is how
    restorers write aligned faces.
    """
    if not proportional(findings.source, findings.other):
        return False
    (w, h), (a, b) = (m.geometry.display_size for m in (findings.source, findings.other.media))
    stills = findings.source.source.kind == "image" and findings.other.media.source.kind == "image"
    return findings.named is not None or (stills and w == h and a == b and FACE_PX in (w, a))


def refuse_or_trust(findings: Findings, by_size: Lay) -> tuple[Lay, bool]:
    """The lay to go on with, and whether only sizes and names speak for it (then ``by_size``).

    Raises `IncompleteError` where nothing does.
    """
    found = findings.found
    textured = found is not None and found.fit.textured >= LEAST_TEXTURED
    if found is not None and textured and found.fit.agreement >= ACCEPTED:
        return found.fit.lay, False
    if layout_speaks(findings):
        return by_size, True
    if found is None:
        raise IncompleteError(
            "the restoration cannot be aligned with the source: no way to lay one on the other was "
            "found (tried: whole on whole, inside bars, points that look alike)",
            _HINT,
        )
    tried = "; ".join(f"{way}: {share:.0%}" for way, share in found.tried)
    if not textured:
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
    borne_out = _check_time(findings, final, times)
    frames, reasons, repeated = mapped_frames(findings.named, times, prints)
    if not frames:
        raise IncompleteError("no frame of the restoration shows a frame of the source", _HINT)
    geometry = _geometry(findings, final, borne_out)
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
    )
    notes = (*findings.other.notes, *sentences(findings, pair))
    return Alignment(pair.model_copy(update={"notes": notes}), frames, reasons, final.lay.matrix())


def _check_time(findings: Findings, final: Fit, times: TimeMap) -> bool:
    """Whether time bears out what place promised; refuse two recordings of one place.

    False: only surroundings, or sizes and names, speak for the pair.
    """
    if findings.by_layout:
        return False
    same = final.agreement >= ACCEPTED
    moves = times.motion is not None and times.moving_grey >= MOVES_GREY
    if same and moves and times.motion is not None and times.motion < SAME_MOTION:
        if findings.named is None and final.agreement < SURROUNDED:
            raise IncompleteError(
                "the restoration cannot be aligned with the source: both show one place, but what "
                f"moves there differs (correlation {times.motion:.2f}; at least {SAME_MOTION} is "
                f"asked for, and {final.agreement:.0%} of the places with texture agree): they are "
                "two recordings",
                _HINT,
            )
        return False
    if same and (moves or times.motion is None):
        return True
    if final.agreement >= LIKELY:  # a clip in which nothing moves: place alone speaks
        return final.agreement >= SURROUNDED
    if findings.named is not None and proportional(findings.source, findings.other):
        return False
    raise IncompleteError(
        "the restoration cannot be aligned with the source: of the places with texture only "
        f"{final.agreement:.0%} agree over the frames that lie nearest in time",
        _HINT,
    )


def _geometry(findings: Findings, final: Fit, borne_out: bool) -> Geometry:
    lay = final.lay
    size_s = findings.source.geometry.display_size
    part = seen_part(lay, size_s, findings.content)
    rims = (part[0], part[1], size_s[0] - part[2], size_s[1] - part[3])
    return Geometry(
        scale_x=lay.scale_x,
        scale_y=lay.scale_y,
        shift_x_px=lay.shift_x,
        shift_y_px=lay.shift_y,
        crop_px=part if max(rims) > _CUT_PX else None,
        bars_px=bars_of(findings, lay),
        residual_px=final.residual_px,
        sure=_sure_of_place(final) if borne_out else "unsure",
    )


_CUT_PX: Final = 0.75


def bars_of(findings: Findings, lay: Lay) -> tuple[int, int, int, int]:
    """Black borders of the other: left, top, right, bottom, px.

    Dark ends of the picture that show the source's own dark ends are no borders.
    """
    found = findings.bars.found()
    if not any(found):
        return found
    size_s = findings.source.geometry.display_size
    width, height = findings.other.media.geometry.display_size
    # Where the source's picture begins and ends in the other, edges.
    ends = (
        lay.shift_x - 0.5 * lay.scale_x + 0.5,
        lay.shift_y - 0.5 * lay.scale_y + 0.5,
        width - (lay.shift_x + lay.scale_x * (size_s[0] - 0.5) + 0.5),
        height - (lay.shift_y + lay.scale_y * (size_s[1] - 0.5) + 0.5),
    )
    own = _dark_rims(findings, lay)
    return tuple(  # type: ignore[return-value]  # four sides
        round(end) if abs(end - bar) <= 2 else (0 if dark else bar)
        for bar, end, dark in zip(found, ends, own, strict=True)
    )


def _dark_rims(findings: Findings, lay: Lay) -> tuple[bool, bool, bool, bool]:
    """Whether the source is dark where the other's dark ends lie: left, top, right, bottom."""
    small = findings.prints[0].small[[s - 1 for s, _ in findings.pairs]].max(axis=0).max(axis=-1)
    rows, columns = small.shape
    x0, y0, x1, y1 = seen_part(lay, findings.source.geometry.display_size, findings.content)
    width, height = findings.source.geometry.display_size
    left, right = int(x0 / width * columns), int(np.ceil(x1 / width * columns))
    top, bottom = int(y0 / height * rows), int(np.ceil(y1 / height * rows))

    def dark(part: NDArray[np.uint8]) -> bool:
        return bool(part.size > 0 and part.max() <= BLACK_GREY)

    return dark(small[:, :left]), dark(small[:top]), dark(small[:, right:]), dark(small[bottom:])


def _sure_of_place(final: Fit) -> Sureness:
    if final.textured < LEAST_TEXTURED or final.error_px > _MOST_ERROR_PX:
        return "unsure"
    if final.agreement >= CERTAIN:
        return "certain"
    return "likely" if final.agreement >= LIKELY else "unsure"


_MOST_ERROR_PX: Final = 0.5

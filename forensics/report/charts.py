"""Charts: the timeline of one person as inline SVG, readable without colour.

Lanes, top to bottom: distance between the eyes with the 16 px line; one lane per band, so that
the height and the word tell the band; faces not restored; one lane per flag; frames and time.
Grey stands for frames without the person.  Presentation attributes carry the look (WeasyPrint
applies no page style to SVG); classes let a browser's dark mode override it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from forensics.records import Band, FaceLine, Flag, Person
from forensics.report.language import N_, _
from forensics.report.language import number as said
from forensics.report.stretches import joined
from forensics.report.words import (
    BAND_ORDER,
    BANDS,
    TOO_SMALL_PX,
    begun,
    flag_title,
    person_name,
    range_words,
)

WIDTH: Final = 960
_LEFT: Final = 214
_RIGHT: Final = 948
_SPAN: Final = _RIGHT - _LEFT
_CURVE_TOP: Final = 16
_CURVE: Final = 92
_LANE: Final = 22
_MAX_COLUMNS: Final = 734
_LABEL_SIGNS: Final = 30
"""Of a lane's label, as many as find room at full size."""
_INK: Final = "#1d2126"
_QUIET: Final = "#565d66"
_BAND_FILL: Final[Mapping[str, str]] = {
    "high": "#9d2419",
    "caution": "#b5730b",
    "no_sign": "#4a6f96",
    "not_calculable": "#868d96",
}
_SEVERITY_FILL: Final[Mapping[str, str]] = {
    "high": "#9d2419",
    "caution": "#b5730b",
    "note": "#868d96",
}


@dataclass(frozen=True)
class _Scale:
    """Frame numbers to x: each frame is a column of ``SPAN / frames`` user units."""

    frames: int

    def left(self, frame: int) -> float:
        return _LEFT + (frame - 1) / self.frames * _SPAN

    def right(self, frame: int) -> float:
        return _LEFT + frame / self.frames * _SPAN

    def middle(self, frame: int) -> float:
        return (self.left(frame) + self.right(frame)) / 2


def timeline(
    person: Person,
    faces: Sequence[FaceLine],
    flags: Sequence[Flag],
    *,
    frames: int,
    pts_s: Mapping[int, float],
    lost_words: str = N_("not restored"),
) -> Markup:
    """The SVG of one person; ``faces`` sorted by frame, ``flags`` those of the person.

    ``frames`` is the length of the clip; ``lost_words`` what is said of faces that were left out.
    Empty when there is one frame: there is no time then.
    """
    last = max([frames, *(face.frame for face in faces)])
    if last <= 1 or not faces:
        return Markup("")
    scale = _Scale(last)
    absent = _absent(faces, last)
    lanes = _lanes(faces, flags, lost_words)
    top = _CURVE_TOP + _CURVE + 16
    bottom = top + len(lanes) * _LANE + 4
    height = bottom + 44
    parts = [
        _gaps(absent, scale, bottom),
        _curve(faces, scale),
        *(
            _lane(label, fill, ranges, scale, top + index * _LANE)
            for index, (label, fill, ranges) in enumerate(lanes)
        ),
        _axis(scale, bottom, pts_s),
    ]
    words = description(person, faces, flags, frames=last, lost_words=lost_words)
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="timeline" viewBox="0 0 {w} {h}"'
        ' width="{w}" height="{h}" role="img" aria-labelledby="tl{id}t tl{id}d"'
        ' font-family="Report Sans, Open Sans, Report Shapes, system-ui, sans-serif"'
        ' font-size="14">'
        '<title id="tl{id}t">{title}</title><desc id="tl{id}d">{desc}</desc>{body}</svg>'
    ).format(
        w=WIDTH,
        h=height,
        id=person.id,
        title=_("Timeline of {person}. {said}").format(person=person_name(person.id), said=words),
        desc=_("Each finding is also in the table below this picture."),
        body=Markup("").join(parts),
    )


def description(
    person: Person,
    faces: Sequence[FaceLine],
    flags: Sequence[Flag],
    *,
    frames: int,
    lost_words: str = N_("not restored"),
) -> str:
    """What the timeline shows, as text."""
    out = [
        _("Frames {first_frame} to {last_frame} of {frames}.").format(
            first_frame=person.first_frame, last_frame=person.last_frame, frames=frames
        ),
        *(
            _("Band {word}: frames {ranges}.").format(
                word=BANDS[band].word, ranges=range_words(ranges)
            )
            for band in BAND_ORDER
            if (ranges := joined(face.frame for face in faces if face.risk.band == band))
        ),
    ]
    gaps = _absent(faces, frames)
    if gaps:
        out.append(_("Not in view: frames {gaps}.").format(gaps=range_words(gaps)))
    lost = joined(face.frame for face in faces if face.outcome != "restored")
    if lost:
        out.append(
            _("{what}: frames {frames}.").format(what=begun(lost_words), frames=range_words(lost))
        )
    small = joined(face.frame for face in faces if face.interocular_px < TOO_SMALL_PX)
    if small:
        out.append(
            _("Less than 16 px between the eyes: frames {small}.").format(small=range_words(small))
        )
    out += [
        _("Flag, {code}: frames {frames}.").format(
            code=flag_title(flag.code), frames=range_words(flag.frames)
        )
        for flag in flags
    ]
    return " ".join(out)


_Lane = tuple[str, str, tuple[tuple[int, int], ...]]


def _lanes(faces: Sequence[FaceLine], flags: Sequence[Flag], lost_words: str) -> list[_Lane]:
    """Label, fill and frame ranges of each lane; the four bands are always there."""
    bands: dict[Band, list[int]] = {band: [] for band in BAND_ORDER}
    lost = []
    for face in faces:
        bands[face.risk.band].append(face.frame)
        if face.outcome != "restored":
            lost.append(face.frame)
    lanes: list[_Lane] = [
        (f"{BANDS[band].shape} {BANDS[band].word}", _BAND_FILL[band], joined(bands[band]))
        for band in BAND_ORDER
    ]
    if lost:
        lanes.append((lost_words, _INK, joined(lost)))
    lanes += [(flag_title(flag.code), _SEVERITY_FILL[flag.severity], flag.frames) for flag in flags]
    return lanes


def _absent(faces: Sequence[FaceLine], last: int) -> tuple[tuple[int, int], ...]:
    out = []
    before = 0
    for face in faces:
        if face.frame > before + 1:
            out.append((before + 1, face.frame - 1))
        before = face.frame
    if before < last:
        out.append((before + 1, last))
    return tuple(out)


def _binned(ranges: Iterable[tuple[int, int]], scale: _Scale) -> list[tuple[float, float]]:
    """Ranges as x intervals, at least 1.5 wide; those that touch are one."""
    out: list[tuple[float, float]] = []
    for first, last in ranges:
        left = scale.left(first)
        right = max(scale.right(last), left + 1.5)
        if out and left <= out[-1][1] + 0.05:
            out[-1] = (out[-1][0], max(right, out[-1][1]))
        else:
            out.append((left, right))
    return out


def _gaps(absent: Sequence[tuple[int, int]], scale: _Scale, bottom: float) -> Markup:
    parts = []
    for left, right in _binned(absent, scale):
        parts.append(
            Markup(
                '<rect class="gap" x="{:.1f}" y="{}" width="{:.1f}" height="{}" fill="#e9ebee"/>'
            ).format(left, _CURVE_TOP, right - left, bottom - _CURVE_TOP)
        )
        if right - left > 76:
            parts.append(
                _text((left + right) / 2, _CURVE_TOP + 16, _("not in view"), anchor="middle")
            )
    return Markup("").join(parts)


def _lane(
    label: str, fill: str, ranges: Sequence[tuple[int, int]], scale: _Scale, y: float
) -> Markup:
    line = Markup(
        '<line class="rule" x1="{}" x2="{}" y1="{y}" y2="{y}" stroke="#c9cdd2" stroke-width="0.7"/>'
    ).format(_LEFT, _RIGHT, y=y + _LANE - 1)
    bars = [
        Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" fill="{}"/>').format(
            "bar-lost" if fill == _INK else "bar", left, y + 3, right - left, _LANE - 6, fill
        )
        for left, right in _binned(ranges, scale)
    ]
    return Markup("").join(
        [line, _text(_LEFT - 8, y + _LANE - 6, label, anchor="end", strong=bool(ranges)), *bars]
    )


def _curve(faces: Sequence[FaceLine], scale: _Scale) -> Markup:
    """Distance between the eyes over the frames, with the 16 px line."""
    top = max([face.interocular_px for face in faces] + [TOO_SMALL_PX * 1.25]) * 1.06
    base = _CURVE_TOP + _CURVE

    def y(px: float) -> float:
        return base - px / top * _CURVE

    parts = [
        _text(_LEFT - 8, _CURVE_TOP + 6, _("pixels between the eyes"), anchor="end"),
        _rule(y(0)),
        _rule(y(TOO_SMALL_PX), dashed=True),
        _text(_LEFT - 8, y(TOO_SMALL_PX) + 4, "16 px", anchor="end"),
    ]
    for run in _runs(faces):
        points = _thinned(run, scale)
        if len(points) == 1:
            points = [points[0], points[0]]
        path = " ".join(f"{x:.1f},{y(px):.1f}" for x, px in points)
        parts.append(
            Markup(
                '<polyline class="curve" points="{}" fill="none" stroke="{}" stroke-width="1.8"'
                ' stroke-linecap="round" stroke-linejoin="round"/>'
            ).format(path, _INK)
        )
    biggest = max(faces, key=lambda face: face.interocular_px)
    x = min(max(scale.middle(biggest.frame), _LEFT + 20), _RIGHT - 20)
    above = y(biggest.interocular_px) - 5
    # Below the curve where the words would lie on the 16 px line.
    place = above + 22 if -2 < above - y(TOO_SMALL_PX) < 16 else above
    parts.append(
        _text(
            x,
            place,
            f"{said(biggest.interocular_px, '.0f')} px",
            anchor="middle",
        )
    )
    return Markup("").join(parts)


def _runs(faces: Sequence[FaceLine]) -> list[list[FaceLine]]:
    runs: list[list[FaceLine]] = []
    for face in faces:
        if runs and face.frame == runs[-1][-1].frame + 1:
            runs[-1].append(face)
        else:
            runs.append([face])
    return runs


def _thinned(run: Sequence[FaceLine], scale: _Scale) -> list[tuple[float, float]]:
    """One point per frame; in long clips the smallest value of each column is kept."""
    step = max(1, -(-scale.frames // _MAX_COLUMNS))
    out = []
    for start in range(0, len(run), step):
        part = run[start : start + step]
        worst = min(part, key=lambda face: face.interocular_px)
        out.append((scale.middle(worst.frame), worst.interocular_px))
    return out


def _axis(scale: _Scale, y: float, pts_s: Mapping[int, float]) -> Markup:
    parts = []
    ticks = sorted({1 + round((scale.frames - 1) * part / 5) for part in range(6)})
    for frame in ticks:
        x = scale.middle(frame)
        anchor = "end" if frame == scale.frames else "start" if frame == 1 else "middle"
        parts.append(
            Markup(
                '<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{a}" y2="{b}" stroke="{s}"/>'
            ).format(x=x, a=y, b=y + 5, s=_QUIET)
        )
        parts.append(_text(x, y + 18, said(frame, ","), anchor=anchor))
        if frame in pts_s:
            parts.append(_text(x, y + 36, f"{said(pts_s[frame], '.2f')} s", anchor=anchor))
    parts.append(_text(_LEFT - 8, y + 18, _("frame"), anchor="end"))
    if pts_s:
        parts.append(_text(_LEFT - 8, y + 36, _("time"), anchor="end"))
    return Markup("").join(parts)


def _rule(y: float, *, dashed: bool = False) -> Markup:
    dash = Markup(' stroke-dasharray="5 4"') if dashed else Markup("")
    return Markup(
        '<line class="rule" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}" stroke="#868d96"{dash}/>'
    ).format(_LEFT, _RIGHT, y=y, dash=dash)


def _text(x: float, y: float, words: str, *, anchor: str, strong: bool = False) -> Markup:
    return Markup(
        '<text class="{c}" x="{x:.1f}" y="{y:.1f}" text-anchor="{a}" fill="{f}"{smaller}>{words}'
        "</text>"
    ).format(
        smaller=_smaller(words) if anchor == "end" else "",
        c="strong" if strong else "quiet",
        x=x,
        y=y,
        a=anchor,
        f=_INK if strong else _QUIET,
        words=words,
    )


def _smaller(label: str) -> Markup:
    """A long label is set smaller, so that it is not cut off."""
    if len(label) <= _LABEL_SIGNS:
        return Markup("")
    return Markup(' font-size="{:.1f}"').format(max(9.0, 14 * _LABEL_SIGNS / len(label)))

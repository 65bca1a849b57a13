"""Held: what was held against what, and how surely, where somebody else restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forensics.record_pair import ColourChange, FrameMap, Geometry, Pair, Sureness
from forensics.records import Audit
from forensics.report.known import known
from forensics.report.language import N_, Table, _
from forensics.report.language import number as said
from forensics.report.words import counted, number_words

Fact = tuple[str, str]
_LAYOUTS: Final = Table(
    {
        "video": N_("a video"),
        "image": N_("a picture"),
        "frames": N_("a folder of pictures"),
        "gfpgan": N_("the output folder of GFPGAN"),
        "codeformer": N_("the output folder of CodeFormer"),
        "realesrgan": N_("the output folder of Real-ESRGAN"),
        "faces": N_("a folder of single faces"),
    }
)
_SURE: Final[Mapping[Sureness, str]] = Table(
    {
        "certain": N_("certain"),
        "likely": N_("likely, not certain"),
        "unsure": N_("UNSURE: what follows from it may be wrong"),
    }
)


def held_facts(audit: Audit) -> tuple[Fact, ...]:
    """Rows of the block "What was held against what"; empty where this run restored."""
    pair = audit.pair
    if pair is None:
        return ()
    facts = [
        (_("the restoration that was given"), pair.file),
        (_("taken as"), _taken(pair)),
        (_("SHA-256 of the restoration"), pair.sha256),
        (_("its size"), _("{bytes:,} bytes; {pair}").format(bytes=pair.bytes, pair=_picture(pair))),
        (_("held against the source"), audit.source.file),
        (_("SHA-256 of the source"), audit.source.sha256),
        *(_places(pair.geometry) if pair.geometry else _single_faces()),
        *_times(pair.frame_map),
        *(_colours(pair.colour) if pair.colour else ()),
        (
            _("kept in this bundle"),
            _("yes, byte for byte") if audit.restored else _("no, its hash alone"),
        ),
    ]
    return tuple((label, value) for label, value in facts if value)


def held_notes(audit: Audit) -> tuple[str, ...]:
    """What was found beside the rows, one sentence each."""
    if audit.pair is None:
        return ()
    return tuple(known(_sentence(note)) for note in audit.pair.notes)


def _taken(pair: Pair) -> str:
    inside = _(", of which {folder} was used").format(folder=pair.folder) if pair.folder else ""
    return _LAYOUTS[pair.layout] + inside


def _picture(pair: Pair) -> str:
    return _("{frames} of {width} \u00d7 {height}").format(
        frames=counted(pair.frames, "frame", "frames"), width=pair.width, height=pair.height
    )


def _places(place: Geometry) -> list[Fact]:
    scale = _("{scale_x} times as large").format(scale_x=number_words(place.scale_x))
    if abs(place.scale_x - place.scale_y) > 0.002 * place.scale_x:
        scale = _("{scale_x:.4g} times as wide and {scale_y:.4g} times as high").format(
            scale_x=place.scale_x, scale_y=place.scale_y
        )
    part = _("all of the source")
    if place.crop_px is not None:
        x0, y0, x1, y1 = place.crop_px
        part = _("of the source, x {x0:.0f} to {x1:.0f} and y {y0:.0f} to {y1:.0f}").format(
            x0=x0, x1=x1, y0=y0, y1=y1
        )
    left, top, right, bottom = place.bars_px
    bars = ""
    if any(place.bars_px):
        bars = _("left {left}, top {top}, right {right}, bottom {bottom} px").format(
            left=left, top=top, right=right, bottom=bottom
        )
    pasted = {
        True: _("half an output pixel right and below their surroundings, as upstream pastes them"),
        False: _("in line with their surroundings"),
        None: "",
    }[place.half_pixel_paste]
    return [
        (
            _("scale"),
            _("{scale} as the source ({sure})").format(scale=scale, sure=_SURE[place.sure]),
        ),
        (_("what it shows"), part),
        (_("black borders"), bars),
        (
            _("left after laying it on"),
            _("{residual_px:.2f} px of the source, root mean square").format(
                residual_px=place.residual_px
            ),
        ),
        (_("where faces were pasted"), pasted),
    ]


def _single_faces() -> list[Fact]:
    return [(_("place"), _("single faces were given; each was laid on the source by itself"))]


def _times(frames: FrameMap) -> list[Fact]:
    how = _("by their names") if frames.by_name else _("by what they show")
    shown = _("{mapped:,} of {part:,} frames of the source").format(
        mapped=frames.mapped, part=frames.mapped + frames.unmapped
    )
    more = []
    if frames.repeated:
        more.append(_("{repeated:,} shown more than once").format(repeated=frames.repeated))
    if frames.other_unused:
        more.append(
            _("{other_unused:,} of its own frames show none of the source").format(
                other_unused=frames.other_unused
            )
        )
    tail = f"; {'; '.join(more)}" if more else ""
    rates = ""
    if frames.rate_source is not None and frames.rate_other is not None:
        rates = _("source {rate_source:.3f}, restoration {rate_other:.3f} frames a second").format(
            rate_source=frames.rate_source, rate_other=frames.rate_other
        )
    begins = ""
    if frames.offset_s is not None and abs(frames.offset_s) >= 0.001:
        begins = _("at {offset_s:.3f} s of the source").format(offset_s=frames.offset_s)
    shift = ""
    if frames.time_shift_s is not None and abs(frames.time_shift_s) >= 0.001:
        late = _("late") if frames.time_shift_s > 0 else _("early")
        shift = _(
            "its clock runs {time_shift_s:.3f} s {late} against the source's; no "
            "finding about a face"
        ).format(time_shift_s=abs(frames.time_shift_s), late=late)
    return [
        (
            _("frames"),
            _("{shown} have a counterpart, found {how} ({sure}){tail}").format(
                shown=shown, how=how, sure=_SURE[frames.sure], tail=tail
            ),
        ),
        (_("rates"), rates),
        (_("begins"), begins),
        (_("time shift"), shift),
    ]


def _colours(colour: ColourChange) -> list[Fact]:
    gains = ", ".join(said(value, ".3f") for value in colour.gain_rgb)
    offsets = ", ".join(said(value, "+.1f") for value in colour.offset_rgb)
    return [
        (
            _("colour"),
            _(
                "red, green, blue times {gains}, then {offsets} grey levels ({sure}); "
                "taken out for scoring, pictures here show it as given"
            ).format(gains=gains, offsets=offsets, sure=_SURE[colour.sure]),
        ),
        (
            _("left after that"),
            _("{residual_grey:.1f} grey levels, root mean square").format(
                residual_grey=colour.residual_grey
            ),
        ),
    ]


def _sentence(text: str) -> str:
    clean = text.strip()
    if not clean:
        return clean
    return clean[0].upper() + clean[1:] + ("" if clean.endswith((".", "!", "?")) else ".")

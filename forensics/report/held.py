"""Held: what was held against what, and how surely, where somebody else restored."""

from __future__ import annotations

from typing import Final

from forensics.record_pair import ColourChange, FrameMap, Geometry, Pair, Sureness
from forensics.records import Audit
from forensics.report.words import counted, number_words

Fact = tuple[str, str]
_LAYOUTS: Final = {
    "video": "a video",
    "image": "a picture",
    "frames": "a folder of pictures",
    "gfpgan": "the output folder of GFPGAN",
    "codeformer": "the output folder of CodeFormer",
    "realesrgan": "the output folder of Real-ESRGAN",
    "faces": "a folder of single faces",
}
_SURE: Final[dict[Sureness, str]] = {
    "certain": "certain",
    "likely": "likely, not certain",
    "unsure": "UNSURE: what follows from it may be wrong",
}


def held_facts(audit: Audit) -> tuple[Fact, ...]:
    """Rows of the block "What was held against what"; empty where this run restored."""
    pair = audit.pair
    if pair is None:
        return ()
    facts = [
        ("the restoration that was given", pair.file),
        ("taken as", _taken(pair)),
        ("SHA-256 of the restoration", pair.sha256),
        ("its size", f"{pair.bytes:,} bytes; {_picture(pair)}"),
        ("held against the source", audit.source.file),
        ("SHA-256 of the source", audit.source.sha256),
        *(_places(pair.geometry) if pair.geometry else _single_faces()),
        *_times(pair.frame_map),
        *(_colours(pair.colour) if pair.colour else ()),
        ("kept in this bundle", "yes, byte for byte" if audit.restored else "no, its hash alone"),
    ]
    return tuple((label, value) for label, value in facts if value)


def held_notes(audit: Audit) -> tuple[str, ...]:
    """What was found beside the rows, one sentence each."""
    if audit.pair is None:
        return ()
    return tuple(_sentence(note) for note in audit.pair.notes)


def _taken(pair: Pair) -> str:
    inside = f", of which {pair.folder} was used" if pair.folder else ""
    return _LAYOUTS[pair.layout] + inside


def _picture(pair: Pair) -> str:
    return f"{counted(pair.frames, 'frame')} of {pair.width} \u00d7 {pair.height}"


def _places(place: Geometry) -> list[Fact]:
    scale = f"{number_words(place.scale_x)} times as large"
    if abs(place.scale_x - place.scale_y) > 0.002 * place.scale_x:
        scale = f"{place.scale_x:.4g} times as wide and {place.scale_y:.4g} times as high"
    part = "all of the source"
    if place.crop_px is not None:
        x0, y0, x1, y1 = place.crop_px
        part = f"of the source, x {x0:.0f} to {x1:.0f} and y {y0:.0f} to {y1:.0f}"
    left, top, right, bottom = place.bars_px
    bars = ""
    if any(place.bars_px):
        bars = f"left {left}, top {top}, right {right}, bottom {bottom} px"
    pasted = {
        True: "half an output pixel right and below their surroundings, as upstream pastes them",
        False: "in line with their surroundings",
        None: "",
    }[place.half_pixel_paste]
    return [
        ("scale", f"{scale} as the source ({_SURE[place.sure]})"),
        ("what it shows", part),
        ("black borders", bars),
        ("left after laying it on", f"{place.residual_px:.2f} px of the source, root mean square"),
        ("where faces were pasted", pasted),
    ]


def _single_faces() -> list[Fact]:
    return [("place", "single faces were given; each was laid on the source by itself")]


def _times(frames: FrameMap) -> list[Fact]:
    how = "by their names" if frames.by_name else "by what they show"
    shown = f"{frames.mapped:,} of {frames.mapped + frames.unmapped:,} frames of the source"
    more = []
    if frames.repeated:
        more.append(f"{frames.repeated:,} shown more than once")
    if frames.other_unused:
        more.append(f"{frames.other_unused:,} of its own frames show none of the source")
    tail = f"; {'; '.join(more)}" if more else ""
    rates = ""
    if frames.rate_source is not None and frames.rate_other is not None:
        rates = (
            f"source {frames.rate_source:.3f}, restoration {frames.rate_other:.3f} frames a second"
        )
    begins = ""
    if frames.offset_s is not None and abs(frames.offset_s) >= 0.001:
        begins = f"at {frames.offset_s:.3f} s of the source"
    shift = ""
    if frames.time_shift_s is not None and abs(frames.time_shift_s) >= 0.001:
        late = "late" if frames.time_shift_s > 0 else "early"
        shift = (
            f"its clock runs {abs(frames.time_shift_s):.3f} s {late} against the source's; no"
            " finding about a face"
        )
    return [
        ("frames", f"{shown} have a counterpart, found {how} ({_SURE[frames.sure]}){tail}"),
        ("rates", rates),
        ("begins", begins),
        ("time shift", shift),
    ]


def _colours(colour: ColourChange) -> list[Fact]:
    gains = ", ".join(f"{value:.3f}" for value in colour.gain_rgb)
    offsets = ", ".join(f"{value:+.1f}" for value in colour.offset_rgb)
    return [
        (
            "colour",
            f"red, green, blue times {gains}, then {offsets} grey levels"
            f" ({_SURE[colour.sure]}); taken out for scoring, pictures here show it as given",
        ),
        ("left after that", f"{colour.residual_grey:.1f} grey levels, root mean square"),
    ]


def _sentence(text: str) -> str:
    clean = text.strip()
    if not clean:
        return clean
    return clean[0].upper() + clean[1:] + ("" if clean.endswith((".", "!", "?")) else ".")

"""Pairs, words: what was found, a sentence each, for a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forensics.record_pair import ColourChange, FrameMap, Geometry, Pair

if TYPE_CHECKING:
    from forensics.pairs.findings import Findings

_SURE = {"certain": "certain", "likely": "likely", "unsure": "not sure"}


def sentences(findings: Findings, pair: Pair) -> tuple[str, ...]:
    """Place, time and colour, and what speaks against them."""
    out = []
    if pair.geometry is not None:
        out.append(_place(pair.geometry))
    out.append(_time(pair.frame_map))
    if pair.colour is None:
        out.append("Colour: a change of it could not be told; nothing was taken out")
    else:
        out.append(_colour(pair.colour))
    final, times = findings.final, findings.times
    if findings.by_layout and final is not None:
        out.append(
            f"Only sizes and names say that the two belong together: {final.agreement:.0%} of the "
            "places with texture agree. The restoration may be of something else"
        )
    elif pair.geometry is not None and pair.geometry.sure == "unsure" and final is not None:
        moving = "" if times is None or times.motion is None else (
            f", and what moves correlates by {times.motion:.2f}"
        )  # fmt: skip
        out.append(
            f"{final.agreement:.0%} of the places with texture agree{moving}: not enough to be "
            "sure that the two belong together"
        )
    return tuple(out)


def _place(place: Geometry) -> str:
    even = abs(place.scale_x / place.scale_y - 1) < 0.002
    scale = (
        f"{place.scale_x:.3f} times" if even else f"{place.scale_x:.3f} x {place.scale_y:.3f} times"
    )
    parts = [f"Place: {scale} the size of the source"]
    if place.crop_px is not None:
        x0, y0, x1, y1 = place.crop_px
        parts.append(f"cut to x {x0:.1f} to {x1:.1f}, y {y0:.1f} to {y1:.1f} of it")
    if any(place.bars_px):
        left, top, right, bottom = place.bars_px
        parts.append(f"black borders of {left} px left, {top} top, {right} right, {bottom} bottom")
    return f"{', '.join(parts)}; {_SURE[place.sure]}"


def _time(frames: FrameMap) -> str:
    total = frames.mapped + frames.unmapped
    parts = [f"Time: {frames.mapped} of {total} source frames have a counterpart"]
    if frames.by_name:
        parts.append("paired by name")
    if frames.repeated:
        parts.append(f"{frames.repeated} are shown more than once")
    if frames.other_unused:
        parts.append(f"{frames.other_unused} frames of the other show none")
    if frames.time_shift_s is not None and abs(frames.time_shift_s) >= 0.001:
        late = "later" if frames.time_shift_s > 0 else "earlier"
        parts.append(f"its clock runs {abs(frames.time_shift_s):.3f} s {late}")
    return f"{', '.join(parts)}; {_SURE[frames.sure]}"


def _colour(colour: ColourChange) -> str:
    pairs = zip(["red", "green", "blue"], colour.gain_rgb, colour.offset_rgb, strict=True)
    parts = [f"{name} x {gain:.2f} {offset:+.1f}" for name, gain, offset in pairs]
    return f"Colour: {', '.join(parts)} grey levels; {_SURE[colour.sure]}"

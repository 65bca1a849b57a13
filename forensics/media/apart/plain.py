"""Plain: what is known of a source as JSON and back, for the wire between two processes.

What comes from the parent is trusted; what comes from a child is checked value by value.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.children import ChildStopped
from forensics.media.apart.wire import NONSENSE, Said, integer, text, text_or_none
from forensics.media.colour import Colour
from forensics.media.decode import Footage
from forensics.media.geometry import Geometry, Turn
from forensics.media.limits import Limits

if TYPE_CHECKING:
    from forensics.media.picture import Header

MAX_NOTES = 20


def footage_out(footage: Footage) -> Said:
    """For a child."""
    time_base = footage.time_base
    return {
        "path": os.fspath(footage.path.absolute()),
        "limits": asdict(footage.limits),
        "geometry": geometry_out(footage.geometry),
        "colour": None if footage.colour is None else asdict(footage.colour),
        "demuxer": footage.demuxer,
        "stream_index": footage.stream_index,
        "time_base": None if time_base is None else [time_base.numerator, time_base.denominator],
        "pictures": [os.fspath(picture.absolute()) for picture in footage.pictures],
        "folder": footage.folder,
    }


def footage_in(job: Mapping[str, Any]) -> Footage:
    """In a child: what its parent sent."""
    colour, time_base = job["colour"], job["time_base"]
    return Footage(
        path=Path(job["path"]),
        limits=Limits(**job["limits"]),
        geometry=geometry_in(job["geometry"]),
        colour=None if colour is None else Colour(**{**colour, "assumed": ()}),
        demuxer=job["demuxer"],
        stream_index=job["stream_index"],
        time_base=None if time_base is None else Fraction(*time_base),
        pictures=tuple(Path(picture) for picture in job["pictures"]),
        folder=job["folder"],
    )


def geometry_out(geometry: Geometry) -> Said:
    """As plain values."""
    sar, turn = geometry.sar, geometry.turn
    return {
        "width": geometry.coded_width,
        "height": geometry.coded_height,
        "sar": [sar.numerator, sar.denominator],
        "turn": [turn.swap, turn.flip_x, turn.flip_y],
    }


def geometry_in(said: Mapping[str, Any]) -> Geometry:
    """From plain values of one's own."""
    sar, turn = said["sar"], said["turn"]
    return Geometry(said["width"], said["height"], Fraction(*sar), Turn(*turn))


def header_out(header: Header) -> Said:
    """For the parent. Pictures have square pixels."""
    geometry = header.geometry
    return {
        "name": header.name,
        "width": geometry.coded_width,
        "height": geometry.coded_height,
        "swap": geometry.turn.swap,
        "flip_x": geometry.turn.flip_x,
        "flip_y": geometry.turn.flip_y,
        "format": header.format,
        "mode": header.mode,
        "bits": header.bits,
        "pictures": header.pictures,
        "icc_sha256": header.icc_sha256,
        "notes": list(header.notes),
        "declared": header.declared,
    }


def header_in(said: Said, limits: Limits) -> Header:
    """What a child says of a picture, checked. Raises `ChildStopped`, `InputError` for its size."""
    from forensics.media.picture import Header  # loads OpenCV, which no video needs

    notes = said.get("notes")
    if not isinstance(notes, list) or len(notes) > MAX_NOTES:
        raise ChildStopped(f"{NONSENSE}: notes")
    turn = Turn(*(_flag(said, name) for name in ("swap", "flip_x", "flip_y")))
    width = integer(said, "width", 1, 2**31)
    height = integer(said, "height", 1, 2**31)
    name = text(said, "name")
    limits.check_size(name, width, height)
    return Header(
        name=name,
        geometry=Geometry(width, height, turn=turn),
        format=text(said, "format", 20),
        mode=text(said, "mode", 20),
        bits=integer(said, "bits", 1, 16),
        pictures=integer(said, "pictures", 1, 2**31),
        icc_sha256=text_or_none(said, "icc_sha256"),
        notes=tuple(text({"note": note}, "note") for note in notes),
        declared=text_or_none(said, "declared"),
    )


def _flag(said: Said, name: str) -> bool:
    value = said.get(name)
    if not isinstance(value, bool):
        raise ChildStopped(f"{NONSENSE}: {name}")
    return value

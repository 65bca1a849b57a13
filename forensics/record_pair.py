"""Records, pair: somebody else's restoration, and how it was laid on its source.

Everything here was found from the pictures and is said with how sure it is; nothing is believed of
names, rates or sizes that files state.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from forensics.record_base import Record
from forensics.record_credentials import Credentials

Sureness = Literal["certain", "likely", "unsure"]
Layout = Literal["video", "image", "frames", "gfpgan", "codeformer", "realesrgan", "faces"]


class Geometry(Record):
    """Where a source pixel lies in the other picture: ``other = scale * source + shift``.

    Square-pixel coordinates with pixel centres at integers; scales are other px per source px.
    """

    scale_x: float
    scale_y: float
    shift_x_px: float = Field(description="in px of the other picture")
    shift_y_px: float
    crop_px: tuple[float, float, float, float] | None = Field(
        default=None, description="x0, y0, x1, y1 of the source that the other shows; None: all"
    )
    bars_px: tuple[int, int, int, int] = Field(
        default=(0, 0, 0, 0), description="black borders of the other: left, top, right, bottom"
    )
    half_pixel_paste: bool | None = Field(
        default=None,
        description="faces lie half an output pixel off their surroundings, as upstream GFPGAN "
        "pastes them; None where it could not be told",
    )
    residual_px: float = Field(ge=0, description="RMS of what is left after laying on, source px")
    sure: Sureness


class FrameMap(Record):
    """Which frame of the other shows which frame of the source."""

    mapped: int = Field(ge=0, description="source frames that have a counterpart")
    unmapped: int = Field(ge=0)
    other_frames: int = Field(ge=0)
    other_unused: int = Field(ge=0, description="frames of the other that show no source frame")
    repeated: int = Field(ge=0, description="source frames shown more than once")
    rate_source: float | None = Field(default=None, description="frames a second, as measured")
    rate_other: float | None = None
    offset_s: float | None = Field(
        default=None, description="time of the other's first frame on the source's clock"
    )
    time_shift_s: float | None = Field(
        default=None,
        description="how far the other's own clock runs late against the source, median; None "
        "without time stamps",
    )
    by_name: bool = Field(default=False, description="pictures were paired by their file names")
    sure: Sureness


class ColourChange(Record):
    """Gain and offset of each channel, source to other, grey levels of 255; taken out to score."""

    gain_rgb: tuple[float, float, float]
    offset_rgb: tuple[float, float, float]
    residual_grey: float = Field(ge=0, description="RMS of what is left, grey levels")
    sure: Sureness


class Pair(Record):
    """The other's restoration and what was found when it was held against the source."""

    file: str
    sha256: str
    sha512: str
    bytes: int
    layout: Layout
    kind: Literal["video", "image", "frames"]
    frames: int
    width: int
    height: int
    folder: str | None = Field(
        default=None, description="subfolder of an output folder that was used"
    )
    geometry: Geometry | None = Field(
        default=None, description="None where single faces were given, which are laid on one by one"
    )
    frame_map: FrameMap
    colour: ColourChange | None = None
    credentials: Credentials | None = Field(
        default=None, description="Content Credentials in it; None where nobody looked"
    )
    notes: tuple[str, ...] = Field(
        default=(), description="what was found and how sure, one sentence each, for a reader"
    )

"""Decode: frames of a probed source, one after another, upright, square-pixel, 8-bit RGB.

It parses what strangers send, so an audit runs it in a child process (`reader` is the door to
that).  Promise: streaming (memory does not grow with the clip), the same frames each time, integer
time stamps untouched, and every frame that could not be read comes as a `FrameFailure`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from forensics.errors import InputError
from forensics.media.codec import QpGrid, qp_grid, qp_in
from forensics.media.colour import Colour, to_rgb
from forensics.media.container import codec_name, open_video
from forensics.media.geometry import Geometry
from forensics.media.limits import Limits
from forensics.media.walk import Lost, Shown, walk

if TYPE_CHECKING:
    from forensics.media.picture import Still
    from forensics.records import Box

NO_QP_IN_PICTURES = "still pictures carry no quantiser map"
PATCHED = "the decoder patched damaged data in this frame"


@dataclass(frozen=True)
class DecodedFrame:
    """One frame as people see it.

    ``rgb_u8`` is (H, W, 3) uint8, contiguous.  ``pts`` and ``duration`` are integers in units of
    the source's time base; all three times are None where the source has none.  ``native_sha256``
    is of the decoder's own samples, as ``ffmpeg -f framehash -hash sha256`` prints it (for a
    picture: of its samples before the turn).  ``note`` says what is unusual about the frame.
    """

    frame: int
    name: str | None
    pts: int | None
    pts_s: float | None
    duration: int | None
    rgb_u8: NDArray[np.uint8]
    native_sha256: str
    qp: QpGrid | None = None
    qp_reason: str | None = None
    alpha_u8: NDArray[np.uint8] | None = None
    still: Still | None = field(default=None, repr=False)
    geometry: Geometry | None = field(default=None, repr=False)
    note: str | None = None

    def qp_at(self, box_px: Box) -> float | None:
        """Mean quantiser in a box of this picture; None with ``qp_reason`` where there is none."""
        if self.qp is None or self.geometry is None:
            return None
        return qp_in(self.qp, self.geometry, box_px)


@dataclass(frozen=True)
class FrameFailure:
    """A frame of the source that could not be read."""

    frame: int
    pts: int | None
    reason: str
    error: str
    name: str | None = None


@dataclass(frozen=True)
class Footage:
    """What decoding needs to know of a source that was probed; plain, so that it can be sent.

    ``pictures`` are the files of an image or a folder, in order; ``folder`` tells the two apart.
    """

    path: Path
    limits: Limits
    geometry: Geometry
    colour: Colour | None = None
    demuxer: str = ""
    stream_index: int = 0
    time_base: Fraction | None = None
    pictures: tuple[Path, ...] = ()
    folder: bool = False


def decode(footage: Footage) -> Iterator[DecodedFrame | FrameFailure]:
    """All frames in order of presentation, decoded here and now.

    Raises `InputError` when the source cannot be opened.
    """
    yield from _read_pictures(footage) if footage.pictures else _read_video(footage)


def _read_pictures(media: Footage) -> Iterator[DecodedFrame | FrameFailure]:
    from forensics.media.picture import read_picture  # loads OpenCV, which no video needs

    for number, path in enumerate(media.pictures, start=1):
        name = readable(path.name) if media.folder else None
        try:
            still = read_picture(path, media.limits)
        except InputError as error:
            failure = f"{type(error).__name__}: {error.message}"
            yield FrameFailure(number, None, "the picture cannot be read", failure, name)
            continue
        if still.header.geometry.display_size != media.geometry.display_size:
            size = "{}x{}".format(*still.header.geometry.display_size)
            yield FrameFailure(number, None, "the picture has another size", size, name)
            continue
        yield DecodedFrame(
            frame=number,
            name=name,
            pts=None,
            pts_s=None,
            duration=None,
            rgb_u8=still.rgb_u8,
            native_sha256=still.native_sha256,
            qp_reason=NO_QP_IN_PICTURES,
            alpha_u8=still.alpha_u8,
            still=still,
        )


def _read_video(media: Footage) -> Iterator[DecodedFrame | FrameFailure]:
    reformatter = VideoReformatter()
    with open_video(media.path, media.demuxer) as container:
        stream = container.streams[media.stream_index]
        if not isinstance(stream, av.VideoStream):
            raise InputError(f"{media.path.name} changed while it was read")
        codec = codec_name(stream)
        for item in walk(container, stream, media.path):
            if isinstance(item, Lost):
                yield FrameFailure(item.frame, item.pts, item.reason, item.error)
            else:
                yield _frame(media, item, codec, reformatter)


def _frame(
    media: Footage, shown: Shown, codec: str, reformatter: VideoReformatter
) -> DecodedFrame | FrameFailure:
    picture, geometry = shown.picture, media.geometry
    if media.colour is None:
        raise InputError(f"{media.path.name} was not probed as a video")
    if (picture.width, picture.height) != (geometry.coded_width, geometry.coded_height):
        size = f"{picture.width}x{picture.height}"
        return FrameFailure(
            shown.frame, shown.pts, "the picture size changes within the clip", size
        )
    rgb_u8 = to_rgb(reformatter, picture, media.colour, geometry.scaled_size)
    grid, reason = qp_grid(picture, codec)
    timed = media.time_base is not None and shown.pts is not None
    return DecodedFrame(
        frame=shown.frame,
        name=None,
        pts=shown.pts if timed else None,
        pts_s=float(shown.pts * media.time_base) if timed else None,  # type: ignore[operator]  # timed says so
        duration=shown.duration if timed else None,
        rgb_u8=geometry.turn.apply(rgb_u8),
        native_sha256=native_sha256(picture),
        qp=grid,
        qp_reason=reason,
        geometry=geometry,
        note=PATCHED if picture.is_corrupt else None,
    )


def readable(name: str) -> str:
    """A file name as text that every file format takes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def native_sha256(picture: av.VideoFrame) -> str:
    """SHA-256 of a frame's samples without line padding, as FFmpeg's framehash takes it."""
    return hashlib.sha256(native_bytes(picture)).hexdigest()


def native_bytes(picture: av.VideoFrame) -> bytes:
    """A frame's samples plane by plane without line padding (rawvideo packet)."""
    format_ = picture.format
    sample = max((c.bits + 7) // 8 for c in format_.components)
    planes = picture.planes
    parts = []
    for number, plane in enumerate(planes):
        if len(planes) == 1:
            row = (plane.width * format_.padded_bits_per_pixel + 7) // 8
        elif len(planes) == 2 and len(format_.components) == 3 and number == 1:
            row = plane.width * 2 * sample  # NV12 and its kin: two chroma samples side by side
        else:
            row = plane.width * sample
        lines = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)[
            : plane.height, :row
        ]
        parts.append(lines.tobytes())
    return b"".join(parts)

"""Clips and pictures for tests: small, made on the spot, with known facts.

The picture of a frame is a smooth gradient with a moving square, so that frames differ and a
decoder has something to do.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

SIZE = (96, 64)
VFR_PTS = (0, 512, 1024, 1537, 27137, 27649)  # in 1/12800 s: a step of 513 ticks, a gap of 2 s


def pattern(number: int, width: int = SIZE[0], height: int = SIZE[1]) -> NDArray[np.uint8]:
    """Frame ``number`` as RGB (H, W, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([x * 160 // width + 40, y * 160 // height + 40, (x + y) // 2 % 160 + 40], 2)
    left = 4 + 3 * number % (width - 24)
    picture[height // 3 : height // 3 + 16, left : left + 16] = (220, 40, 40)
    return np.asarray(picture, dtype=np.uint8)


@dataclass(frozen=True)
class Spec:
    """What a made clip is like."""

    pts: tuple[int, ...] = tuple(range(0, 10 * 512, 512))
    time_base: Fraction = Fraction(1, 12800)
    size: tuple[int, int] = SIZE
    sar: Fraction | None = None
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    rotation_deg: int | None = None
    colour: int | None = 1
    full_range: bool = False
    audio: str | None = None
    last_duration: int = 512
    metadata: tuple[tuple[str, str], ...] = ()


def make_clip(path: Path, spec: Spec | None = None) -> Path:
    """Write a clip; the container follows from the ending of ``path``."""
    spec = spec or Spec()
    raw = path.suffix in (".264", ".265")
    ticks = {"video_track_timescale": str(spec.time_base.denominator)}
    mp4 = path.suffix in (".mp4", ".mov")
    options = ticks | {"movie_timescale": str(spec.time_base.denominator)} if mp4 else {}
    with av.open(str(path), "w", options=options) as box:
        box.metadata.update(dict(spec.metadata))
        stream = box.add_stream(
            spec.codec, rate=25, options={"qp": "20"} if spec.codec == "libx264" else {}
        )
        stream.width, stream.height = spec.size
        stream.pix_fmt = spec.pix_fmt
        if spec.sar:
            stream.sample_aspect_ratio = spec.sar
        context = stream.codec_context
        context.time_base = spec.time_base
        if spec.colour is not None:
            context.colorspace = context.color_primaries = context.color_trc = spec.colour
            context.color_range = 2 if spec.full_range else 1
        if spec.rotation_deg is not None:
            stream.set_display_rotation(spec.rotation_deg)
        sound = _add_sound(box, spec.audio) if spec.audio else None
        for number, pts in enumerate(spec.pts):
            picture = av.VideoFrame.from_ndarray(pattern(number, *spec.size), format="rgb24")
            frame = picture.reformat(format=spec.pix_fmt)
            frame.pts, frame.time_base = (number if raw else pts), spec.time_base
            box.mux(_timed(stream.encode(frame), spec))
        box.mux(_timed(stream.encode(None), spec))
        if sound is not None:
            for frame in _tone(sound.codec_context.format.name, 12):
                box.mux(sound.encode(frame))
            box.mux(sound.encode(None))
    return path


def _timed(packets: list[av.Packet], spec: Spec) -> list[av.Packet]:
    for packet in packets:
        if packet.pts == spec.pts[-1]:
            packet.duration = spec.last_duration
    return packets


def _add_sound(box: av.container.OutputContainer, codec: str) -> av.AudioStream:
    stream = box.add_stream(codec, rate=44_100, layout="mono")
    assert isinstance(stream, av.AudioStream)
    return stream


def _tone(format_: str, blocks: int) -> list[av.AudioFrame]:
    frames = []
    resampler = av.AudioResampler(format=format_, layout="mono", rate=44_100)
    for block in range(blocks):
        t = np.arange(block * 1024, (block + 1) * 1024) / 44_100
        samples = (np.sin(2 * np.pi * 440 * t) * 9000).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = 44_100, block * 1024
        frame.time_base = Fraction(1, 44_100)
        frames += resampler.resample(frame)
    return frames


def png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds one short, worthless data chunk."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\x00" * 64)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )

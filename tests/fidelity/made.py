"""Made clips for the fidelity matrix, and the chain that every one of them goes through."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from forensics.media.probe import Media, probe
from forensics.media.reader import DecodedFrame, read_frames
from forensics.media.writer import open_writer
from forensics.media.written import Written
from forensics.restore.background import enlarge
from tests.fidelity.bars import frame_of

SIZE = (160, 96)
EVEN = tuple(range(0, 8 * 512, 512))


@dataclass(frozen=True)
class Made:
    """What a made clip is like; the container follows from the ending of its name."""

    name: str = "clip.mp4"
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    size: tuple[int, int] = SIZE
    pts: tuple[int, ...] = EVEN
    time_base: Fraction = Fraction(1, 12800)
    last_duration: int = 512
    matrix: int = 1
    full: bool = False
    tagged: bool = True
    primaries: int = 1
    transfer: int = 1
    sar: Fraction | None = None
    rotation_deg: int | None = None
    b_frames: int = 0
    interlaced: bool = False
    audio: tuple[str, ...] = ()
    audio_start: int = 0
    subtitle: str | None = None

    @property
    def frames(self) -> int:
        return len(self.pts)


_QUALITY = {
    "libx264": {"qp": "4"},
    "libx265": {"x265-params": "qp=4:log-level=error"},
    "libvpx-vp9": {"lossless": "1"},
    "mpeg2video": {"qmin": "1", "qmax": "1"},
    "mjpeg": {"qmin": "1", "qmax": "1"},
}


def make(folder: Path, made: Made) -> Path:
    """Write the clip."""
    path = folder / made.name
    options = {}
    if path.suffix in (".mp4", ".mov"):
        ticks = str(made.time_base.denominator)
        options = {"video_track_timescale": ticks, "movie_timescale": ticks}
    with av.open(str(path), "w", options=options) as box:
        quality = dict(_QUALITY.get(made.codec, {}))
        if made.codec == "libx264":
            quality["x264-params"] = f"bframes={made.b_frames}:b-adapt=0:scenecut=0:log-level=-1"
            if made.interlaced:
                quality["x264-params"] += ":tff=1:interlaced=1"
        stream = box.add_stream(made.codec, rate=25, options=quality)
        stream.width, stream.height = made.size
        stream.pix_fmt = made.pix_fmt
        if made.sar:
            stream.sample_aspect_ratio = made.sar
        context = stream.codec_context
        context.time_base = made.time_base
        if made.tagged:
            context.colorspace, context.color_range = made.matrix, 2 if made.full else 1
            context.color_primaries, context.color_trc = made.primaries, made.transfer
        if made.rotation_deg is not None:
            stream.set_display_rotation(made.rotation_deg)
        sounds = [box.add_stream(codec, rate=48_000, layout="mono") for codec in made.audio]
        words = _subtitle(box, made.subtitle) if made.subtitle else None
        raw = path.suffix in (".264", ".265")
        for number, pts in enumerate(made.pts):
            frame = frame_of(number, made.size, made.pix_fmt, made.matrix, made.full)
            frame.pts, frame.time_base = number if raw else pts, made.time_base
            if made.tagged:
                frame.colorspace, frame.color_range = made.matrix, 2 if made.full else 1
            box.mux(_timed(stream.encode(frame), made))
        box.mux(_timed(stream.encode(None), made))
        if words is not None:
            _speak(box, words, made.subtitle or "")
        for sound in sounds:
            _sing(box, sound, made.audio_start)
    return path


def _timed(packets: list[av.Packet], made: Made) -> list[av.Packet]:
    for packet in packets:
        if packet.pts == made.pts[-1]:
            packet.duration = made.last_duration
    return packets


def _subtitle(box: av.container.OutputContainer, codec: str) -> av.stream.Stream:
    stream = box.add_mux_stream(codec)
    stream.time_base = Fraction(1, 1000)
    return stream


def _speak(box: av.container.OutputContainer, stream: av.stream.Stream, codec: str) -> None:
    for number, text in enumerate((b"Good evening", b"Good night")):
        data = len(text).to_bytes(2, "big") + text if codec == "mov_text" else text
        packet = av.Packet(data)
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = 40 + 100 * number
        packet.duration = 80
        box.mux(packet)


def _sing(box: av.container.OutputContainer, stream: av.AudioStream, start: int) -> None:
    context = stream.codec_context
    resampler = av.AudioResampler(format=context.format.name, layout="mono", rate=48_000)
    for block in range(10):
        t = np.arange(block * 1024, (block + 1) * 1024) / 48_000
        samples = (np.sin(2 * np.pi * 330 * t) * 8000).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, start + block * 1024
        frame.time_base = Fraction(1, 48_000)
        for piece in resampler.resample(frame):
            box.mux(stream.encode(piece))
    box.mux(stream.encode(None))


def through(path: Path, out: Path, scale: int = 2) -> tuple[Media, Written, Path]:
    """Read every frame, enlarge it by Lanczos, write it; the media, the record, the file."""
    media = probe(path)
    source = media.source
    size = source.display_width * scale, source.display_height * scale
    writer = open_writer(media, out, *size)
    for item in read_frames(media):
        assert isinstance(item, DecodedFrame), item
        writer.write(item, enlarge(item.rgb_u8, scale))
    written = writer.close()
    return media, written, out / written.restored.file

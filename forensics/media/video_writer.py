"""Video writer: H.264 in MP4 with the source's own time stamps.

MP4 keeps any time base exactly, Matroska would round to milliseconds.  x264's output depends on
its number of threads, so that is fixed and recorded.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from forensics import records
from forensics.errors import InputError
from forensics.media.colour import SWSCALE, Colour, for_output, from_rgb
from forensics.media.container import digest_file
from forensics.media.copier import StreamCopier
from forensics.media.probe import Media
from forensics.media.reader import DecodedFrame
from forensics.media.written import Written

CRF = "16"  # visually transparent for x264; the bundle's PNGs are the exact record
PRESET = "medium"
THREADS = "2"
# Stored in the order shown. With reordered frames MP4 keeps distances between *stored* frames, and
# the length that it states for a clip with a gap misses the gap: players would stop before it.
B_FRAMES = "0"
# The preset's 40 frames hold some 95 MiB more at 720p.
LOOK_AHEAD_FRAMES = "10"


class VideoWriter:
    """Encodes restored frames; see `forensics.media.writer.Writer`."""

    def __init__(self, media: Media, path: Path, width: int, height: int) -> None:
        if media.colour is None:
            raise InputError(f"{media.path.name} was not probed as a video")
        self._media, self._path, self._size = media, path, (width, height)
        self._part = path.with_name(f".{path.name}.part")
        self._colour = for_output(media.colour)
        self._rate = media.frame_rate_hint or Fraction(25)
        self._time_base = media.time_base or 1 / self._rate
        self._pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        self._reformatter = VideoReformatter()
        self._durations: dict[int, int] = {}
        self._last: tuple[int, int] | None = None  # pts and duration of the frame before
        self._frames = self._moved = 0
        self._open = True
        timescale = str(self._time_base.denominator)
        options = {
            "movflags": "+faststart",
            "fflags": "+bitexact",
            "video_track_timescale": timescale,
            "movie_timescale": timescale,
        }
        self._box = av.open(str(self._part), "w", format="mp4", options=options)
        self._copier = StreamCopier(media, path)
        try:
            self._stream = self._add_stream()
            self._copier.open(self._box)
        except BaseException:
            self.abort()
            raise

    def _add_stream(self) -> VideoStream:
        options = {
            "crf": CRF,
            "preset": PRESET,
            "threads": THREADS,
            "bf": B_FRAMES,
            "rc-lookahead": LOOK_AHEAD_FRAMES,
        }
        stream = self._box.add_stream("libx264", rate=self._rate, options=options)
        stream.width, stream.height = self._size
        stream.pix_fmt = self._pix_fmt
        stream.sample_aspect_ratio = Fraction(1)
        context = stream.codec_context
        context.time_base = self._time_base
        context.colorspace, context.color_range = self._colour.matrix, self._colour.range
        context.color_primaries = self._colour.primaries
        context.color_trc = self._colour.transfer
        return stream

    def write(self, decoded: DecodedFrame, rgb_u8: NDArray[np.uint8]) -> None:
        """Encode one frame at the time of ``decoded``. Raises `ValueError` for another size."""
        width, height = self._size
        if rgb_u8.shape != (height, width, 3) or rgb_u8.dtype != np.uint8:
            raise ValueError(f"expected ({height}, {width}, 3) uint8, got {rgb_u8.shape}")
        pts, duration = self._when(decoded)
        if self._last is not None and self._last[0] in self._durations:
            # A frame lasts until the next one. What a file states for a packet is, where frames
            # are stored out of order, the distance to the packet behind it.
            self._durations[self._last[0]] = pts - self._last[0]
        frame = from_rgb(self._reformatter, rgb_u8, self._colour, self._pix_fmt)
        frame.pts, frame.time_base, frame.duration = pts, self._time_base, duration
        self._durations[pts] = duration
        self._last = pts, duration
        self._frames += 1
        self._mux(self._stream.encode(frame))

    def _when(self, decoded: DecodedFrame) -> tuple[int, int]:
        """Time stamp and duration in ticks; moved only where the source's would go backwards."""
        step = max(1, round(1 / (self._rate * self._time_base)))
        duration = decoded.duration or step
        if self._media.time_base is None:
            return decoded.frame - 1, 1
        if self._last is None:
            return (0 if decoded.pts is None else decoded.pts), duration
        before, lasted = self._last
        if decoded.pts is None:
            self._moved += 1
            return before + lasted, duration
        if decoded.pts <= before:
            self._moved += 1
            return before + 1, duration
        return decoded.pts, duration

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            if packet.dts is not None:
                self._copier.advance(packet.dts * self._time_base)
            self._box.mux_one(packet)

    def close(self) -> Written:
        """Finish the clip, compare the copied packets, rename into place."""
        if not self._frames:
            self.abort()
            raise InputError(f"no frame of {self._media.path.name} could be written")
        self._mux(self._stream.encode(None))
        self._copier.finish()
        self._open = False
        self._box.close()
        streams = self._copier.settle(self._part)
        self._part.replace(self._path)
        digests = digest_file(self._path)
        restored = records.Restored(
            file=f"{self._path.parent.name}/{self._path.name}",
            sha256=digests.sha256,
            bytes=digests.bytes,
            width=self._size[0],
            height=self._size[1],
            frames=self._frames,
            codec="h264",
            encoder=self._encoder(),
        )
        return Written(restored, streams)

    def _encoder(self) -> dict[str, str]:
        """How it was encoded, for the record."""
        library = ".".join(str(n) for n in av.library_versions["libavcodec"])
        facts = {
            "name": "libx264",
            "crf": CRF,
            "preset": PRESET,
            "threads": THREADS,
            "b_frames": B_FRAMES,
            "look_ahead_frames": LOOK_AHEAD_FRAMES,
            "pix_fmt": self._pix_fmt,
            "container": "mp4",
            "time_base": f"{self._time_base.numerator}/{self._time_base.denominator}",
            "libavcodec": library,
            "pyav": av.__version__,
            "conversion": SWSCALE,
        }
        facts |= {f"colour_{k}": v for k, v in _tags(self._colour).items()}
        if self._moved:
            facts["times_moved"] = f"{self._moved} frames did not come later than the one before"
        return facts

    def abort(self) -> None:
        """Remove everything written so far."""
        if self._open:
            self._open = False
            self._box.close()
        self._part.unlink(missing_ok=True)
        self._copier.abort()


def _tags(colour: Colour) -> dict[str, str]:
    return {k: v for k, v in colour.words().items() if k != "conversion"}

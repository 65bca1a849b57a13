"""Walk: every packet of the video stream ends as a shown frame or as a lost one with its reason.

Frames leave in the order of presentation, numbered from 1.  Decoding runs on one thread, so that a
damaged file gives the same frames and the same errors every time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from forensics.media.codec import EXPORT
from forensics.media.container import codec_name, reason_of

NOT_DECODED = "the decoder gave no picture for this part of the stream"
CUT_OFF = "the header promises this frame, but the file ends before it"
BROKEN_OFF = "the container breaks off here"
# Codecs in which a packet may hold no picture of its own, so that a missing frame proves nothing.
_LOOSE_CODECS = frozenset({"mpeg4", "msmpeg4v3", "msmpeg4v2", "vc1", "wmv3", "mpeg2video"})
# Containers that keep the order of packets and no display times. FFmpeg guesses them, wrongly where
# frames are reordered; the decoding times are exact there, and one packet is one picture.
_WITHOUT_PTS = frozenset({"avi"})


@dataclass(frozen=True)
class Shown:
    """A decoded frame with its place: number from 1, integer pts and duration in stream ticks."""

    frame: int
    pts: int | None
    duration: int | None
    picture: av.VideoFrame


@dataclass(frozen=True)
class Lost:
    """A frame that could not be decoded."""

    frame: int
    pts: int | None
    reason: str
    error: str


OtherPacket = Callable[["Packet[Stream]"], None]


@dataclass
class _Ledger:
    """What was put into the decoder and has not come out yet."""

    waiting: dict[int, str] = field(default_factory=dict)  # pts -> error so far ("" for none)
    blind: int = 0  # packets without pts that have not given a frame
    packets: int = 0
    guessed: bool = False  # display times are guesses: the n-th frame shows at the n-th of `times`
    times: deque[int] = field(default_factory=deque)

    def put(self, packet: Packet[Stream], hidden: bool) -> None:
        if packet.size == 0:  # the flush packet
            return
        self.packets += 1
        if packet.is_discard or hidden:
            return
        if packet.pts is None or self.guessed:
            self.blind += 1
            if packet.dts is not None:
                self.times.append(packet.dts)
        else:
            self.waiting[packet.pts] = ""

    def shown_at(self, pts: int | None) -> int | None:
        """When a frame that came out is shown."""
        return self.times.popleft() if self.guessed and self.times else pts

    def failed(self, packet: Packet[Stream], error: BaseException) -> None:
        if self.guessed and packet.dts is not None and packet.dts in self.times:
            self.times.remove(packet.dts)
        if packet.pts in self.waiting:
            self.waiting[packet.pts] = f"{type(error).__name__}: {reason_of(error)}"

    def came(self, pts: int | None) -> list[tuple[int, str]]:
        """Note a frame that came out; returns earlier ones that never will."""
        if pts is None or (pts not in self.waiting and self.blind):
            self.blind = max(0, self.blind - 1)
            return []
        gone = sorted(p for p in self.waiting if p < pts)
        self.waiting.pop(pts, None)
        return [(p, self.waiting.pop(p)) for p in gone]


def walk(
    container: InputContainer,
    stream: VideoStream,
    path: Path,
    other: OtherPacket | None = None,
) -> Iterator[Shown | Lost]:
    """Decode the whole stream; ``other`` sees the packets of every other stream."""
    context = stream.codec_context
    context.options = EXPORT
    context.thread_count = 1
    number = 0
    strict = codec_name(stream) not in _LOOSE_CODECS
    reordered = strict and container.format.name in _WITHOUT_PTS and context.has_b_frames
    ledger = _Ledger(guessed=reordered)
    for packet, frames, error in _decoded(container, stream, other, ledger):
        if error is not None and (packet is None or packet.pts is None or ledger.guessed):
            number += 1
            ledger.blind = max(0, ledger.blind - 1)
            reason = BROKEN_OFF if packet is None else NOT_DECODED
            yield Lost(number, None, reason, f"{type(error).__name__}: {reason_of(error)}")
        for picture in frames:
            strict = strict and not picture.interlaced_frame
            pts = ledger.shown_at(picture.pts)
            for lost_pts, why in ledger.came(pts):
                if strict or why:
                    number += 1
                    yield Lost(number, lost_pts, NOT_DECODED, why or "no frame returned")
            number += 1
            yield Shown(number, pts, _lasts(stream, pts, picture.duration or None), picture)
    for lost in _leftovers(ledger, strict, _cut_off(stream, path, ledger.packets)):
        number += 1
        yield Lost(number, *lost)


def _lasts(stream: VideoStream, pts: int | None, stated: int | None) -> int | None:
    """How long a frame is shown: as stated, but not beyond its track.

    MP4 states the distance to the next *stored* frame: where frames are reordered before a gap,
    the last one shown would seem to last as long as the gap.
    """
    if None in (pts, stated, stream.start_time, stream.duration):
        return stated
    left = (stream.start_time or 0) + (stream.duration or 0) - (pts or 0)
    return min(stated or 0, left) if left > 0 else stated


def _decoded(
    container: InputContainer,
    stream: VideoStream,
    other: OtherPacket | None,
    ledger: _Ledger,
) -> Iterator[tuple[Packet[Stream] | None, list[av.VideoFrame], av.FFmpegError | None]]:
    """Packets of the stream with the frames they set free, or the error."""
    packets: Iterator[Packet[Any]] = container.demux(stream)
    if other is not None:
        packets = container.demux()
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            yield None, [], error
            packet = None
        if packet is None:
            return
        # At the end every stream is flushed, by packets that all say stream_index 0.
        if packet.stream.index != stream.index:
            if other is not None and packet.size:
                other(packet)
            continue
        ledger.put(packet, hidden=_is_hidden(packet, stream))
        try:
            frames = [f for f in packet.decode() if isinstance(f, av.VideoFrame)]
        except av.FFmpegError as error:
            ledger.failed(packet, error)
            yield packet, [], error
        else:
            yield packet, frames, None


def _is_hidden(packet: Packet[Stream], stream: VideoStream) -> bool:
    """VP8 stores reference pictures that are never shown (RFC 6386, 9.1: bit ``show_frame``)."""
    return codec_name(stream).startswith(("vp8", "libvpx")) and not bytes(packet)[0] >> 4 & 1


def _cut_off(stream: VideoStream, path: Path, packets: int) -> int:
    """How many packets of the index lie beyond the end of the file."""
    entries = stream.index_entries
    size = path.stat().st_size
    if not len(entries) or entries[-1].pos + entries[-1].size <= size:
        return 0
    return max(0, len(entries) - packets)


def _leftovers(ledger: _Ledger, strict: bool, cut: int) -> list[tuple[int | None, str, str]]:
    """What was put in and never came out, once the decoder is empty."""
    out: list[tuple[int | None, str, str]] = [
        (pts, NOT_DECODED, why or "no frame returned")
        for pts, why in sorted(ledger.waiting.items())
        if strict or why
    ]
    if strict:
        out += [(None, NOT_DECODED, "no frame returned")] * ledger.blind
    return out + [(None, CUT_OFF, "end of file")] * cut

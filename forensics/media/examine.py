"""Examine: what a source is, exactly, found out by parsing and decoding it, here and now.

It parses what strangers send, so `probe` runs it in a child process.  Nothing is believed that can
be counted: every frame is decoded once, so that the number of frames found here is the number that
`forensics.media.decode` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from av import VideoFrame
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from forensics.errors import InputError
from forensics.media import streams as packets
from forensics.media.clock import Clock
from forensics.media.colour import Colour, colour_of
from forensics.media.container import RAW_DEMUXERS, codec_name, open_video, video_stream
from forensics.media.declaration import declared_in
from forensics.media.geometry import Geometry, Turn, turn_of_matrix
from forensics.media.limits import Limits
from forensics.media.walk import Lost, walk

if TYPE_CHECKING:
    from forensics.media.picture import Header

Ratio = tuple[int, int]
Beat = Callable[[], None]


@dataclass(frozen=True)
class OtherStream:
    """A stream beside the examined one; ``dropped`` is why it will not be copied, if known."""

    index: int
    kind: str
    codec: str
    packets: int
    packets_sha256: str | None
    dropped: str | None


@dataclass(frozen=True)
class Examined:
    """A video as one pass over the whole file found it; plain values, so that it can be sent."""

    container: str
    codec: str
    index: int
    others: tuple[OtherStream, ...]
    frames: int
    lost: int
    width: int
    height: int
    sar: Ratio
    turn: tuple[bool, bool, bool]
    colour: Colour
    pix_fmt: str
    bits: int
    interlaced: int
    damaged: int
    notes: tuple[str, ...]
    clock: Clock
    time_base: Ratio | None
    rate: Ratio | None
    said: str | None
    """What the maker says about the file."""
    declared: str | None = None
    """Where its own tags say that a network drew in it."""

    @property
    def geometry(self) -> Geometry:
        """From coded pixels to the picture that people see."""
        return Geometry(self.width, self.height, Fraction(*self.sar), Turn(*self.turn))


def examine_video(path: Path, demuxer: str, limits: Limits, beat: Beat) -> Examined:
    """Decode the whole file once; ``beat`` is called for every packet and frame.

    Raises `InputError` when it is damaged beyond use or larger than ``limits``.
    """
    with open_video(path, demuxer) as container:
        stream = video_stream(container, path.name)
        _check_declared(container, stream, path.name, limits)
        tally = packets.PacketTally()
        found = _count(container, stream, path, limits, tally, beat)
        others = tuple(
            OtherStream(
                index=other.index,
                kind=packets.kind_of(other),
                codec=codec_name(other),
                packets=tally.counts.get(other.index, 0),
                packets_sha256=tally.digest(other.index),
                dropped=_outcome_hint(other, stream),
            )
            for other in container.streams
            if other.index != stream.index
        )
        raw = demuxer in RAW_DEMUXERS
        rate = stream.guessed_rate or stream.average_rate
        geometry = found.geometry
        return Examined(
            container=container.format.name,
            codec=codec_name(stream),
            index=stream.index,
            others=others,
            frames=found.frames,
            lost=found.lost,
            width=geometry.coded_width,
            height=geometry.coded_height,
            sar=(geometry.sar.numerator, geometry.sar.denominator),
            turn=(geometry.turn.swap, geometry.turn.flip_x, geometry.turn.flip_y),
            colour=found.colour,
            pix_fmt=found.pix_fmt,
            bits=found.bits,
            interlaced=found.interlaced,
            damaged=found.damaged,
            notes=found.notes,
            clock=found.clock,
            time_base=None if raw else _pair(stream.time_base),
            rate=_pair(rate),
            said=container.metadata.get("comment") or container.metadata.get("title"),
            declared=declared_in(container.metadata.values()),
        )


def examine_pictures(
    paths: tuple[Path, ...], folder: bool, limits: Limits
) -> Iterator[Header | InputError]:
    """What each picture declares, or why it cannot be read; a single one is decoded whole."""
    from forensics.media.picture import read_header, read_picture  # loads OpenCV

    for path in paths:
        try:
            yield read_header(path, limits) if folder else read_picture(path, limits).header
        except InputError as error:
            yield error


def _pair(value: Fraction | None) -> Ratio | None:
    return None if value is None else (value.numerator, value.denominator)


@dataclass(frozen=True)
class _Counted:
    """What one pass over the whole file found."""

    frames: int
    lost: int
    geometry: Geometry
    colour: Colour
    pix_fmt: str
    bits: int
    clock: Clock
    interlaced: int
    damaged: int
    notes: tuple[str, ...]


def _outcome_hint(other: Stream, chosen: VideoStream) -> str | None:
    """Why a stream will not be copied, as far as that is known before writing."""
    if other.type == "video" and not other.disposition & Disposition.attached_pic:
        return f"only video stream {chosen.index} is examined"
    return None


def _check_declared(
    container: InputContainer, stream: VideoStream, name: str, limits: Limits
) -> None:
    """Refuse what the headers declare, before a frame is decoded."""
    context = stream.codec_context
    if context.width and context.height:
        limits.check_size(name, context.width, context.height)
    limits.check_frames(name, max(stream.frames, len(stream.index_entries)))
    if container.duration:
        limits.check_duration(name, container.duration / 1_000_000)


def _count(
    container: InputContainer,
    stream: VideoStream,
    path: Path,
    limits: Limits,
    tally: packets.PacketTally,
    beat: Beat,
) -> _Counted:
    frames = lost = interlaced = damaged = 0
    clock = Clock()
    first: tuple[Geometry, Colour, str, int, tuple[str, ...]] | None = None
    why = "it holds no frame"

    def other(packet: Packet[Any]) -> None:
        tally.add(packet)
        beat()

    for item in walk(container, stream, path, other):
        beat()
        frames = item.frame
        limits.check_frames(path.name, frames)
        if isinstance(item, Lost):
            lost += 1
            why = f"{item.reason} ({item.error})"
            continue
        clock.see(item.pts, item.duration)
        interlaced += item.picture.interlaced_frame
        damaged += item.picture.is_corrupt
        if first is None:
            picture = item.picture
            limits.check_size(path.name, picture.width, picture.height)
            turn, notes = _turn(_matrix(picture))
            sar = stream.sample_aspect_ratio or Fraction(1)
            geometry = Geometry(
                picture.width, picture.height, sar if sar > 0 else Fraction(1), turn
            )
            limits.check_size(path.name, *geometry.display_size)
            colour = colour_of(picture, picture.height)
            bits = max(c.bits for c in picture.format.components)
            first = geometry, colour, picture.format.name, bits, notes
    if first is None:
        raise InputError(
            f"{path.name} holds no picture that can be decoded: {why}",
            "The file may be damaged or incomplete; fetch or copy it again.",
        )
    return _Counted(frames, lost, *first[:4], clock, interlaced, damaged, first[4])


def _matrix(picture: VideoFrame) -> bytes:
    found = picture.side_data.get("DISPLAYMATRIX")
    return bytes(found) if isinstance(found, SideData) else b""


def _turn(matrix: bytes) -> tuple[Turn, tuple[str, ...]]:
    if not matrix:
        return Turn(), ()
    turn = turn_of_matrix(matrix)
    if turn is None:
        return Turn(), ("its display matrix is no quarter turn and was not applied",)
    return turn, mirror_note(turn)


def mirror_note(turn: Turn) -> tuple[str, ...]:
    """The sentence for a source that is stored mirrored; else nothing."""
    return (
        ("the file says that it is stored mirrored; it was turned back",) if turn.mirrored else ()
    )

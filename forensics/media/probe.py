"""Probe: what a source is, exactly: digests, frames counted by decoding, times, streams, colour.

Promise: nothing is believed that can be counted.  Every frame is decoded once here, so that the
number of frames in the record is the number that `forensics.media.reader` gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av import VideoFrame
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from forensics.errors import InputError
from forensics.media import streams as packets
from forensics.media.colour import Colour, colour_of
from forensics.media.container import (
    RAW_DEMUXERS,
    Digests,
    codec_name,
    digest_file,
    digest_files,
    open_video,
    video_stream,
)
from forensics.media.geometry import Geometry, Turn, turn_of_matrix
from forensics.media.limits import DEFAULT, Limits
from forensics.media.picture import Header, read_header, read_picture
from forensics.media.quick import Folder, list_folder, quick_check, sniff_file
from forensics.media.walk import Clock, Lost, walk
from forensics.records import Source


@dataclass(frozen=True)
class Media:
    """A probed source: its record and what reader and writer need to open it again.

    ``pictures`` are the files of an image or a folder, in order; ``frame_rate_hint`` is the rate
    the container states (or the one assumed for a stream without time stamps).
    """

    path: Path
    source: Source
    limits: Limits
    geometry: Geometry
    colour: Colour | None = None
    demuxer: str = ""
    stream_index: int = 0
    time_base: Fraction | None = None
    frame_rate_hint: Fraction | None = None
    pictures: tuple[Path, ...] = ()

    def files(self) -> tuple[Path, ...]:
        """Every file of the source."""
        return self.pictures or (self.path,)

    def digests(self) -> Digests:
        """Digests and size of the source as it is now, comparable with those of ``source``."""
        return _digests(self.path, self.pictures)

    @property
    def unsupported_signal(self) -> str | None:
        """Name of a high dynamic range transfer whose faces are not restored; else None."""
        return self.colour.unsupported_signal if self.colour else None


def probe(path: Path, limits: Limits = DEFAULT) -> Media:
    """Examine a video, an image or a folder of frames.

    Raises `UsageError` when there is no such path, `InputError` when it is no footage, damaged
    beyond use or larger than ``limits``.
    """
    kind = quick_check(path)
    if kind == "frames":
        return _probe_folder(path, list_folder(path), limits)
    limits.check_bytes(path.name, path.stat().st_size)
    return _probe_image(path, limits) if kind == "image" else _probe_video(path, limits)


def _digests(path: Path, pictures: tuple[Path, ...]) -> Digests:
    return digest_files(pictures) if path.is_dir() else digest_file(path)


def readable(name: str) -> str:
    """A file name as text that every file format takes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


# ---------------------------------------------------------------- pictures


def _probe_image(path: Path, limits: Limits) -> Media:
    digests = digest_file(path)
    header = read_picture(path, limits).header
    return _pictures_media(path, digests, header, (path,), limits, ())


def _probe_folder(path: Path, folder: Folder, limits: Limits) -> Media:
    limits.check_frames(path.name, len(folder.pictures))
    limits.check_bytes(path.name, sum(p.stat().st_size for p in folder.pictures))
    headers: list[Header] = []
    damaged: list[str] = []
    for picture in folder.pictures:
        try:
            headers.append(read_header(picture, limits))
        except InputError as error:
            damaged.append(error.message)
    if not headers:
        raise InputError(f"no picture in {path.name} can be read; the first: {damaged[0]}")
    sizes: dict[tuple[int, int], str] = {}
    for header in headers:
        sizes.setdefault(header.geometry.display_size, header.name)
    if len(sizes) > 1:
        (a, b), names = list(sizes)[:2], list(sizes.values())
        raise InputError(
            f"the pictures in {path.name} differ in size: {names[0]} is {a[0]}x{a[1]}, "
            f"{names[1]} is {b[0]}x{b[1]} pixels",
            "Frames of one clip have one size. Audit unrelated pictures one by one, or as a batch.",
        )
    notes = []
    if folder.left_out:
        shown = ", ".join(readable(n) for n in folder.left_out[:5])
        more = ", ..." if len(folder.left_out) > 5 else ""
        notes.append(f"{len(folder.left_out)} entries are no pictures, left out: {shown}{more}")
    if damaged:
        notes.append(f"{len(damaged)} pictures cannot be read and count as failed frames")
    notes.append("frames follow each other in the natural order of their names, without times")
    digests = digest_files(folder.pictures)
    return _pictures_media(path, digests, headers[0], folder.pictures, limits, tuple(notes))


def _pictures_media(
    path: Path,
    digests: Digests,
    header: Header,
    pictures: tuple[Path, ...],
    limits: Limits,
    notes: tuple[str, ...],
) -> Media:
    geometry = header.geometry
    colour = {"matrix": "rgb", "range": "pc"}
    if header.icc_sha256:
        colour["icc_sha256"] = header.icc_sha256
    source = Source(
        file=readable(path.resolve().name),
        sha256=digests.sha256,
        sha512=digests.sha512,
        bytes=digests.bytes,
        kind="frames" if path.is_dir() else "image",
        width=geometry.coded_width,
        height=geometry.coded_height,
        sar="1:1",
        rotation=geometry.turn.clockwise_deg,
        display_width=geometry.display_size[0],
        display_height=geometry.display_size[1],
        frames=len(pictures),
        duration_s=None,
        time_base=None,
        vfr=False,
        container=header.format.lower(),
        codec=header.format.lower(),
        pix_fmt=f"{header.mode} {header.bits} bit",
        colour=colour,
        assumptions=(*header.notes, *_mirror_note(geometry.turn), *notes),
    )
    return Media(path, source, limits, geometry, pictures=pictures)


def _mirror_note(turn: Turn) -> tuple[str, ...]:
    return (
        ("the file says that it is stored mirrored; it was turned back",) if turn.mirrored else ()
    )


# ---------------------------------------------------------------- video


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


def _probe_video(path: Path, limits: Limits) -> Media:
    digests = digest_file(path)
    demuxer = sniff_file(path).demuxer
    with open_video(path, demuxer) as container:
        stream = video_stream(container, path.name)
        _check_declared(container, stream, path.name, limits)
        tally = packets.PacketTally()
        counted = _count(container, stream, path, limits, tally)
        others = tuple(
            packets.describe(other, tally, _outcome_hint(other, stream))
            for other in container.streams
            if other.index != stream.index
        )
        raw = demuxer in RAW_DEMUXERS
        rate = stream.guessed_rate or stream.average_rate
        note = container.metadata.get("comment") or container.metadata.get("title")
        codec, time_base = codec_name(stream), None if raw else stream.time_base
        index, format_name = stream.index, container.format.name
    width, height = counted.geometry.display_size
    source = Source(
        file=readable(path.name),
        sha256=digests.sha256,
        sha512=digests.sha512,
        bytes=digests.bytes,
        kind="video",
        width=counted.geometry.coded_width,
        height=counted.geometry.coded_height,
        sar=_ratio(counted.geometry.sar, ":"),
        rotation=counted.geometry.turn.clockwise_deg,
        display_width=width,
        display_height=height,
        frames=counted.frames,
        duration_s=_duration(counted, time_base, rate),
        time_base=None if time_base is None else _ratio(time_base, "/"),
        vfr=counted.clock.uneven,
        audio=tuple(s for s in others if s.kind == "audio"),
        other_streams=tuple(s for s in others if s.kind != "audio"),
        container=format_name,
        codec=codec,
        pix_fmt=counted.pix_fmt,
        colour=counted.colour.words(),
        assumptions=_assumptions(counted, rate if time_base is None else None),
        note=note,
    )
    return Media(
        path=path,
        source=source,
        limits=limits,
        geometry=counted.geometry,
        colour=counted.colour,
        demuxer=demuxer,
        stream_index=index,
        time_base=time_base,
        frame_rate_hint=rate,
    )


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
) -> _Counted:
    frames = lost = interlaced = damaged = 0
    clock = Clock()
    first: tuple[Geometry, Colour, str, int, tuple[str, ...]] | None = None
    why = "it holds no frame"
    for item in walk(container, stream, path, tally.add):
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
    return turn, _mirror_note(turn)


def _assumptions(counted: _Counted, assumed_rate: Fraction | None) -> tuple[str, ...]:
    out = [*counted.colour.assumed, *counted.notes]
    if assumed_rate is not None:
        out.append(
            f"the stream has no time stamps; {_ratio(assumed_rate, '/')} frames per second "
            "(its header's rate, or 25 where it states none) were assumed"
        )
    if counted.interlaced:
        out.append(f"{counted.interlaced} frames are interlaced and are examined as whole frames")
    if counted.damaged:
        out.append(f"{counted.damaged} frames were patched by the decoder because data are damaged")
    if counted.lost:
        out.append(f"{counted.lost} frames could not be decoded and count as failed")
    if counted.clock.backwards:
        out.append(f"{counted.clock.backwards} frames do not come later than the one before")
    if counted.bits > 8:
        out.append("high bit depth is reduced to 8 bits: the networks take 8 bits")
    if signal := counted.colour.unsupported_signal:
        out.append(
            f"the transfer is {signal} (high dynamic range); it is read without tone mapping"
        )
    return tuple(out)


def _duration(counted: _Counted, time_base: Fraction | None, rate: Fraction | None) -> float | None:
    if time_base is not None:
        return counted.clock.seconds(time_base)
    return float(counted.frames / rate) if rate else None


def _ratio(value: Fraction, sign: str) -> str:
    return f"{value.numerator}{sign}{value.denominator}"

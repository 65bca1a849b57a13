"""Probe: what a source is, exactly: digests, frames counted by decoding, times, streams, colour.

Promise: nothing is believed that can be counted.  Every frame is decoded once, in a child process
(`examine`), so that the number of frames in the record is the number that `reader` gives; the
digests are taken here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from forensics.errors import InputError
from forensics.media import examine
from forensics.media.apart import asking
from forensics.media.colour import Colour
from forensics.media.container import Digests, digest_file, digest_files
from forensics.media.decode import Footage, readable
from forensics.media.examine import Examined, OtherStream, mirror_note
from forensics.media.geometry import Geometry
from forensics.media.limits import DEFAULT, Limits
from forensics.media.losses import Losses
from forensics.media.picture import Header
from forensics.media.quick import Folder, list_folder, quick_check, sniff_file
from forensics.records import Source, Stream


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
    losses: Losses = field(default_factory=Losses, compare=False, repr=False)
    """Frames that a pass could not get; no later pass may show them."""

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

    def footage(self) -> Footage:
        """What decoding needs to know."""
        return Footage(
            path=self.path,
            limits=self.limits,
            geometry=self.geometry,
            colour=self.colour,
            demuxer=self.demuxer,
            stream_index=self.stream_index,
            time_base=self.time_base,
            pictures=self.pictures,
            folder=self.source.kind == "frames",
        )


@dataclass(frozen=True)
class _Here:
    """Examines in this process: for processes that were made for it."""

    def video(self, path: Path, demuxer: str, limits: Limits) -> Examined:
        return examine.examine_video(path, demuxer, limits, lambda: None)

    def pictures(
        self, paths: tuple[Path, ...], folder: bool, limits: Limits
    ) -> Iterable[Header | InputError]:
        return examine.examine_pictures(paths, folder, limits)


Examiner = _Here | asking.Apart


def probe(path: Path, limits: Limits = DEFAULT) -> Media:
    """Examine a video, an image or a folder of frames, in a child process.

    Raises `UsageError` when there is no such path, `InputError` when it is no footage, damaged
    beyond use, larger than ``limits``, or when the child crashes on it.
    """
    return _probe(path, limits, asking.Apart())


def probe_here(path: Path, limits: Limits = DEFAULT) -> Media:
    """The same in this process, for a process that was made to parse what strangers send."""
    return _probe(path, limits, _Here())


def _probe(path: Path, limits: Limits, examiner: Examiner) -> Media:
    kind = quick_check(path)
    if kind == "frames":
        return _probe_folder(path, list_folder(path), limits, examiner)
    limits.check_bytes(path.name, path.stat().st_size)
    if kind == "image":
        return _probe_image(path, limits, examiner)
    return _probe_video(path, limits, examiner)


def _digests(path: Path, pictures: tuple[Path, ...]) -> Digests:
    return digest_files(pictures) if path.is_dir() else digest_file(path)


# ---------------------------------------------------------------- pictures


def _probe_image(path: Path, limits: Limits, examiner: Examiner) -> Media:
    digests = digest_file(path)
    (header,) = examiner.pictures((path,), False, limits)
    if isinstance(header, InputError):
        raise header
    return _pictures_media(path, digests, header, (path,), limits, ())


def _probe_folder(path: Path, folder: Folder, limits: Limits, examiner: Examiner) -> Media:
    limits.check_frames(path.name, len(folder.pictures))
    limits.check_bytes(path.name, sum(p.stat().st_size for p in folder.pictures))
    headers: list[Header] = []
    damaged: list[str] = []
    for found in examiner.pictures(folder.pictures, True, limits):
        if isinstance(found, InputError):
            damaged.append(found.message)
        else:
            headers.append(found)
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
    first = replace(headers[0], declared=next((h.declared for h in headers if h.declared), None))
    return _pictures_media(path, digests, first, folder.pictures, limits, tuple(notes))


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
        assumptions=(*header.notes, *mirror_note(geometry.turn), *notes),
        declared=header.declared,
    )
    return Media(path, source, limits, geometry, pictures=pictures)


# ---------------------------------------------------------------- video


def _probe_video(path: Path, limits: Limits, examiner: Examiner) -> Media:
    digests = digest_file(path)
    demuxer = sniff_file(path).demuxer
    found = examiner.video(path, demuxer, limits)
    geometry = found.geometry
    time_base, rate = _fraction(found.time_base), _fraction(found.rate)
    others = tuple(_stream(other) for other in found.others)
    width, height = geometry.display_size
    source = Source(
        file=readable(path.name),
        sha256=digests.sha256,
        sha512=digests.sha512,
        bytes=digests.bytes,
        kind="video",
        width=geometry.coded_width,
        height=geometry.coded_height,
        sar=_ratio(geometry.sar, ":"),
        rotation=geometry.turn.clockwise_deg,
        display_width=width,
        display_height=height,
        frames=found.frames,
        duration_s=_duration(found, time_base, rate),
        time_base=None if time_base is None else _ratio(time_base, "/"),
        vfr=found.clock.uneven,
        audio=tuple(s for s in others if s.kind == "audio"),
        other_streams=tuple(s for s in others if s.kind != "audio"),
        container=found.container,
        codec=found.codec,
        pix_fmt=found.pix_fmt,
        colour=found.colour.words(),
        assumptions=_assumptions(found, rate if time_base is None else None),
        note=found.said,
        declared=found.declared,
    )
    return Media(
        path=path,
        source=source,
        limits=limits,
        geometry=geometry,
        colour=found.colour,
        demuxer=demuxer,
        stream_index=found.index,
        time_base=time_base,
        frame_rate_hint=rate,
    )


def _stream(other: OtherStream) -> Stream:
    """The record of a stream before anything is written."""
    return Stream(
        index=other.index,
        kind=other.kind,
        codec=other.codec,
        packets=other.packets,
        packets_sha256=other.packets_sha256,
        outcome="dropped" if other.dropped else "copied",
        reason=other.dropped,
    )


def _fraction(value: tuple[int, int] | None) -> Fraction | None:
    return None if value is None else Fraction(*value)


def _assumptions(found: Examined, assumed_rate: Fraction | None) -> tuple[str, ...]:
    out = [*found.colour.assumed, *found.notes]
    if assumed_rate is not None:
        out.append(
            f"the stream has no time stamps; {_ratio(assumed_rate, '/')} frames per second "
            "(its header's rate, or 25 where it states none) were assumed"
        )
    if found.interlaced:
        out.append(f"{found.interlaced} frames are interlaced and are examined as whole frames")
    if found.damaged:
        out.append(f"{found.damaged} frames were patched by the decoder because data are damaged")
    if found.lost:
        out.append(f"{found.lost} frames could not be decoded and count as failed")
    if found.clock.backwards:
        out.append(f"{found.clock.backwards} frames do not come later than the one before")
    if found.bits > 8:
        out.append("high bit depth is reduced to 8 bits: the networks take 8 bits")
    if signal := found.colour.unsupported_signal:
        out.append(
            f"the transfer is {signal} (high dynamic range); it is read without tone mapping"
        )
    return tuple(out)


def _duration(found: Examined, time_base: Fraction | None, rate: Fraction | None) -> float | None:
    if time_base is not None:
        return found.clock.seconds(time_base)
    return float(found.frames / rate) if rate else None


def _ratio(value: Fraction, sign: str) -> str:
    return f"{value.numerator}{sign}{value.denominator}"

"""Copier: carries sound, subtitles and covers over, packet by packet, and proves it afterwards.

What MP4 cannot hold goes into a file of its own beside the clip.  Nothing is transcoded; what
cannot be carried at all is reported as dropped with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from forensics import records
from forensics.errors import InputError
from forensics.media.container import codec_name, open_video, reason_of
from forensics.media.declaration import KEY, described
from forensics.media.probe import Media
from forensics.media.streams import PacketTally, fits_mp4, kind_of, other_packets

_SIDECAR_ENDINGS = {"audio": "mka", "subtitle": "mks"}
# A text sample of MP4 without text: where nothing is spoken. FFmpeg writes these into gaps itself,
# so a copied one would stand there twice.
_SILENT_TEXT = b"\x00\x00"
_COVER_ENDINGS = {"mjpeg": "jpg", "png": "png", "bmp": "bmp"}


@dataclass
class _Route:
    """Where the packets of one source stream go.

    Both indices are kept as numbers: a stream must not be touched once its container is closed.
    """

    index: int
    codec: str = ""
    target: Stream | None = None
    target_index: int = -1
    box: OutputContainer | None = None
    part: Path | None = None  # a sidecar while it is written
    final: Path | None = None
    broke: str | None = None


@dataclass
class StreamCopier:
    """Copies every stream but the restored one, in step with the frames being written."""

    media: Media
    clip: Path
    _routes: dict[int, _Route] = field(default_factory=dict)
    _tally: PacketTally = field(default_factory=PacketTally)
    _stack: ExitStack = field(default_factory=ExitStack)
    _packets: Iterator[Packet[Any]] = field(default_factory=lambda: iter(()))
    _held: Packet[Any] | None = None
    _closed: bool = False

    def open(self, out: OutputContainer) -> None:
        """Plan a route for each stream; to be called before the first packet is written."""
        source = self._stack.enter_context(open_video(self.media.path, self.media.demuxer))
        for stream in source.streams:
            if stream.index != self.media.stream_index:
                self._routes[stream.index] = self._route(stream, out)
        chosen = {index for index, route in self._routes.items() if not route.broke}
        self._packets = other_packets(source, chosen)
        _copy_facts(source, out)

    def _route(self, stream: Stream, out: OutputContainer) -> _Route:
        kind = kind_of(stream)
        if kind == "video":
            return _Route(stream.index, broke="only one video stream is restored")
        if kind == "cover":
            return self._cover(stream)
        if kind not in _SIDECAR_ENDINGS:
            return _Route(stream.index, broke=f"{kind} streams are not carried over")
        try:
            if fits_mp4(stream):
                target = out.add_stream_from_template(stream)
                return _Route(stream.index, codec_name(stream), target, target.index, out)
            return self._sidecar(stream, kind)
        except (av.FFmpegError, ValueError) as error:
            return _Route(stream.index, broke=f"no container takes it: {reason_of(error)}")

    def _sidecar(self, stream: Stream, kind: str) -> _Route:
        # AAC with ADTS headers lives unchanged in a transport stream alone.
        adts = codec_name(stream) == "aac"
        ending, format_ = ("ts", "mpegts") if adts else (_SIDECAR_ENDINGS[kind], "matroska")
        final = self.clip.with_name(f"{self.clip.stem}.{kind}{stream.index}.{ending}")
        part = final.with_name(f".{final.name}.part")
        options = {"fflags": "+bitexact"}
        box = self._stack.enter_context(av.open(str(part), "w", format=format_, options=options))
        target = box.add_stream_from_template(stream)
        return _Route(stream.index, codec_name(stream), target, target.index, box, part, final)

    def _cover(self, stream: Stream) -> _Route:
        ending = _COVER_ENDINGS.get(codec_name(stream))
        if ending is None:
            return _Route(
                stream.index, broke=f"a cover picture as {codec_name(stream)} is not kept"
            )
        final = self.clip.with_name(f"{self.clip.stem}.cover{stream.index}.{ending}")
        return _Route(stream.index, part=final.with_name(f".{final.name}.part"), final=final)

    def advance(self, until_s: Fraction | None) -> None:
        """Copy packets up to a time of the clip; None copies the rest."""
        while True:
            packet = self._held if self._held is not None else next(self._packets, None)
            self._held = None
            if packet is None:
                return
            if until_s is not None and _time_s(packet) > until_s:
                self._held = packet
                return
            self._put(packet)

    def _put(self, packet: Packet[Any]) -> None:
        route = self._routes[packet.stream_index]
        if route.broke or (route.codec == "mov_text" and bytes(packet) == _SILENT_TEXT):
            return
        if route.box is None or route.target is None:
            if route.part is not None and not route.part.exists():
                route.part.write_bytes(bytes(packet))
                self._tally.add(packet)
            return
        self._tally.add(packet)
        packet.stream = route.target
        try:
            route.box.mux_one(packet)
        except (av.FFmpegError, ValueError) as error:
            route.broke = f"copying broke off: {reason_of(error)}"

    def finish(self) -> None:
        """Copy what is left and close the source and every sidecar."""
        self.advance(None)
        self._close()

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._stack.close()

    def settle(self, clip_part: Path) -> tuple[records.Stream, ...]:
        """Compare written packets with the source's, name the sidecars; one record per stream."""
        copied = _read_back(clip_part, [r for r in self._routes.values() if r.part is None])
        return tuple(
            self._record(index, route, copied.get(index)) for index, route in self._routes.items()
        )

    def _record(self, index: int, route: _Route, written: str | None) -> records.Stream:
        expected = self._tally.digest(index)
        outcome, reason = "copied", None
        if route.part is not None and not route.part.exists() and not route.broke:
            route.broke = "it holds no packet that could be copied"
        if route.part is not None and route.final is not None and not route.broke:
            outcome = "sidecar"
            reason = f"MP4 does not hold it; copied unchanged to {route.final.name}"
            if route.box is not None:
                written = _read_back(route.part, [route]).get(index)
            elif route.part.exists():
                written = expected
            if route.part.exists():
                route.part.replace(route.final)
        if route.broke:
            outcome, reason = "dropped", route.broke
            if route.part is not None:
                route.part.unlink(missing_ok=True)
        elif written != expected:
            outcome, reason = "dropped", "the packets read back differ from the source's"
        before = _before(self.media, index)
        return before.model_copy(update={"outcome": outcome, "reason": reason})

    def abort(self) -> None:
        """Close everything and remove the sidecars."""
        self._close()
        for route in self._routes.values():
            for path in (route.part, route.final):
                if path is not None:
                    path.unlink(missing_ok=True)


def _before(media: Media, index: int) -> records.Stream:
    known = (*media.source.audio, *media.source.other_streams)
    return next(stream for stream in known if stream.index == index)


def _time_s(packet: Packet[Any]) -> Fraction:
    moment = packet.dts if packet.dts is not None else packet.pts
    if moment is None or packet.time_base is None:
        return Fraction(0)
    return moment * packet.time_base


def _read_back(path: Path, routes: list[_Route]) -> dict[int, str | None]:
    """Digest of what was written, by index of the source's stream."""
    targets = {r.target_index: r.index for r in routes if r.target_index >= 0}
    if not targets:
        return {}
    texts = {r.target_index for r in routes if r.codec == "mov_text"}
    tally = PacketTally()
    demuxer = {"mp4": "mov", "mka": "matroska", "mks": "matroska", "ts": "mpegts"}
    ending = path.name.removesuffix(".part").rpartition(".")[2]
    try:
        with open_video(path, demuxer[ending]) as container:
            for packet in other_packets(container, set(targets)):
                if packet.stream_index not in texts or bytes(packet) != _SILENT_TEXT:
                    tally.add(packet)
    except InputError:
        return {}
    return {source: tally.digest(target) for target, source in targets.items()}


_OWN_KEYS = {"major_brand", "minor_version", "compatible_brands", "encoder", "creation_time"}


def _copy_facts(source: InputContainer, out: OutputContainer) -> None:
    """Carry over what the maker said (title, comment, chapters), and say what was done."""
    said = {k: v for k, v in source.metadata.items() if k.lower() not in _OWN_KEYS}
    theirs = next((said.pop(k) for k in list(said) if k.lower() == KEY), None)  # Matroska shouts
    out.metadata.update({**said, KEY: described(theirs)})
    if chapters := source.chapters():
        out.set_chapters(chapters)

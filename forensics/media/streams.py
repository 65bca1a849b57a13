"""Streams: packets of sound, subtitles and data, counted and hashed, so that a copy can be proven.

A stream's digest is SHA-256 over each packet's length (8 bytes, big-endian) and bytes, in order.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

from forensics.errors import InputError
from forensics.media.container import codec_name, open_video
from forensics.media.quick import sniff_file

if TYPE_CHECKING:
    from hashlib import _Hash

# What MP4 holds and common players play. PCM is not among it: MP4 with PCM opens almost nowhere.
MP4_CODECS = frozenset({"aac", "mp3", "mp3float", "mp2", "ac3", "eac3", "opus", "flac", "alac"})
MP4_SUBTITLES = frozenset({"mov_text"})


@dataclass
class PacketTally:
    """Counts and hashes packets by stream while they pass."""

    counts: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    hashes: dict[int, _Hash] = field(default_factory=lambda: defaultdict(hashlib.sha256))

    def add(self, packet: Packet[Stream]) -> None:
        """Take one packet."""
        data = bytes(packet)
        self.counts[packet.stream_index] += 1
        self.hashes[packet.stream_index].update(len(data).to_bytes(8, "big") + data)

    def digest(self, index: int) -> str | None:
        """Hex digest of a stream; None when no packet of it passed."""
        return self.hashes[index].hexdigest() if self.counts.get(index) else None


def kind_of(stream: Stream) -> str:
    """audio, subtitle, data, attachment, video, or cover (a still picture beside the sound)."""
    if stream.type == "video" and stream.disposition & Disposition.attached_pic:
        return "cover"
    return str(stream.type)


def fits_mp4(stream: Stream) -> bool:
    """Whether MP4 takes this stream's packets unchanged."""
    codec, context = codec_name(stream), stream.codec_context
    if stream.type == "subtitle":
        return codec in MP4_SUBTITLES
    if stream.type != "audio" or codec not in MP4_CODECS:
        return False
    # AAC with ADTS headers would have to be rewritten packet by packet.
    return codec != "aac" or bool(context is not None and context.extradata)


def other_packets(container: InputContainer, chosen: set[int]) -> Iterator[Packet[Stream]]:
    """Packets of the chosen streams in file order, without the empty ones that end a stream."""
    wanted = [stream for stream in container.streams if stream.index in chosen]
    if wanted:
        yield from (packet for packet in container.demux(*wanted) if packet.size)


def packet_digest(path: Path, kind: str = "audio") -> str:
    """Digest of all packets of one kind ("audio", "subtitle", ...) in a file, stream by stream.

    Equal for a source and its restored clip when every packet was copied bit for bit.
    Raises `InputError` when the file has no such stream.
    """
    tally = PacketTally()
    with open_video(path, sniff_file(path).demuxer) as container:
        indices = [s.index for s in container.streams if kind_of(s) == kind]
        if not indices:
            raise InputError(f"{path.name} holds no {kind} stream")
        for packet in other_packets(container, set(indices)):
            tally.add(packet)
    whole = hashlib.sha256()
    for index in indices:
        whole.update((tally.digest(index) or "").encode())
    return whole.hexdigest()

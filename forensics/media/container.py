"""Container: opens one video file so that FFmpeg can read this file and nothing else.

FFmpeg guesses the format from content and then follows what it finds: an ffconcat script named
``.mp4`` makes it open other local files, whatever the protocol list says.  Hence a file *object*,
a format list that holds only the one format our own look at the first bytes found, and no protocol
at all.  Where FFmpeg's guess differs from ours, the file is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from forensics.errors import InputError

# FFmpeg's own name list of each demuxer that may be opened.
FORMATS = {
    "mov": "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska": "matroska,webm",
    "avi": "avi",
    "mpegts": "mpegts",
    "h264": "h264",
    "hevc": "hevc",
}
RAW_DEMUXERS = frozenset({"h264", "hevc"})
"""Streams without a container: they carry no time stamps."""

BLOCK_BYTES = 1 << 20


@contextmanager
def open_video(path: Path, demuxer: str) -> Iterator[InputContainer]:
    """Open a file with exactly that demuxer. Raises `InputError`."""
    allowed = FORMATS[demuxer]
    with path.open("rb") as file:
        try:
            container = av.open(
                file,
                "r",
                options={"format_whitelist": allowed, "protocol_whitelist": "none"},
                metadata_errors="replace",
            )
        except (av.FFmpegError, ValueError) as error:
            raise InputError(
                f"{path.name} cannot be opened as video: {reason_of(error)}",
                "The file may be damaged or incomplete; fetch or copy it again.",
            ) from error
        with container:
            if container.format.name != allowed:
                raise InputError(f"{path.name} opened as {container.format.name}, not {allowed}")
            yield container


def reason_of(error: BaseException) -> str:
    """FFmpeg's words for an error, without its number and our file handle's name."""
    return getattr(error, "strerror", None) or str(error)


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """The first stream of moving pictures. Raises `InputError` when there is none to decode."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise InputError(f"{name} holds video in a coding that no decoder here reads")
            return stream
    kinds = ", ".join(sorted({str(stream.type) for stream in container.streams}))
    raise InputError(f"{name} holds no video stream (it holds {kinds or 'nothing'})")


def codec_name(stream: Stream) -> str:
    """FFmpeg's name of a stream's codec; "unknown" where no decoder exists."""
    context = stream.codec_context
    return "unknown" if context is None else str(context.name)


@dataclass(frozen=True)
class Digests:
    """Digests and length of a file, or of a folder's list of files."""

    sha256: str
    sha512: str
    bytes: int


def digest_file(path: Path) -> Digests:
    """SHA-256 and SHA-512 of a file, read once in blocks."""
    short, long, count = hashlib.sha256(), hashlib.sha512(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            short.update(block)
            long.update(block)
            count += len(block)
    return Digests(short.hexdigest(), long.hexdigest(), count)


def digest_files(paths: tuple[Path, ...]) -> Digests:
    """Digest of several files: of the lines ``DIGEST  NAME`` in order, as sha256sum prints them."""
    short, long, count = hashlib.sha256(), hashlib.sha512(), 0
    for path in paths:
        one = digest_file(path)
        name = path.name.encode("utf-8", "surrogateescape")
        short.update(one.sha256.encode() + b"  " + name + b"\n")
        long.update(one.sha512.encode() + b"  " + name + b"\n")
        count += one.bytes
    return Digests(short.hexdigest(), long.hexdigest(), count)

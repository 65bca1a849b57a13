"""Frame hash: a digest of every decoded frame, in the text format of FFmpeg's own tool.

Line by line equal, apart from the ``#software`` line, to::

    ffmpeg -noautorotate -copyts -i FILE -map 0:v:0 -fps_mode passthrough -enc_time_base -1 \\
        -f framehash -hash sha256 -

Where times are uneven the tool estimates the column ``duration``; here it is the stream's own.
Hashes and sizes are also those of the plain command; its times are rounded to the frame rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from forensics.children import ChildStopped
from forensics.media.apart.asking import text_apart
from forensics.media.container import open_video, video_stream
from forensics.media.decode import native_bytes, native_sha256
from forensics.media.quick import sniff_file
from forensics.media.walk import Lost, walk

SOFTWARE = "restoration-forensics"


def framehash_text(path: Path) -> str:
    """Framehash version 2 of a video's first moving stream, decoded in a child process.

    A frame that cannot be decoded is a comment line that starts with ``#lost``; the last such line
    may say that the decoder stopped there.  Raises `InputError`.
    """
    parts: list[str] = []
    try:
        parts.extend(text_apart("framehash", path))
    except ChildStopped as error:
        frames = sum(_is_frame(line) for part in parts for line in part.splitlines())
        parts.append(f"#lost {frames + 1} and all after it: {error.message}\n")
    return "".join(parts)


def _is_frame(line: str) -> bool:
    return line.startswith("#lost ") or not line.startswith("#")


def framehash_lines(path: Path) -> Iterator[str]:
    """The same text, line by line, in bounded memory, decoded in this process."""
    with open_video(path, sniff_file(path).demuxer) as container:
        stream = video_stream(container, path.name)
        rate = stream.guessed_rate or Fraction(25)
        time_base = stream.time_base or 1 / rate
        started = False
        ticks = 1 / (rate * time_base)
        for item in walk(container, stream, path):
            if isinstance(item, Lost):
                yield f"#lost {item.frame}: {item.reason}\n"
                continue
            picture = item.picture
            if not started:
                sar = stream.sample_aspect_ratio or Fraction(0)
                yield from _header(time_base, picture.width, picture.height, sar)
                started = True
            pts = item.pts if item.pts is not None else round((item.frame - 1) * ticks)
            duration = item.duration if item.duration is not None else round(ticks)
            size = len(native_bytes(picture))
            digest = native_sha256(picture)
            yield f"0, {pts:10d}, {pts:10d}, {duration:8d}, {size:8d}, {digest}\n"


def _header(time_base: Fraction, width: int, height: int, sar: Fraction) -> Iterator[str]:
    yield "#format: frame checksums\n#version: 2\n#hash: SHA256\n"
    yield f"#software: {SOFTWARE}\n"
    yield f"#tb 0: {time_base.numerator}/{time_base.denominator}\n"
    yield "#media_type 0: video\n#codec_id 0: rawvideo\n"
    yield f"#dimensions 0: {width}x{height}\n"
    yield f"#sar 0: {sar.numerator}/{sar.denominator}\n"
    yield "#stream#, dts,        pts, duration,     size, hash\n"

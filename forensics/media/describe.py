"""Describe: what a container states about itself, and a digest of every packet, undecoded.

Packet digests show cuts and reordering where frames could be decoded differently.  The text is
that of ``ffmpeg -copyts -i FILE -map 0 -c copy -f framehash -hash sha256 -``, apart from the lines
``#software`` and ``#sar``.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Stream

from forensics.children import ChildStopped
from forensics.errors import InputError
from forensics.media.apart.asking import container_facts_apart, text_apart
from forensics.media.container import codec_name, open_video, reason_of
from forensics.media.quick import sniff_file

Plain = str | int | float | bool | None
MAX_TAGS = 200
MAX_CHAPTERS = 1000


def container_facts(path: Path) -> dict[str, object]:
    """What the headers of a video say, as ffprobe would: container, streams, chapters, tags.

    Nothing here is believed elsewhere; frames are counted by decoding.  Read in a child process.
    Raises `InputError`.
    """
    return container_facts_apart(path)


def container_facts_here(path: Path) -> dict[str, object]:
    """The same in this process, for a process that was made to parse what strangers send."""
    with open_video(path, sniff_file(path).demuxer) as container:
        return {
            "format": container.format.name,
            "long_name": container.format.long_name,
            "start_time_us": container.start_time,
            "duration_us": container.duration,
            "bit_rate": container.bit_rate,
            "tags": _tags(container.metadata),
            "streams": [_stream(stream) for stream in container.streams],
            "chapters": _chapters(container),
        }


def library_facts() -> dict[str, str]:
    """Versions and build options of the FFmpeg libraries that decoded and encoded."""
    versions = {
        name: ".".join(str(part) for part in version)
        for name, version in av.library_versions.items()
    }
    options = {str(facts.get("configuration", "")) for facts in _library_meta().values()}
    return {"pyav": av.__version__, **versions, "configuration": "; ".join(sorted(options))}


def _library_meta() -> dict[str, dict[str, object]]:
    from av import _core

    return dict(getattr(_core, "library_meta", {}))


def _stream(stream: Stream) -> dict[str, object]:
    context: CodecContext | None = stream.codec_context  # None where no decoder exists
    facts: dict[str, object] = {
        "index": stream.index,
        "type": str(stream.type),
        "codec": codec_name(stream),
        "profile": stream.profile,
        "time_base": _ratio(stream.time_base),
        "start_time": stream.start_time,
        "duration": stream.duration,
        "frames_stated": stream.frames,
        "disposition": stream.disposition.name,
        "tags": _tags(stream.metadata),
    }
    if context is None:
        return facts
    facts["codec_tag"] = context.codec_tag.encode("unicode_escape", "replace").decode()
    facts["bit_rate"] = context.bit_rate
    facts["extradata_bytes"] = context.extradata_size
    for name in (
        "width", "height", "coded_width", "coded_height", "pix_fmt", "has_b_frames",
        "sample_rate", "channels", "color_range", "colorspace", "color_primaries", "color_trc",
        "sample_aspect_ratio", "average_rate", "base_rate", "guessed_rate",
    ):  # fmt: skip
        value = getattr(context, name, None)
        if value is None:
            value = getattr(stream, name, None)
        if value is not None:
            facts[name] = _plain(value)
    return facts


def _chapters(container: InputContainer) -> list[dict[str, object]]:
    return [
        {
            "start": chapter["start"],
            "end": chapter["end"],
            "time_base": _ratio(chapter["time_base"]),
            "tags": _tags(chapter["metadata"]),
        }
        for chapter in container.chapters()[:MAX_CHAPTERS]
    ]


def _tags(found: dict[str, str]) -> dict[str, str]:
    return {str(key): str(value) for key, value in list(found.items())[:MAX_TAGS]}


def _ratio(value: Fraction | None) -> str | None:
    return None if value is None else f"{value.numerator}/{value.denominator}"


def _plain(value: object) -> Plain:
    if isinstance(value, Fraction):
        return _ratio(value)
    if isinstance(value, bool | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return int(value) if isinstance(value, int) else str(value)


def packet_hash_text(path: Path) -> str:
    """A digest of every packet of every stream, in file order; read in a child process.

    Raises `InputError`.
    """
    try:
        return "".join(text_apart("packets", path))
    except ChildStopped as error:
        raise InputError(f"the packets of {path.name} could not be listed: {error}") from error


def packet_hash_here(path: Path, beat: Callable[[], None]) -> str:
    """The same in this process; ``beat`` is called for every packet."""
    text = io.BytesIO()
    with open_video(path, sniff_file(path).demuxer) as container:
        try:
            with av.open(text, "w", format="framehash", options={"hash": "sha256"}) as out:
                copies = {s.index: out.add_stream_from_template(s) for s in container.streams}
                for packet in container.demux():
                    beat()
                    if packet.size:
                        packet.stream = copies[packet.stream_index]
                        out.mux_one(packet)
        except (av.FFmpegError, ValueError) as error:
            raise InputError(
                f"the packets of {path.name} could not be listed: {reason_of(error)}"
            ) from error
    return text.getvalue().decode("utf-8")

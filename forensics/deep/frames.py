"""Deep checks, frames: every frame decoded again and held against what the bundle recorded.

Videos are compared line by line with the framehash files, pictures with the digests of their
pixels in frames.jsonl.  A difference names the first frame that differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, Final, Literal

from forensics.deep.child import LIBRARY
from forensics.deep.process import Caps, ChildRefused, ChildStopped, child_lines
from forensics.evidence.tree import Tree

MAX_LINE_BYTES: Final = 4096
_NAMES: Final = {"original": "original", "restored": "restored file"}
# Codecs whose standard fixes every bit of the decoded picture: a difference is no question of the
# decoder's version.
EXACT_CODECS: Final = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "ffv1", "png"})


@dataclass(frozen=True)
class Outcome:
    """What came of one medium; ``words`` are for a reader."""

    state: Literal["same", "differs", "unsure", "stopped"]
    words: str


def compare_video(
    tree: Tree, kind: str, path: Path, codec: str | None, recorded: str | None, caps: Caps
) -> Outcome:
    """Decode ``path`` and compare with ``frames/KIND.framehash``.

    ``recorded`` is the version of the decoder that wrote that file.
    """
    listed = f"data/frames/{kind}.framehash"
    job = {"do": "framehash", "path": str(path)}
    with tree.open(listed) as stream, closing(child_lines(job, caps)) as lines:
        return _judge(
            _NAMES[kind], _decoded(lines), _recorded_lines(stream), codec, recorded, with_times=True
        )


def compare_pictures(kind: str, path: Path, digests: Iterable[str | None], caps: Caps) -> Outcome:
    """Decode a picture or a folder of pictures and compare with ``digests``, in frame order."""
    job = {"do": "pixels", "path": str(path)}
    expected = (f"{n} {digest or '-'}" for n, digest in enumerate(digests, 1))
    with closing(child_lines(job, caps)) as lines:
        return _judge(_NAMES[kind], _decoded(lines), expected, "png", None, with_times=False)


@dataclass
class _Decoder:
    """Lines of a child without its comments; ``library`` is what it said of itself."""

    lines: Iterator[str]
    library: str = "its version is unknown"

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            if line.startswith(LIBRARY):
                self.library = line[len(LIBRARY) :].strip()
            elif (kept := _kept(line)) is not None:
                yield kept


def _decoded(lines: Iterator[str]) -> _Decoder:
    return _Decoder(lines)


def _kept(line: str) -> str | None:
    """A line as it is compared: without the tool's name and the words of a loss."""
    line = line.rstrip("\n")
    if line.startswith("#lost "):
        return line.partition(":")[0]
    return None if line.startswith("#software") else line


def _recorded_lines(stream: BinaryIO) -> Iterator[str]:
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        if len(raw) > MAX_LINE_BYTES:
            yield "a line that is too long"
            return
        if (kept := _kept(raw.decode("utf-8", "replace"))) is not None:
            yield kept


def _judge(
    kind: str,
    decoder: _Decoder,
    expected: Iterable[str],
    codec: str | None,
    recorded: str | None,
    with_times: bool,
) -> Outcome:
    frame = 0
    try:
        for found, wanted in zip_longest(decoder, expected):
            counted = found if found is not None else wanted
            frame += not (counted or "").startswith("#") or (counted or "").startswith("#lost ")
            if found != wanted:
                return _different(kind, frame, found, wanted, decoder.library, codec, recorded)
    except ChildRefused as error:
        return Outcome("differs", f"the {kind} cannot be decoded: {error}")
    except ChildStopped as error:
        return Outcome("stopped", f"decoding the {kind} again gave nothing: {error}")
    what = "hashes and times" if with_times else "pixels"
    note = f" (decoded by {decoder.library})"
    if recorded is not None and recorded not in decoder.library:
        note = f" (decoded by {decoder.library} here, by {recorded} then)"
    words = f"{frame} decoded frame(s) of the {kind} have the recorded {what}{note}"
    return Outcome("same", words)


def _different(
    kind: str,
    frame: int,
    found: str | None,
    wanted: str | None,
    library: str,
    codec: str | None,
    recorded: str | None,
) -> Outcome:
    if found is None:
        words = f"the {kind} ends before frame {frame}, which the bundle records"
    elif wanted is None:
        words = f"the {kind} holds a frame {frame} that the bundle does not record"
    elif wanted.startswith("#") and not wanted.startswith("#lost "):
        words = f"the header of the {kind}'s frame hashes differs: {wanted[:80]!r}"
    else:
        words = f"frame {frame} of the {kind} is the first that differs from its recorded hash"
    other = recorded is not None and recorded not in library
    if other:
        words += f" (decoded by {library} here, by {recorded} then)"
    if other and codec not in EXACT_CODECS:
        return Outcome("unsure", f"{words}; {codec} may be decoded otherwise by another version")
    return Outcome("differs", words)

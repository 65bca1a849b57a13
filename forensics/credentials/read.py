"""Credentials, read: what credentials files carry, with every failure, as records.

No network: an address inside a file is named, never asked.  Without trust anchors nobody's
signature is called trusted; whether it is one at all is still checked.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ValidationError

from forensics.credentials.process import Answer, ChildStopped, run
from forensics.record_credentials import Credentials

MAX_SECONDS: Final = 60.0  # a busy machine is no reason to call a file unreadable
SECONDS_PER_GB: Final = 20.0
MAX_FAILURES: Final = 50
_PER_CHILD: Final = 64  # open files handed over at once
_ORDER: Final = {"Trusted": 0, "Valid": 1, "Invalid": 2}
KINDS: Final = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".qt": "video/quicktime",
    ".avi": "video/avi", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg", ".tif": "image/tiff", ".tiff": "image/tiff", ".webp": "image/webp",
    ".gif": "image/gif",
}  # fmt: skip
"""MIME types by ending, for writing; reading goes by content."""
_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"II*\0", 0, "image/tiff"),
    (b"MM\0*", 0, "image/tiff"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"AVI ", 8, "video/avi"),
    (b"ftypqt", 4, "video/quicktime"),
    (b"ftypheic", 4, "image/heic"),
    (b"ftypavif", 4, "image/avif"),
    (b"ftyp", 4, "video/mp4"),
    (b"moov", 4, "video/quicktime"),
    (b"mdat", 4, "video/quicktime"),
)
OTHER_KIND: Final = "application/octet-stream"


@dataclass(frozen=True)
class Medium:
    """An open file whose credentials are wanted; ``sidecar`` holds them when they lie apart."""

    name: str
    file: BinaryIO
    sidecar: bytes | None = None


def kind_of(head: bytes) -> str:
    """MIME type by the first 16 bytes of a file; `OTHER_KIND` for anything else.

    The ending of a name is its sender's word, so it is not asked.
    """
    for start, offset, kind in _STARTS:
        if head[offset : offset + len(start)] == start:
            return kind
    return OTHER_KIND


def read_media(media: Sequence[Medium], anchors_pem: str | None = None) -> list[Credentials]:
    """Credentials of each medium, in order; a crash or a hang of the reader is ``unreadable``.

    ``anchors_pem`` holds the root certificates that may vouch for signers.  Raises
    `EnvironmentLacks` when the library is not installed.
    """
    found: list[Credentials] = []
    for start in range(0, len(media), _PER_CHILD):
        found += _read_some(media[start : start + _PER_CHILD], anchors_pem)
    return found


def read_files(paths: Sequence[Path], anchors_pem: str | None = None) -> list[Credentials]:
    """`read_media` of files by path; a folder of any length."""
    found: list[Credentials] = []
    for start in range(0, len(paths), _PER_CHILD):
        with _opened(paths[start : start + _PER_CHILD]) as media:
            found += read_media(media, anchors_pem)
    return found


def gather(found: Sequence[tuple[str, Credentials]]) -> Credentials:
    """One record for a medium of one or several files, given with their names in order."""
    if len(found) == 1:
        only = found[0][1]
        return only.model_copy(update={"files_with": int(only.outcome == "found")})
    with_credentials = [(name, one) for name, one in found if one.outcome == "found"]
    unreadable = [(name, one) for name, one in found if one.outcome == "unreadable"]
    counts = {"files": len(found), "files_with": len(with_credentials)}
    if not with_credentials:
        name, one = (unreadable or list(found))[0]
        named = {"file": name} if unreadable else {}
        return one.model_copy(update={**counts, **named})
    name, first = with_credentials[0]
    worst = max((one.state or "Invalid" for _, one in with_credentials), key=_ORDER.__getitem__)
    failures = [
        failure.model_copy(update={"place": f"{failure.place} ({name})"})
        for name, one in with_credentials
        for failure in one.failures
    ]
    reason = None
    if unreadable:
        reason = (
            f"{len(unreadable)} of {len(found)} files could not be read: {unreadable[0][1].reason}"
        )
    return first.model_copy(
        update={
            **counts,
            "file": name,
            "state": worst,
            "failures": tuple(failures[:MAX_FAILURES]),
            "reason": reason,
        }
    )


@contextmanager
def _opened(paths: Sequence[Path]) -> Iterator[list[Medium]]:
    media: list[Medium] = []
    try:
        media += [Medium(path.name, path.open("rb")) for path in paths]
        yield media
    finally:
        for medium in media:
            medium.file.close()


def _read_some(media: Sequence[Medium], anchors_pem: str | None) -> list[Credentials]:
    jobs = [_job(medium) for medium in media]
    size = sum(_size(medium.file) for medium in media)
    seconds = MAX_SECONDS + SECONDS_PER_GB * size / 1e9
    handles = [medium.file.fileno() for medium in media]
    try:
        answers = run("read", jobs, {"anchors_pem": anchors_pem}, handles, seconds)
    except ChildStopped as error:
        if len(media) == 1:
            return [Credentials(outcome="unreadable", reason=error.message)]
        # One of them did it: each alone, so that the others are still read.
        return [c for medium in media for c in _read_some([medium], anchors_pem)]
    return [_record(answer, anchors_pem is not None) for answer in answers]


def _job(medium: Medium) -> dict[str, object]:
    medium.file.seek(0)
    kind = kind_of(medium.file.read(16))
    medium.file.seek(0)
    sidecar = None if medium.sidecar is None else base64.b64encode(medium.sidecar).decode()
    return {"file": medium.file.fileno(), "kind": kind, "sidecar": sidecar}


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _record(answer: Answer, anchored: bool) -> Credentials:
    if "error" in answer:
        return Credentials(outcome="unreadable", reason=str(answer["error"]))
    try:
        read = Credentials.model_validate(answer.get("result"))
    except ValidationError:
        return Credentials(outcome="unreadable", reason="the reader gave no readable answer")
    with_it = int(read.outcome == "found")
    return read.model_copy(update={"anchored": anchored, "files_with": with_it})

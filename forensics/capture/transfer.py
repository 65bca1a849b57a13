"""Capture, transfer: one file from an address to the disk, hashed while it arrives.

Promise: the bytes are those of the answer's body, unpacked by nobody; a body that is shorter than
its stated length is an error and not a file; what can be told of a source that changes is told.
"""

from __future__ import annotations

import hashlib
import http.client
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from yt_dlp.networking import HEADRequest, Request, Response
from yt_dlp.networking.exceptions import HTTPError, RequestError, TransportError

from forensics.capture.extraction import Extraction, Wanted
from forensics.capture.line import Net
from forensics.errors import InputError
from forensics.record_capture import CapturedFile, Exchange

BLOCK_BYTES = 65536
_HEAD_ROOM_BYTES = 2**20
"""For headers and redirects, beside the file itself."""
_SAME = ("content-length", "etag", "last-modified")


@dataclass(frozen=True)
class Transferred:
    """A file that came whole, and what is to be said about it."""

    file: CapturedFile
    notes: tuple[str, ...]
    doubts: tuple[str, ...]


def transfer(
    net: Net,
    extraction: Extraction,
    wanted: Wanted,
    path: Path,
    role: Literal["video", "audio"],
    max_bytes: int,
    advance: Callable[[int, int | None], None],
) -> Transferred:
    """Fetch ``wanted`` into ``path``, which must not exist.

    ``advance`` is called with bytes received and stated.  `InputError` when it is refused, cut off,
    too large or too slow; ``path`` may then hold a part.
    """
    started, first = _now(), len(net.exchanges)
    net.allow(max_bytes + _HEAD_ROOM_BYTES)
    try:
        answer = extraction.asker.urlopen(Request(wanted.url, headers=wanted.headers))
        stated = _stated(answer, max_bytes)
        line = net.last_line
        line.probing = True
        short, long, count = _receive(answer, path, stated, max_bytes, advance)
        answer.close()
    except (RequestError, OSError, http.client.HTTPException) as error:
        raise net.refusal or _failed(error) from error
    net.seconds_left()
    ended, chain = _now(), tuple(net.exchanges[first:])
    notes, doubts = _look(answer, stated, count, surplus=line.surplus)
    again = _ask_again(net, extraction, wanted)
    _compare(chain[-1], again, notes, doubts)
    return Transferred(
        CapturedFile(
            role=role,
            name=path.name,
            sha256=short,
            sha512=long,
            bytes=count,
            bytes_stated=stated,
            url=chain[-1].url,
            content_type=answer.headers.get("Content-Type"),
            format_id=wanted.format_id,
            started_utc=started,
            ended_utc=ended,
            chain=chain,
            asked_again=again,
        ),
        tuple(notes),
        tuple(doubts),
    )


def _stated(answer: Response, max_bytes: int) -> int | None:
    """The length that the answer states; `InputError` for an answer that is not the whole file."""
    if answer.status != 200:
        raise InputError(f"the site answered {answer.status} instead of the file")
    packed = (answer.headers.get("Content-Encoding") or "identity").strip().lower()
    if packed != "identity":
        raise InputError(
            f"the site sends the file packed as {packed!r:.40}, so its own bytes are not to be had"
        )
    text = answer.headers.get("Content-Length")
    if text is None or answer.headers.get("Transfer-Encoding"):
        return None
    if not text.strip().isdigit():
        raise InputError(f"the site states a length that is no number: {text!r:.40}")
    stated = int(text)
    if stated > max_bytes:
        raise InputError(
            f"the file has {stated} bytes, more than the {max_bytes} that were allowed",
            "Nothing was kept. Allow more with --max-bytes if this is expected.",
        )
    return stated


def _receive(
    answer: Response,
    path: Path,
    stated: int | None,
    max_bytes: int,
    advance: Callable[[int, int | None], None],
) -> tuple[str, str, int]:
    short, long, count = hashlib.sha256(), hashlib.sha512(), 0
    with path.open("xb") as file:
        while block := answer.read(BLOCK_BYTES):
            short.update(block)
            long.update(block)
            count += len(block)
            if count > max_bytes:
                raise InputError(
                    f"the file has more than the {max_bytes} bytes that were allowed",
                    "Nothing was kept. Allow more with --max-bytes if this is expected.",
                )
            file.write(block)
            advance(count, stated)
        file.flush()
        os.fsync(file.fileno())
    if stated is not None and count != stated:
        raise InputError(
            f"the connection was cut: {count} of {stated} bytes came",
            "Nothing was kept. Run it again.",
        )
    if count == 0:
        raise InputError("the site sent an empty file", "Nothing was kept.")
    return short.hexdigest(), long.hexdigest(), count


def _failed(error: Exception) -> InputError:
    if isinstance(error, HTTPError):
        words = f"the site answered {error.status} {error.reason}"
    elif isinstance(error, OSError | TransportError):
        words = f"the connection was cut or timed out ({error})"
    else:
        words = f"the file could not be fetched ({error})"
    return InputError(words[:400], "Nothing was kept. Run it again.")


def _look(
    answer: Response, stated: int | None, count: int, *, surplus: bool
) -> tuple[list[str], list[str]]:
    """Notes and doubts that the answer itself gives reason for."""
    notes, doubts = [], []
    if surplus:
        doubts.append(
            f"The server sent more than the {stated} bytes it stated; the rest belongs to no "
            "answer and was not kept."
        )
    if stated is None and "chunked" not in (answer.headers.get("Transfer-Encoding") or "").lower():
        notes.append(
            f"The server stated no length: whether {count} bytes are the whole file cannot be told "
            "from the transfer."
        )
    kind = (answer.headers.get("Content-Type") or "").split(";")[0].strip().lower()
    if kind.startswith("text/") or kind in {"application/json", "application/xml"}:
        doubts.append(f"The server calls the file {kind}, which is no video.")
    return notes, doubts


def _ask_again(net: Net, extraction: Extraction, wanted: Wanted) -> Exchange | None:
    """What the same address answers now, by HEAD; None where it does not answer that."""
    first = len(net.exchanges)
    net.allow(_HEAD_ROOM_BYTES)
    try:
        extraction.asker.urlopen(HEADRequest(wanted.url, headers=wanted.headers)).close()
    except (RequestError, OSError, http.client.HTTPException):
        if net.spent and net.refusal is not None:
            raise net.refusal from None
        return None
    found = net.exchanges[first:]
    return found[-1] if found else None


def _compare(served: Exchange, again: Exchange | None, notes: list[str], doubts: list[str]) -> None:
    if again is None or again.status != 200:
        notes.append("Whether the file changed meanwhile could not be asked: HEAD is not answered.")
        return
    was = {name.lower(): value for name, value in served.headers}
    now = {name.lower(): value for name, value in again.headers}
    both = [name for name in _SAME if name in was and name in now]
    changed = [f"{name} {was[name]} became {now[name]}" for name in both if was[name] != now[name]]
    if changed:
        doubts.append(
            f"The file changed at its address while it was fetched: {'; '.join(changed)}."
        )
    elif not both:
        notes.append(
            "Whether the file changed meanwhile cannot be told: no length, tag or date is stated."
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

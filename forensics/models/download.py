"""Models, download: one file over HTTP into ``FILE.part``, going on where it stopped.

Promise: what comes out has the expected size and SHA-256, or nothing comes out and the error says
why.  Loads ``requests`` only when it is used.  A part that was fetched is kept for the next time.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit, urlunsplit

from forensics.errors import EnvironmentLacks, ForensicsError, IncompleteError, IntegrityError
from forensics.models.official import Official, sha256_of
from forensics.progress import Step

if TYPE_CHECKING:
    import requests

PIECE = 1 << 18
MEGABYTE = 1_000_000
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, and how often it is asked."""

    connect_s: float = 15.0
    read_s: float = 30.0  # the longest silence
    window_s: float = 60.0  # over which the least rate is taken
    least_bytes_per_s: int = 1024
    attempts: int = 5
    attempts_without_a_byte: int = 2
    pause_s: float = 1.0  # doubled with each attempt


class _Cut(Exception):
    """The connection gave less than the file; asking again may help."""


class Resuming:
    """A pooch downloader: fetches into ``part``, checks it, and moves it to pooch's file."""

    def __init__(self, row: Official, part: Path, step: Step, patience: Patience) -> None:
        self._row, self._part, self._step, self._patience = row, part, step, patience
        self._told = 0

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Fetch ``url``.  ``pooch`` is not used; it is part of pooch's call."""
        self._part.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self._part, self._row) as stream:
            self._sweep(Path(output_file))
            resumed = stream.seek(0, os.SEEK_END) > 0
            self._fill(url, stream)
            try:
                self._check(url)
            except IntegrityError:
                if not resumed:
                    raise
                # The first part may have come from another file: once more, from its beginning.
                self._told = 0
                stream.truncate(0)
                self._fill(url, stream)
                self._check(url)
            stream.flush()
            os.fsync(stream.fileno())
            os.replace(self._part, output_file)

    def _sweep(self, output_file: Path) -> None:
        """Remove what a killed process left in this file's own folder.

        A full file under pooch's name may be another process's, about to be moved: it is left
        for an hour.
        """
        keep = (self._part.name, output_file.name, self._row.file)
        for path in self._part.parent.iterdir():
            if path.name in keep:
                continue
            with contextlib.suppress(FileNotFoundError):  # that process was quicker
                found = path.stat()
                if found.st_size == 0 or time.time() - found.st_mtime > 3600:
                    path.unlink()

    def _fill(self, url: str, stream: BinaryIO) -> None:
        """Ask until the part is whole; raises `IncompleteError` (3) or `EnvironmentLacks` (5)."""
        patience, reason = self._patience, ""
        for attempt in range(patience.attempts):
            have = stream.seek(0, os.SEEK_END)
            if have >= self._row.bytes:
                break
            if attempt >= patience.attempts_without_a_byte and have == 0:
                break
            if attempt:
                time.sleep(patience.pause_s * 2 ** (attempt - 1))
            try:
                self._ask(url, stream, have)
            except _Cut as cut:
                reason = str(cut)
        have = stream.seek(0, os.SEEK_END)
        if have < self._row.bytes:
            raise self._gave_up(url, have, reason)

    def _gave_up(self, url: str, have: int, reason: str) -> ForensicsError:
        row, where = self._row, shown(url)
        if have == 0:
            return EnvironmentLacks(
                f"{row.file} could not be fetched from {where}: {reason}",
                "Look at the connection and run it again, name another server with --mirror URL, "
                "or put the file into the models folder by hand.",
            )
        return IncompleteError(
            f"{row.file} is not whole: {have} of {row.bytes} bytes came from {where}: {reason}",
            f"They are kept in {self._part}; run it again and it goes on from there.",
        )

    def _ask(self, url: str, stream: BinaryIO, have: int) -> None:
        """One request; what comes is appended.  Raises `_Cut` when less than the rest came."""
        import requests
        import urllib3

        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        limits = (self._patience.connect_s, self._patience.read_s)
        try:
            with requests.get(url, headers=headers, stream=True, timeout=limits) as answer:
                have = self._start(url, answer, stream, have)
                for piece in self._pieces(answer):
                    have += stream.write(piece)
                    self._tell(have)
                    if have > self._row.bytes:
                        stream.truncate(0)
                        raise self._other_size(url, f"more than {self._row.bytes}")
        except requests.Timeout as error:
            raise _Cut(f"the server did not answer within {max(limits):g} s") from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise _Cut(f"the connection failed ({_innermost(error)})") from error
        except urllib3.exceptions.ReadTimeoutError as error:
            raise _Cut(f"the server sent nothing for {limits[1]:g} s") from error
        except (urllib3.exceptions.HTTPError, ConnectionError) as error:
            raise _Cut(f"the connection was cut ({_innermost(error)})") from error
        except requests.RequestException as error:
            raise EnvironmentLacks(
                f"{self._row.file} cannot be fetched from {shown(url)}: {_innermost(error)}",
                "Name another server with --mirror URL, or put the file there by hand.",
            ) from error
        finally:
            stream.flush()
        if have < self._row.bytes:
            raise _Cut("the connection ended early")

    def _start(self, url: str, answer: requests.Response, stream: BinaryIO, have: int) -> int:
        """Read the status; returns how many bytes of the part still count."""
        if answer.status_code in _TRY_AGAIN:
            raise _Cut(f"the server answered {answer.status_code} {answer.reason}")
        if answer.status_code == 416:
            stream.truncate(0)
            raise _Cut("the server does not go on from the part that is here")
        if answer.status_code not in (200, 206):
            raise EnvironmentLacks(
                f"{self._row.file} is not at {shown(url)}: the server answered "
                f"{answer.status_code} {answer.reason}",
                "Name another server with --mirror URL, or put the file into the models folder "
                f"by hand; its SHA-256 is {self._row.sha256}.",
            )
        if answer.status_code == 206:
            found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if found is None or int(found[1]) != have:
                stream.truncate(0)
                raise _Cut("the server goes on from another place than it was asked to")
            total = int(found[2])
        else:
            stream.truncate(0)  # the server sends the whole file, asked for the rest or not
            have = 0
            total = int(answer.headers.get("Content-Length", self._row.bytes))
        if total != self._row.bytes:
            raise self._other_size(url, str(total))
        return have

    def _pieces(self, answer: requests.Response) -> Iterator[bytes]:
        """What comes, as it comes; raises `_Cut` when it comes too slowly."""
        patience = self._patience
        began, count = time.monotonic(), 0
        while piece := answer.raw.read1(PIECE):
            yield piece
            count += len(piece)
            seconds = time.monotonic() - began
            if seconds >= patience.window_s:
                if count < patience.least_bytes_per_s * seconds:
                    raise _Cut(f"the server sent only {count} bytes in {seconds:.0f} s")
                began, count = time.monotonic(), 0

    def _tell(self, have: int) -> None:
        """Advance the progress by whole megabytes, never backwards."""
        if (now := have // MEGABYTE) > self._told:
            self._step.advance(now - self._told)
            self._told = now

    def _check(self, url: str) -> None:
        """Raises `IntegrityError` (4), and removes the part, when its digest is another."""
        found = sha256_of(self._part)
        if found != self._row.sha256:
            os.truncate(self._part, 0)
            raise IntegrityError(
                f"what {shown(url)} sent is not {self._row.file}: SHA-256 {found}, "
                f"the catalogue says {self._row.sha256}",
                "It was thrown away. Ask another server with --mirror URL.",
            )

    def _other_size(self, url: str, total: str) -> IntegrityError:
        return IntegrityError(
            f"what {shown(url)} offers is not {self._row.file}: it has {total} bytes, "
            f"the official file has {self._row.bytes}",
            "Nothing was kept. Ask another server with --mirror URL.",
        )


def _lock(stream: BinaryIO) -> None:
    """Lock an open file for this process alone; it is free again when the file is closed.

    Raises `BlockingIOError` or, on Windows, `PermissionError` when another process holds it.
    """
    if sys.platform == "win32":
        import msvcrt

        stream.seek(1 << 40)  # a byte beyond any file: Windows would refuse to read a locked one
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        return
    import fcntl

    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def _alone(part: Path, row: Official) -> Iterator[BinaryIO]:
    """The part, open for appending, locked against a second fetch of the same file."""
    with part.open("ab") as stream:
        try:
            _lock(stream)
        except (BlockingIOError, PermissionError) as error:
            raise EnvironmentLacks(
                f"{row.file} is being fetched by another process right now",
                "Wait for it to end, then run it again.",
            ) from error
        try:
            yield stream
        finally:
            # An empty part says nothing; a moved one is no longer here.
            if part.exists() and part.stat().st_size == 0:
                part.unlink()


def shown(url: str) -> str:
    """An address without user name, password and query, for messages and records."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _innermost(error: BaseException) -> str:
    """The reason at the bottom, without object addresses: "Connection refused"."""
    while True:
        inner = error.__cause__ or error.__context__ or getattr(error, "reason", None)
        if not isinstance(inner, BaseException) or inner is error:
            break
        error = inner
    text = getattr(error, "strerror", None) or str(error)
    return re.sub(r"^<.*?>:? ?", "", str(text)) or type(error).__name__

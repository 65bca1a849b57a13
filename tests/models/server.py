"""A local HTTP server that serves files well or badly, and remembers what it was asked."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = Callable[["Handler"], None]


@dataclass
class Asked:
    path: str
    range: str | None


@dataclass
class Server:
    """Routes by path; ``asked`` is every request so far."""

    address: str
    routes: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return self.address + path


class Quiet(ThreadingHTTPServer):
    """Clients hang up in these tests; that is no news."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as given


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_record: Server

    def do_GET(self) -> None:
        self.server_record.asked.append(Asked(self.path, self.headers.get("Range")))
        answer = self.server_record.routes.get(self.path, not_there)
        answer(self)

    def end_headers(self) -> None:
        # Every answer ends its connection, and says so: clients do not ask over a closing one.
        self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server on this machine, on a port of its own."""
    handler = type("Bound", (Handler,), {})
    httpd = Quiet(("127.0.0.1", 0), handler)
    record = Server(f"http://127.0.0.1:{httpd.server_address[1]}")
    handler.server_record = record  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield record
    finally:
        record.release.set()
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def not_there(h: Handler) -> None:
    h.send_error(404)


def status(code: int) -> Answer:
    return lambda h: h.send_error(code)


def redirect(to: str) -> Answer:
    def answer(h: Handler) -> None:
        h.send_response(302)
        h.send_header("Location", to)
        h.send_header("Content-Length", "0")
        h.end_headers()

    return answer


def _rest(h: Handler, raw: bytes, ranges: bool) -> bytes:
    """Send the head of an answer; returns the bytes that belong below it."""
    asked = h.headers.get("Range")
    if asked is None or not ranges:
        h.send_response(200)
        h.send_header("Content-Length", str(len(raw)))
        h.end_headers()
        return raw
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    h.send_response(206)
    h.send_header("Content-Length", str(len(raw) - start))
    h.send_header("Content-Range", f"bytes {start}-{len(raw) - 1}/{len(raw)}")
    h.end_headers()
    return raw[start:]


def whole(raw: bytes, ranges: bool = True) -> Answer:
    return lambda h: h.wfile.write(_rest(h, raw, ranges)) and None


def cut(raw: bytes, after: int, times: int = 1, ranges: bool = True) -> Answer:
    """Break off ``after`` bytes of each of the first ``times`` answers."""
    count = 0

    def answer(h: Handler) -> None:
        nonlocal count
        count += 1
        rest = _rest(h, raw, ranges)
        h.wfile.write(rest[:after] if count <= times else rest)

    return answer


def silent(raw: bytes, after: int) -> Answer:
    """Send ``after`` bytes, then nothing until the test is over."""

    def answer(h: Handler) -> None:
        h.wfile.write(_rest(h, raw, True)[:after])
        h.wfile.flush()
        h.server_record.release.wait(30)

    return answer


def dripping(raw: bytes, seconds: float) -> Answer:
    """One byte at a time."""

    def answer(h: Handler) -> None:
        for byte in _rest(h, raw, True):
            if h.server_record.release.wait(seconds):
                return
            try:
                h.wfile.write(bytes([byte]))
                h.wfile.flush()
            except OSError:
                return

    return answer


def chunked(raw: bytes, piece: int) -> Answer:
    """Without a length, in chunks."""

    def answer(h: Handler) -> None:
        h.send_response(200)
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        for start in range(0, len(raw), piece):
            part = raw[start : start + piece]
            h.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        h.wfile.write(b"0\r\n\r\n")

    return answer


def never(h: Handler) -> None:
    """Take the question and say nothing."""
    h.server_record.release.wait(30)
    time.sleep(0)


def files(folder: Path) -> list[str]:
    """Every file below a folder, as relative paths."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())

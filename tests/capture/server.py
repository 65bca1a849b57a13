"""A site on this machine's loopback: pages, clips, redirects and every kind of bad behaviour."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = Callable[["Handler"], None]


@dataclass
class Site:
    """Answers by path, and how often each path was asked."""

    port: int = 0
    scheme: str = "http"
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    """Looks the path up in the site."""

    site: Site

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        self.site.asked[f"{self.command} {path}"] += 1
        answer = self.site.answers.get(path)
        if answer is None:
            self.reply(404, b"not here", "text/plain")
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            answer(self)

    do_HEAD = do_GET

    def reply(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        fields = {"Content-Type": kind, "Content-Length": str(len(body))}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in fields.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests look at `Site.asked`."""


def file(body: bytes, kind: str = "video/mp4", **headers: str) -> Answer:
    return lambda handler: handler.reply(200, body, kind, **headers)


def page(html: str) -> Answer:
    return file(html.encode(), "text/html; charset=utf-8")


def redirect(to: str, status: int = 302) -> Answer:
    return lambda handler: handler.reply(status, b"", "text/plain", Location=to)


def drip(body: bytes, pause_s: float) -> Answer:
    """One byte at a time."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for byte in body if handler.command != "HEAD" else b"":
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(pause_s)

    return answer


@contextlib.contextmanager
def serve(certificate: Path | None = None) -> Iterator[Site]:
    """A site that lives until the block ends."""
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        site.scheme = "https"
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

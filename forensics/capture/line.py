"""Capture, line: the sockets of one capture: pinned addresses, a budget of bytes, one deadline.

Promise: every connection is opened here, to an address that was checked; every byte that arrives is
counted before anything reads it; no server can hold the capture beyond its deadline, however slowly
it drips.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from forensics.capture.redaction import Redaction
from forensics.capture.targets import Reach, admit, check_address, check_url
from forensics.errors import ForensicsError, InputError
from forensics.record_capture import Certificate, Exchange

PATIENCE_S = 20.0
"""Longest wait for one answer, or one piece of it."""
_SURPLUS_WAIT_S = 1.0
_HEADERS_KEPT = 100


class Net:
    """What one capture may do on the network, and what it did."""

    def __init__(self, reach: Reach, max_seconds: float) -> None:
        self.reach = reach
        self.exchanges: list[Exchange] = []
        self.refusal: ForensicsError | None = None
        """The first thing that was refused or ran out, in our words."""
        self.spent = False
        """Bytes or seconds ran out; nothing more is asked."""
        self.redaction = Redaction()
        self._left, self._allowed = 0, 0
        self._lines: list[Line] = []
        self.begin(max_seconds)

    def begin(self, max_seconds: float) -> None:
        """Begin a clip: its time starts now, and its exchanges are its own."""
        self.close()
        self.exchanges.clear()
        self.refusal, self.spent = None, False
        self.max_seconds, self._end = max_seconds, time.monotonic() + max_seconds
        self.started_utc = (
            datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )

    # ------------------------------------------------------------ limits

    def allow(self, allowed_bytes: int) -> None:
        """Begin a phase that may receive this many bytes, headers included."""
        self._left = self._allowed = allowed_bytes

    def count(self, received: int) -> None:
        """Take what arrived off the budget; `InputError` when it is used up."""
        self._left -= received
        if self._left < 0:
            self.spent = True
            raise self.refuse(
                InputError(
                    f"the site sent more than {self._allowed} bytes, which were allowed",
                    "Nothing was kept. Allow more with --max-bytes if this is expected.",
                )
            )

    def seconds_left(self) -> float:
        """Time until the deadline; `InputError` when it has passed."""
        left = self._end - time.monotonic()
        if left <= 0:
            self.spent = True
            raise self.refuse(
                InputError(
                    f"the capture took longer than {self.max_seconds:g} s, which were allowed",
                    "Nothing was kept. Allow more with --max-seconds if the site is slow.",
                )
            )
        return left

    def refuse(self, error: ForensicsError) -> ForensicsError:
        """Remember why, since what stands between may swallow or reword an error; returns it."""
        if self.refusal is None or self.spent:
            self.refusal = error
        return error

    # ------------------------------------------------------------ connections

    def check(self, url: str) -> None:
        """Refuse an address that may not be asked, before anything is resolved."""
        try:
            check_url(url)
        except InputError as error:
            raise self.refuse(error) from None

    def dial(self, host: str, port: int) -> socket.socket:
        """A connection to a checked address of ``host``; OSError when none answers."""
        last: OSError = ConnectionError(f"no address of {host} answers")
        try:
            addresses = admit(host, port, self.reach)
        except InputError as error:
            raise self.refuse(error) from None
        for family, at in addresses:
            line = socket.socket(family, socket.SOCK_STREAM)
            line.settimeout(min(PATIENCE_S, self.seconds_left()))
            try:
                line.connect(at)
                # What it is connected to, whatever was asked for.
                check_address(host, str(line.getpeername()[0]), self.reach)
            except OSError as error:
                line.close()
                last = error
            except InputError as error:
                line.close()
                raise self.refuse(error) from None
            else:
                return line
        raise last

    def hear(self, line: Line) -> None:
        """Remember an open answer, to close it in the end."""
        self._lines.append(line)

    @property
    def last_line(self) -> Line:
        """The line of the newest answer."""
        return self._lines[-1]

    def close(self) -> None:
        """Close every connection."""
        for line in self._lines:
            line.close()
        self._lines.clear()


class Line(io.RawIOBase):
    """What arrives on one connection, counted and timed."""

    def __init__(self, raw: io.RawIOBase, line: socket.socket, net: Net) -> None:
        super().__init__()
        self._raw, self._socket, self._net = raw, line, net
        self.patience_s = PATIENCE_S
        self.probing = False
        """Look for more bytes once the answer was read."""
        self.surplus = False
        """Whether more came than the answer's Content-Length promised; needs ``probing``."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """One piece; times out by the deadline and counts against the budget."""
        self._socket.settimeout(min(self.patience_s, self._net.seconds_left()))
        try:
            received = self._raw.readinto(buffer) or 0
        except TimeoutError:
            self._net.seconds_left()  # the better reason, when it is the deadline
            raise
        self._net.count(received)
        return received

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Buffer(io.BufferedReader):
    """A buffer that tells its line of bytes that came after the answer."""

    def __init__(self, line: Line) -> None:
        super().__init__(line, 65536)
        self._line = line

    def close(self) -> None:
        if not self.closed and self._line.probing:
            self._line.probing, self._line.patience_s = False, _SURPLUS_WAIT_S
            try:
                self._line.surplus = bool(self.peek(1))
            except OSError:  # nothing within the wait, or the server is gone
                self._line.surplus = False
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer whose bytes go through a `Line`."""

    def __init__(self, line: socket.socket, method: str | None = None, *, net: Net) -> None:
        super().__init__(line, method=method)
        heard = Line(self.fp.detach(), line, net)
        net.hear(heard)
        self.fp = _Buffer(heard)


class Plain(http.client.HTTPConnection):
    """A connection of plain http to a checked address."""

    certificate: Certificate | None = None
    peer = ""

    def __init__(self, host: str, *, net: Net, timeout: float | None = None) -> None:
        super().__init__(host, timeout=min(PATIENCE_S, timeout or PATIENCE_S))
        self._net = net
        self.response_class = partial(_Answer, net=net)  # type: ignore[assignment]  # a factory

    def connect(self) -> None:
        self.sock = self._net.dial(self.host, self.port)
        self.peer = _peer(self.sock)


class Secure(http.client.HTTPSConnection):
    """A connection of https to a checked address, whose certificate was verified and is kept."""

    certificate: Certificate | None = None
    peer = ""

    def __init__(
        self, host: str, *, net: Net, context: ssl.SSLContext, timeout: float | None = None
    ) -> None:
        super().__init__(host, timeout=min(PATIENCE_S, timeout or PATIENCE_S), context=context)
        self._net, self._tls = net, context
        self.response_class = partial(_Answer, net=net)  # type: ignore[assignment]  # a factory

    def connect(self) -> None:
        line = self._net.dial(self.host, self.port)
        self.peer = _peer(line)
        try:
            self.sock = self._tls.wrap_socket(line, server_hostname=self.host)
        except BaseException:
            line.close()
            raise
        self.certificate = _certificate(self.sock)


Connection = Plain | Secure
MakeConnection = Callable[..., Connection]


def _peer(line: socket.socket) -> str:
    host, port = line.getpeername()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _certificate(line: ssl.SSLSocket) -> Certificate | None:
    raw = line.getpeercert(binary_form=True)
    cipher = line.cipher()
    if raw is None:
        return None
    shown = x509.load_der_x509_certificate(raw)
    return Certificate(
        subject=shown.subject.rfc4514_string(),
        issuer=shown.issuer.rfc4514_string(),
        not_before_utc=shown.not_valid_before_utc.isoformat().replace("+00:00", "Z"),
        not_after_utc=shown.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
        sha256=shown.fingerprint(SHA256()).hex(),
        tls=line.version() or "unknown",
        cipher=cipher[0] if cipher else "unknown",
    )


def exchange(net: Net, url: str, method: str, status: int, line: Connection, headers: Any) -> None:
    """Write one request and its answer down."""
    net.exchanges.append(
        Exchange(
            url=net.redaction.url(url),
            method=method,
            status=status,
            address=line.peer,
            certificate=line.certificate,
            headers=net.redaction.headers(list(headers.items())[:_HEADERS_KEPT]),
        )
    )

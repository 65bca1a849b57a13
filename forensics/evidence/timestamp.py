"""Time stamp: asks an RFC 3161 authority for a token over the signed envelope.

The only step of an audit that may use the network, and only where ``--timestamp`` names an
address.  What is sent is a digest and a random number.  No redirect is followed, and neither a
slow nor an endless answer holds the audit up.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from forensics.errors import UsageError
from forensics.evidence.names import readable_name
from forensics.evidence.token import MAX_TOKEN_BYTES, Token, TokenError, check_token

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest

TIMEOUT_S: Final = 20.0
TOTAL_S: Final = 60.0
MAX_SKEW_S: Final = 600.0
"""Largest difference between the authority's time and this machine's clock (WACZ-auth's rule)."""


class TimestampError(RuntimeError):
    """No token could be had; the message is a sentence for a reader."""


def check_url(url: str) -> str:
    """The address as it is, when it may be asked; UsageError otherwise."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = None, None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise UsageError(
            "--timestamp needs an http or https address",
            "For example: --timestamp https://tsa.example.org/tsr",
        )
    if parts.username or parts.password or parts.query:
        raise UsageError(
            "--timestamp takes no passwords or queries inside the address",
            "Command lines are seen by others. Use an authority that needs none.",
        )
    return url


def request_token(
    url: str, message: bytes, timeout_s: float = TIMEOUT_S, total_s: float = TOTAL_S
) -> bytes:
    """A TimeStampResp (DER) over ``message``, checked as far as this machine can.

    TimestampError when the authority cannot be reached, refuses, answers with something else, or
    its time is not within `MAX_SKEW_S` of this machine's clock.
    """
    import rfc3161_client as rfc3161

    host = readable_name(urlsplit(url).hostname or "")
    reason = ""
    # Some authorities send their whole chain in an order that strict readers refuse; they are
    # asked again without certificates, which whoever verifies then has to hold.
    for with_certificates in (True, False):
        request = (
            rfc3161.TimestampRequestBuilder()
            .data(message)
            .hash_algorithm(rfc3161.HashAlgorithm.SHA256)
            .nonce(nonce=True)
            .cert_request(cert_request=with_certificates)
            .build()
        )
        raw = _post(url, request.as_bytes(), host, timeout_s, total_s)
        try:
            token = _judge(raw, message, request)
        except TokenError as error:
            reason = str(error)
            continue
        _check_clock(token, host)
        return raw
    raise TimestampError(f"the answer of {host} {reason}")


def _judge(raw: bytes, message: bytes, request: TimeStampRequest) -> Token:
    return check_token(raw, message, (), request.nonce)


def _check_clock(token: Token, host: str) -> None:
    skew_s = (datetime.now(UTC) - token.moment).total_seconds()
    if abs(skew_s) > MAX_SKEW_S:
        raise TimestampError(
            f"the clock of this machine differs from that of {host} by {abs(skew_s):.0f} s, more "
            f"than the {MAX_SKEW_S:.0f} s that are accepted"
        )


def _post(url: str, body: bytes, host: str, timeout_s: float, total_s: float) -> bytes:
    # Only http and https are opened, and a redirect is an error: built without their handlers.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    headers = {"Content-Type": "application/timestamp-query", "User-Agent": "restoration-forensics"}
    request = urllib.request.Request(check_url(url), body, headers)  # noqa: S310 - scheme checked
    ends = time.monotonic() + total_s
    try:
        with opener.open(request, timeout=timeout_s) as reply:
            return _read(reply, ends, host)
    except urllib.error.HTTPError as error:
        error.close()
        raise TimestampError(f"{host} answered with HTTP {error.code}") from None
    except urllib.error.URLError as error:
        raise TimestampError(f"{host} cannot be reached ({error.reason})") from None
    except (OSError, http.client.HTTPException) as error:
        raise TimestampError(f"{host} broke off ({type(error).__name__})") from None


def _read(reply: http.client.HTTPResponse, ends: float, host: str) -> bytes:
    received = b""
    while chunk := reply.read1(2**16):
        received += chunk
        if len(received) > MAX_TOKEN_BYTES:
            raise TimestampError(f"{host} sent more than {MAX_TOKEN_BYTES} bytes")
        if time.monotonic() > ends:
            raise TimestampError(f"{host} was too slow")
    return received

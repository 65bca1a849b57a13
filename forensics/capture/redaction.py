"""Capture, redaction: what a record must not hand on: cookies, tokens, signatures of addresses.

Promise: a value is replaced by ``REMOVED`` and counted, its name stays, so that a reader sees that
something was there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

REMOVED = "REMOVED"
# Whole words of a name, and longer words wherever they stand in one (accessToken).
_SECRET_NAME = re.compile(
    r"(^|[_.-])(sig|sign|lsig|tok|auth|key|apikey|pwd?|pass|sid|jwt|policy|hmac|hash|hdnts|hdnea"
    r"|ip|pot)([_.-]|$)"
    r"|token|signature|cookie|credential|password|passwd|secret|session|ticket|authorization",
    re.IGNORECASE,
)
_SECRET_HEADERS = frozenset(["set-cookie", "set-cookie2", "cookie", "authorization"])
# Names of yt-dlp that look like secrets and are none.
_PLAIN = frozenset(["extractor_key", "ie_key"])
_URL = re.compile(r"^https?://", re.IGNORECASE)


def plain(text: str) -> str:
    """Text that can be written: half a pair of UTF-16, which pages may hold, becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass
class Redaction:
    """Removes secrets and counts them."""

    removed: int = 0

    def url(self, url: str) -> str:
        """The address with the values of telling parameters replaced, and without a fragment."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return url
        if not parts.query:
            return urlunsplit(parts._replace(fragment=""))
        pairs = []
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            hidden = bool(value) and _secret(name)
            self.removed += hidden
            pairs.append((name, REMOVED if hidden else value))
        query = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
        return urlunsplit(parts._replace(query=query, fragment=""))

    def headers(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Headers of an answer in order, cookies without their values."""
        kept = []
        for name, value in headers:
            if name.lower() in _SECRET_HEADERS:
                self.removed += 1
                kept.append((name, REMOVED))
            else:
                kept.append((name, self.text(value)))
        return tuple(kept)

    def text(self, value: str) -> str:
        """Addresses as `url`, other text as `plain`."""
        return self.url(plain(value)) if _URL.match(value) else plain(value)

    def document(self, value: object, name: str = "") -> object:
        """A JSON value without secrets; keys and addresses decide."""
        if isinstance(value, dict):
            return {str(key): self.document(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.document(inner, name) for inner in value]
        if value is None or value == "" or isinstance(value, bool):
            return value
        if name and _secret(name):
            self.removed += 1
            return REMOVED
        if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
            return None
        return self.text(value) if isinstance(value, str) else value


def _secret(name: str) -> bool:
    return name not in _PLAIN and _SECRET_NAME.search(name) is not None

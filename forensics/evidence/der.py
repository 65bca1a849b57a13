"""DER: a strict reader of tag, length and value, as much as a time-stamp token needs.

Indefinite and non-minimal lengths are refused, so a structure has one spelling.
Source: X.690, 8.1 and 10.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INTEGER: Final = 0x02
OCTETS: Final = 0x04
OID: Final = 0x06
SEQUENCE: Final = 0x30
SET: Final = 0x31


class DerError(ValueError):
    """Bytes that are no strict DER, or not the structure that was expected."""


@dataclass(frozen=True)
class Item:
    """One element: its tag byte, its content, and all of its bytes."""

    tag: int
    content: bytes
    raw: bytes

    def children(self) -> list[Item]:
        """The elements inside."""
        found, rest = [], self.content
        while rest:
            item, rest = _next(rest)
            found.append(item)
        return found

    def expect(self, tag: int) -> Item:
        """Itself when it has this tag, DerError otherwise."""
        if self.tag != tag:
            raise DerError(f"found tag {self.tag:#04x} instead of {tag:#04x}")
        return self


def parse(raw: bytes) -> Item:
    """The one element that ``raw`` is; DerError when it is none or something follows."""
    item, rest = _next(raw)
    if rest:
        raise DerError("bytes follow the end")
    return item


def _next(raw: bytes) -> tuple[Item, bytes]:
    if len(raw) < 2 or raw[0] & 0x1F == 0x1F:
        raise DerError("cut off, or a tag of several bytes")
    size, start = raw[1], 2
    if size & 0x80:
        count = size & 0x7F
        size = int.from_bytes(raw[2 : 2 + count], "big")
        start = 2 + count
        # Minimal: no leading zero, and no long form for what fits the short one.
        if not 1 <= count <= 4 or len(raw) < start or raw[2] == 0 or size < 0x80:
            raise DerError("a length is not minimal")
    if len(raw) < start + size:
        raise DerError("cut off")
    end = start + size
    return Item(raw[0], raw[start:end], raw[:end]), raw[end:]

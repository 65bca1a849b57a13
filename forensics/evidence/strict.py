"""Strict JSON: one spelling out, and nothing ambiguous in.

Written: UTF-8, no NaN, keys in the order given.  Read: duplicate keys, NaN, infinities, a byte
order mark, oversized and too deeply nested documents are refused.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from forensics.evidence.names import readable_name

MAX_DOCUMENT_BYTES = 256 * 2**20
MAX_LINE_BYTES = 4 * 2**20

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class StrictJsonError(ValueError):
    """A document that a careful reader must not accept."""


def dump_line(value: object) -> bytes:
    """One compact JSON line with its line feed. ValueError for NaN, TypeError for non-JSON."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _encode(text + "\n")


def dump_document(value: object) -> bytes:
    """One indented JSON document with a final line feed, for files that people open."""
    return _encode(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def _encode(text: str) -> bytes:
    # An undecodable byte of a file name reaches us as a lone surrogate, which UTF-8 cannot hold;
    # it is kept as visible text (the backslash itself escaped for JSON).
    return _LONE_SURROGATE.sub(
        lambda match: readable_name(match.group()).replace("\\", "\\\\"), text
    ).encode()


def loads(raw: bytes, max_bytes: int = MAX_DOCUMENT_BYTES) -> object:
    """Parse one document; StrictJsonError says what is wrong with it."""
    if len(raw) > max_bytes:
        raise StrictJsonError(f"larger than {max_bytes} bytes")
    try:
        text = raw.decode("utf-8", errors="strict")
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise StrictJsonError("nested too deeply") from None
    except UnicodeDecodeError:
        raise StrictJsonError("not UTF-8") from None
    except StrictJsonError:
        raise
    except ValueError as error:  # JSONDecodeError, and integers with thousands of digits
        raise StrictJsonError(f"not JSON: {error}") from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise StrictJsonError(f"key {key!r} appears twice")
        found[key] = value
    return found


def _refuse_constant(text: str) -> NoReturn:
    raise StrictJsonError(f"{text} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise StrictJsonError(f"{text[:40]} is not a finite number")
    return value

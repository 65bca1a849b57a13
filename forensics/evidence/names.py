"""Names: turns any file name into one that is safe in a bundle, and says what is wrong with one.

A safe name reads the same to every person and every file system: no control or format
characters, no look-alike by normalisation, nothing that a shell, Windows or a BagIt reader treats
apart.  The raw name is never lost: `readable_name` gives it as text for audit.json.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_NAME_BYTES = 150
"""Longest safe name in UTF-8 bytes; leaves room for prefixes below the usual limit of 255."""

_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "123456789¹²³"]
)
# "%" is legal in BagIt when written as %25, but the reference reader (bagit 1.9) does not decode
# it, so a bundle with such a name would be invalid to it.
_UNSAFE = frozenset('/\\:*?"<>|%')
_UNSAFE_CATEGORIES = frozenset(["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"])
# Without Cn: which code points are unassigned depends on the Python that checks.
_FAULTY_CATEGORIES = _UNSAFE_CATEGORIES - {"Cn"}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def readable_name(raw: str) -> str:
    r"""The raw name as valid text: undecodable bytes appear as ``\xNN``, the rest is unchanged."""

    def escape(match: re.Match[str]) -> str:
        code = ord(match.group())
        # os.fsdecode maps an undecodable byte 0xNN to U+DCNN (PEP 383).
        return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"

    return _LONE_SURROGATE.sub(escape, raw)


def safe_name(raw: str) -> str:
    """A file name for the bundle made from ``raw`` (a name, not a path); never empty.

    Idempotent. Unsafe characters become ``_``; every space becomes U+0020; the result is in NFC,
    starts and ends with neither dot nor space, does not start with ``-``, is no device name of
    Windows and has at most `MAX_NAME_BYTES` bytes in UTF-8 (the suffix is kept where it is short).
    """
    text = raw
    # Replacing and composing can each enable the other (a joiner between letter and accent), so
    # repeat until nothing changes; every round only shortens or maps to "_", so it ends.
    while (cleaned := _clean(text)) != text:
        text = cleaned
    return text


def safe_names(raws: Sequence[str]) -> list[str]:
    """`safe_name` of each, made different from each other by ``-2``, ``-3`` before the suffix.

    Two raw names may be cleaned into one; in one folder the later file would replace the earlier.
    """
    taken: set[str] = set()
    names = []
    for raw in raws:
        name, number = safe_name(raw), 1
        stem, dot, suffix = name.rpartition(".")
        while collision_key(name) in taken:
            number += 1
            name = f"{stem}-{number}{dot}{suffix}" if stem else f"{suffix}-{number}"
        taken.add(collision_key(name))
        names.append(name)
    return names


def _clean(text: str) -> str:
    chars = []
    for char in text:
        category = unicodedata.category(char)
        if char in _UNSAFE or category in _UNSAFE_CATEGORIES:
            chars.append("_")
        elif category == "Zs":
            chars.append(" ")
        else:
            chars.append(char)
    name = unicodedata.normalize("NFC", "".join(chars)).strip(". ")
    if name.startswith("-"):
        name = "_" + name[1:]
    name = _shorten(name) or "unnamed"
    if name.split(".", 1)[0].rstrip(" ").casefold() in _RESERVED:
        name = "_" + name
    return name


def _shorten(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, suffix = name.rpartition(".")
    tail = dot + suffix if stem and len(suffix.encode()) <= 12 else ""
    head = stem if tail else name
    room = MAX_NAME_BYTES - len(tail.encode())
    return head.encode()[:room].decode(errors="ignore").rstrip(". ") + tail


def name_fault(name: str) -> str | None:
    """What makes one path component unacceptable in a bundle, or None."""
    if not name or name in {".", ".."}:
        return "empty or relative name"
    if len(name.encode(errors="surrogateescape")) > 255:
        return "longer than 255 bytes"
    for char in name:
        if unicodedata.category(char) in _FAULTY_CATEGORIES:
            return f"holds the control or format character U+{ord(char):04X}"
        if char == "\\":
            return "holds a backslash"
    if unicodedata.normalize("NFC", name) != name:
        return "is not in Unicode form NFC"
    if name[-1] in ". ":
        return "ends with a dot or a space"
    return None


def collision_key(path: str) -> str:
    """Equal for two paths that some file system or reader takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def encode_path(path: str) -> str:
    """A path as a BagIt manifest writes it: CR, LF and % percent-encoded (RFC 8493, 2.1.3)."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def decode_path(text: str) -> str:
    """The inverse of `encode_path`; other percent signs stay as they are."""
    codes = {"%25": "%", "%0D": "\r", "%0A": "\n"}
    return re.sub("%25|%0D|%0A", lambda match: codes[match.group()], text)

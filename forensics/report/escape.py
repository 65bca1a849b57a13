"""Escape: make text of unknown origin visible and inert before it is shown.

File names, tags and messages come from outside.  HTML escaping stops markup; this module stops
what HTML escaping lets through: control characters, direction overrides, invisible characters
and unassigned code points are shown as escapes, as ``repr`` would.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MAX_MARKS: Final = 3  # more combining marks on one letter only serve to cover other lines


def visible(text: str) -> str:
    """``text`` with every hidden character as an escape (``\\u202e``, ``\\x1b``); others as is.

    Marks beyond three on one letter are escaped too.
    """
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        hidden = category in _HIDDEN or marks > _MAX_MARKS
        out.append(_escaped(char) if hidden else char)
    return "".join(out)


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

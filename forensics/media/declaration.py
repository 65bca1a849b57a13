"""Declaration: what a restored file says of itself, and what a source says of itself.

The margins of pictures and Content Credentials say more, but a clip of its own carries neither
unless it was signed.  One line of its description stays with it when FFmpeg copies or codes it
again, and every player can show it.  It is a word, not a proof: anybody can write or remove it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

KEY: Final = "description"
"""The tag of a container that holds the line."""
PICTURE_KEY: Final = "Description"
"""The keyword of a PNG's text that holds it (PNG specification, 11.3.3.1)."""
SOURCE_TYPE: Final = "compositeWithTrainedAlgorithmicMedia"
"""IPTC digital source type of a picture in which a network drew a part."""
LINE: Final = (
    f"AI-RESTORED by restoration-forensics: a network may have drawn faces here ({SOURCE_TYPE})."
)
_NAMES: Final = re.compile(
    r"AI-RESTORED|\b(?:compositeWithTrainedAlgorithmicMedia|trainedAlgorithmicMedia)\b", re.I
)
_MOST: Final = 200  # characters of a foreign text that a record repeats


def described(theirs: str | None) -> str:
    """The description of a restored file: what the source's said, then `LINE`."""
    return LINE if not theirs or LINE in theirs else f"{theirs} {LINE}"


def declared_in(texts: Iterable[str | None]) -> str | None:
    """The first of a file's own texts that says a network drew in it, at most 200 characters.

    Known are our own line and the IPTC names of such source types, wherever they stand.
    """
    for text in texts:
        found = None if text is None else _NAMES.search(text)
        if text is not None and found is not None:
            return _around(" ".join(text.split()), found.group())
    return None


def _around(text: str, name: str) -> str:
    """At most `_MOST` characters of a text, from a little before a name in it."""
    if len(text) <= _MOST:
        return text
    start = max(0, text.find(name) - 20)
    return text[start : start + _MOST]

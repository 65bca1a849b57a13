"""Pairs, names: whether the names of two lists of pictures say which belongs to which.

Tools append a suffix to every name (``_out``, ``_gfpgan``) or none; what every name of a list ends
in is taken off before the lists are compared.  Names are a hint from whoever made the files: what
they say is held against the pictures afterwards.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

# What tools put behind a name by default; a single name has no others to compare its end with.
KNOWN_SUFFIXES: Final = (
    "out", "restored", "gfpgan", "codeformer", "realesrgan", "restoreformer", "enhanced", "sr",
    "x2", "x4",
)  # fmt: skip
_KNOWN = re.compile(rf"[_-](?:{'|'.join(KNOWN_SUFFIXES)})$", re.IGNORECASE)


def plain_stems(stems: Sequence[str]) -> tuple[str, ...]:
    """Stems without the suffix that all of them share; one name alone loses a known suffix."""
    if len(stems) == 1:
        return (_KNOWN.sub("", stems[0]) or stems[0],)
    ending = _common_end(stems)
    # A suffix begins at a separator and holds a letter: "_0" may be the end of every number.
    cut = re.search(r"[_-][A-Za-z][^_-]*$", ending)
    if cut is None:
        return tuple(stems)
    length = len(cut.group())
    if any(len(stem) == length for stem in stems):
        return tuple(stems)
    return tuple(stem[:-length] for stem in stems)


def _common_end(stems: Sequence[str]) -> str:
    """What all stems end in."""
    first, length = stems[0], 0
    while length < len(first) and all(s.endswith(first[-length - 1 :]) for s in stems):
        length += 1
    return first[len(first) - length :]


def pair_by_name(source: Sequence[str], other: Sequence[str]) -> dict[int, int] | None:
    """Source number -> other number (both from 1) where names agree; None where they do not.

    Names agree when no name occurs twice in a list and at least half of the shorter list has its
    counterpart, with or without the suffix of each list.
    """
    best: dict[int, int] = {}
    for left in (tuple(source), plain_stems(source)):
        for right in (tuple(other), plain_stems(other)):
            found = _equal(left, right)
            if len(found) > len(best):
                best = found
    return best if best and 2 * len(best) >= min(len(source), len(other)) else None


def _equal(left: Sequence[str], right: Sequence[str]) -> dict[int, int]:
    if max(Counter(left).values(), default=0) > 1 or max(Counter(right).values(), default=0) > 1:
        return {}
    places = {name: number for number, name in enumerate(right, start=1)}
    return {n: places[name] for n, name in enumerate(left, start=1) if name in places}

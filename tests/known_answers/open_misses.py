"""Known answers, open misses: where recall above the stated gate is not 95 % today.

Each line states the recall as measured over all truths (`make test-all`).  The test holds it to
within `TOLERANCE`, so that both an improvement and a worsening are noticed; a kind that reaches
95 % must leave this table.  Nothing here is an excuse: the page docs/known-answers.md shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BAR: Final = 0.95
TOLERANCE: Final = 0.05


@dataclass(frozen=True)
class OpenMiss:
    """Recall as a share of the edits above the gate, and why it is not higher."""

    seen: float
    why: str


_IRIS = (
    "an iris far aside of its usual place, or lighter than its lids, is not found; coded at QP 36"
    " its colour is gone from the footage, and the limit of that quality stands above the edit"
)
_TWICE = (
    "a face drawn at the frame's own size leaves little to see (5 of 55); enlarged twice, 48 of 55"
    " are seen, 41 of the 42 below 64 px"
)
_TIME = (
    "the same face, laid on the footage, is no wrong pair; the record of the pair says which frame"
    " shows which"
)

_STILL = (
    "the limit of this eye distance was set on other people, and a trembling a quarter above it"
    " reads as little as theirs"
)
OPEN_MISSES: Final[dict[str, OpenMiss]] = {
    "jitter": OpenMiss(0.93, _STILL),
    "one iris recoloured": OpenMiss(0.89, _IRIS),
    "restored twice": OpenMiss(0.48, _TWICE),
}
"""By kind: no right answer at all."""

OPEN_NAMES: Final[dict[str, OpenMiss]] = {
    "one iris recoloured": OpenMiss(0.89, _IRIS),
    "restored twice": OpenMiss(0.48, _TWICE),
    "pair shifted in time": OpenMiss(0.0, _TIME),
}
"""By kind: seen perhaps, but not by the flag that says what it is."""

OPEN_FALSE_FLAGS: Final[dict[str, OpenMiss]] = {}
"""By flag: share of sharpened recorded faces (ten) that carry it although nothing was drawn."""

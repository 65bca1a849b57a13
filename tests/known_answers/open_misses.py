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
    "coded irises of true faces read up to 12 already, so the limit of their quality stands near or"
    " above the edit; narrow and dark eyes show little of the ring"
)
_TWICE = (
    "a face drawn at the frame's own size leaves little to see (5 of 55); enlarged twice, 48 of 55"
    " are seen, 41 of the 42 below 64 px"
)
_TIME = (
    "the same face, laid on the footage, is no wrong pair; the record of the pair says which frame"
    " shows which"
)

_SHARP = (
    "a face of 64 px that no codec touched is nearly as sharp as the restored one: leaving it out"
    " changes little"
)
_STILL = (
    "the limit of this eye distance was set on other people; the movement of a codec at QP 36"
    " hides in it what is drawn"
)
_BLOCKS = (
    "sharpening makes the codec's own grid in the hair stronger, and the measure takes what is"
    " stronger than in accurate pictures for drawn"
)

OPEN_MISSES: Final[dict[str, OpenMiss]] = {
    "frames not restored, silent": OpenMiss(0.92, _SHARP),
    "jitter": OpenMiss(0.91, _STILL),
    "one iris recoloured": OpenMiss(0.50, _IRIS),
    "restored twice": OpenMiss(0.48, _TWICE),
}
"""By kind: no right answer at all."""

OPEN_NAMES: Final[dict[str, OpenMiss]] = {
    "one iris recoloured": OpenMiss(0.50, _IRIS),
    "restored twice": OpenMiss(0.48, _TWICE),
    "pair shifted in time": OpenMiss(0.0, _TIME),
}
"""By kind: seen perhaps, but not by the flag that says what it is."""

OPEN_FALSE_FLAGS: Final[dict[str, OpenMiss]] = {"hair_grid": OpenMiss(0.20, _BLOCKS)}
"""By flag: share of sharpened recorded faces (ten) that carry it although nothing was drawn."""

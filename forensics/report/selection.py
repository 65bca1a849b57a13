"""Selection: which faces of a person a report shows, from the records alone.

The same records always give the same choice, so a report can be drawn again and compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from forensics.records import FaceLine, Flag, Person, Severity
from forensics.report.words import BAND_ORDER

PER_PERSON: Final = 12
TOTAL: Final = 72

_SEVERITY_ORDER: Final[dict[Severity, int]] = {"high": 0, "caution": 1, "note": 2}


@dataclass(frozen=True)
class Chosen:
    """A face to show; ``key`` when the pipeline named it a key face."""

    face: FaceLine
    key: bool


def share(people: int) -> int:
    """How many faces of each person are shown, so that a report of many people stays readable."""
    return min(PER_PERSON, max(1, TOTAL // max(people, 1)))


def choose(
    person: Person, faces: Sequence[FaceLine], flags: Sequence[Flag], most: int
) -> tuple[Chosen, ...]:
    """At most ``most`` faces of a person: key faces, those with other faces that fit, failures,
    flagged faces, then worst bands.

    Key faces come first in the result, the others by frame.
    """
    by_frame = {face.frame: face for face in faces}
    picked: dict[int, None] = {}

    def take(frames: Iterable[int]) -> None:
        for frame in frames:
            if frame in by_frame and len(picked) < most:
                picked.setdefault(frame)

    take(person.key_frames)
    keys = len(picked)
    take(face.frame for face in faces if face.alternatives)
    take(_spread([face.frame for face in faces if face.outcome == "failed"], 2))
    for flag in sorted(flags, key=lambda flag: _SEVERITY_ORDER[flag.severity]):
        take(_spread([(first + last) // 2 for first, last in flag.frames], 2))
    for band in BAND_ORDER:
        take(_spread([face.frame for face in faces if face.risk.band == band], 3))
    order = list(picked)
    return (
        *(Chosen(by_frame[frame], key=True) for frame in order[:keys]),
        *(Chosen(by_frame[frame], key=False) for frame in sorted(order[keys:])),
    )


def _spread(frames: Sequence[int], count: int) -> list[int]:
    """``count`` of ``frames``, evenly over them."""
    if len(frames) <= count:
        return list(frames)
    return [frames[(2 * i + 1) * len(frames) // (2 * count)] for i in range(count)]

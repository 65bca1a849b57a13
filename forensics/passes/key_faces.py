"""Key faces: which faces of a clip the costly measures are taken on, decided as the clip goes by.

The first pass says in which frames a person is, so the key faces are spread over the person's own
frames before anything is drawn.  Beside them, the first face of a person that carries a flag which
none of the person's examined faces had.  Promise: the choice depends on who was followed and on
flags alone, so that a resumed run and a replay choose the same faces.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from forensics.passes.follow import Following

KEYS_A_PERSON: Final = 2
FLAGGED_A_PERSON: Final = 1
MOST: Final = 12
STRETCH_S: Final = 2.0
_RATE: Final = 25.0  # frames a second where the source has no time stamps

NOT_KEY: Final = (
    f"measured on key and flagged faces only: at most {KEYS_A_PERSON} of a person, one in "
    f"{STRETCH_S:.0f} s, beside them {FLAGGED_A_PERSON} flagged, {MOST} in all"
)


def key_frames(
    following: Following, duration_s: float | None, most: int = MOST
) -> Mapping[int, tuple[int, ...]]:
    """By person, the frames from which on the next scored face is a key face, ascending.

    Each person's own frames are cut into stretches of at least two seconds, two at most, and the
    middle of each is taken.  People get their first key face before anybody gets a second one.
    """
    rate = _RATE if not duration_s else max(following.frames / duration_s, 1e-6)
    frames: dict[int, list[int]] = {}
    for frame in sorted(following.faces):
        for face in following.faces[frame]:
            frames.setdefault(face.person, []).append(frame)
    wanted = {p: _middles(own, rate) for p, own in sorted(frames.items())}
    chosen: dict[int, list[int]] = {person: [] for person in wanted}
    left = most
    for place in range(KEYS_A_PERSON):
        for person, middles in wanted.items():
            if place < len(middles) and left:
                chosen[person].append(middles[place])
                left -= 1
    return {person: tuple(sorted(found)) for person, found in chosen.items()}


def _middles(own: list[int], rate: float) -> list[int]:
    """Middles of a person's stretches; the one in the middle of all first."""
    seconds = (own[-1] - own[0] + 1) / rate
    count = min(KEYS_A_PERSON, max(1, math.floor(seconds / STRETCH_S)))
    middles = [own[(2 * k + 1) * len(own) // (2 * count)] for k in range(count)]
    return sorted(middles, key=lambda frame: abs(frame - own[len(own) // 2]))


@dataclass
class KeyFaces:
    """Says of each scored face, in the order of the clip, whether it is to be examined."""

    planned: Mapping[int, tuple[int, ...]]
    _taken: dict[int, int] = field(default_factory=dict)  # planned ones, by person
    _flagged: dict[int, int] = field(default_factory=dict)
    _codes: dict[int, set[str]] = field(default_factory=dict)
    _count: int = 0

    def takes(self, frame: int, person: int, flags: Collection[str]) -> bool:
        """Whether this scored face is a key face or the first with one of its flags."""
        seen = self._codes.setdefault(person, set())
        key = self._due(frame, person)
        flagged = not key and bool(set(flags) - seen) and self._may_flag(person)
        if not key and not flagged:
            return False
        seen.update(flags)
        self._count += 1
        if flagged:
            self._flagged[person] = self._flagged.get(person, 0) + 1
        return True

    def _due(self, frame: int, person: int) -> bool:
        """A planned frame has come since the last one that was used up; several count as one."""
        planned = self.planned.get(person, ())
        passed = sum(start <= frame for start in planned)
        if passed <= self._taken.get(person, 0):
            return False
        self._taken[person] = passed
        return True

    def _may_flag(self, person: int) -> bool:
        waiting = sum(
            len(planned) - self._taken.get(other, 0) for other, planned in self.planned.items()
        )
        # Planned faces keep their places; flagged ones take what is left.
        room = self._count + waiting < MOST
        return room and self._flagged.get(person, 0) < FLAGGED_A_PERSON

"""Replay, outcome: the level reached, the first difference, and the words and exit code for them.

Levels: R1 the same bits; R2 the same decisions and no picture further than 2/255 from the stored
one; R3 the same decisions and no picture further than 32/255.  The two bounds are stated with every
result; they are conventions, not measured across machines.  Anything else is ``not repeated``,
which is neither altered nor incomplete: exit 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from forensics.evidence.verification import Verdict

REPLAY_SCHEMA: Final = "restoration-forensics/replay/1"
R2_LIMIT: Final = 2
R3_LIMIT: Final = 32
NOT_REPEATED: Final = "not repeated"
NOT_REPEATED_EXIT: Final = 1
ALTERED_EXIT: Final = 4
_SHOWN: Final = 12

Level = Literal["R1", "R2", "R3", "not repeated"]


@dataclass(frozen=True)
class Difference:
    """One thing that came out otherwise; ``levels`` is the largest step between pixels, 0..255."""

    frame: int
    person: int | None
    file: str
    what: str
    levels: int | None = None

    def words(self) -> str:
        """Place first, then what differs."""
        place = f"frame {self.frame}"
        place += "" if self.person is None else f", person {self.person:02d}"
        step = "" if self.levels is None else f" (by up to {self.levels}/255)"
        return f"{place}, {self.file}: {self.what}{step}"


@dataclass(frozen=True)
class Change:
    """A field of the environment that is another one now."""

    name: str
    recorded: str
    now: str


@dataclass
class Tally:
    """What a replay gathers while it runs."""

    faces: int = 0
    frames: int = 0
    pictures: int = 0
    worst: int = 0
    """Largest step of any compared picture, 0..255."""
    same_bits: bool = True
    decided: bool = True
    """Whether outcomes, flags and bands are the recorded ones."""
    first: Difference | None = None
    differences: int = 0

    def bits(self, difference: Difference) -> None:
        """Note pixels or digests that differ."""
        self.same_bits = False
        self.worst = max(self.worst, difference.levels or 0)
        self._note(difference)

    def decision(self, difference: Difference) -> None:
        """Note an outcome, flag, band or record that differs: no level allows that."""
        self.same_bits = self.decided = False
        self._note(difference)

    def _note(self, difference: Difference) -> None:
        self.differences += 1
        if self.first is None or difference.frame < self.first.frame:
            self.first = difference

    def level(self) -> Level:
        """The highest level that was reached."""
        if not self.decided or self.worst > R3_LIMIT:
            return NOT_REPEATED
        if self.same_bits:
            return "R1"
        return "R2" if self.worst <= R2_LIMIT else "R3"


@dataclass(frozen=True)
class Replay:
    """The result of one replay."""

    bundle: str
    verdict: Verdict
    level: Level
    tally: Tally
    scope: str
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """0 with the level stated, 1 not repeated, 4 when the bundle itself is altered."""
        if self.verdict == "altered":
            return ALTERED_EXIT
        return NOT_REPEATED_EXIT if self.level == NOT_REPEATED else 0

    def document(self) -> dict[str, object]:
        """As JSON, for ``--json``."""
        first = self.tally.first
        return {
            "schema": REPLAY_SCHEMA,
            "bundle": self.bundle,
            "bundle_verdict": self.verdict,
            "level": self.level,
            "exit_code": self.exit_code,
            "scope": self.scope,
            "faces": self.tally.faces,
            "frames": self.tally.frames,
            "pictures": self.tally.pictures,
            "max_difference_of_255": self.tally.worst,
            "limits_of_255": {"R1": 0, "R2": R2_LIMIT, "R3": R3_LIMIT},
            "differences": self.tally.differences,
            "first_difference": None
            if first is None
            else {
                "frame": first.frame,
                "person": first.person,
                "file": first.file,
                "what": first.what,
                "levels_of_255": first.levels,
            },
            "environment": [
                {"field": c.name, "recorded": c.recorded, "now": c.now} for c in self.changes
            ],
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """For a reader: the level, what it rests on, the first difference, the machine."""
        tally = self.tally
        said = {
            "R1": "R1, the same bits",
            "R2": f"R2, the same decisions, every picture within {R2_LIMIT}/255",
            "R3": f"R3, the same decisions, every picture within {R3_LIMIT}/255",
            NOT_REPEATED: "NOT REPEATED",
        }[self.level]
        lines = [
            f"{self.bundle}: {said}: {tally.faces} face(s) and {tally.frames} frame(s) restored "
            f"again, {tally.pictures} stored pictures compared, largest difference "
            f"{tally.worst}/255.",
            f"  scope: {self.scope}",
        ]
        if self.verdict == "altered":
            lines.append("  THE BUNDLE IS ALTERED; 'forensics verify' says where.")
        if tally.first is not None:
            lines.append(f"  first difference: {tally.first.words()}")
            lines.append(f"  differences in all: {tally.differences}")
        lines += _environment_lines(self.changes)
        if self.level != "R1" and not self.changes:
            lines.append("  The environment is the recorded one, so R1 was to be expected.")
        lines += [f"  {note}" for note in self.notes]
        return lines


def _environment_lines(changes: Sequence[Change]) -> list[str]:
    if not changes:
        return ["  environment: as recorded"]
    lines = [f"  environment: {len(changes)} field(s) are not as recorded"]
    lines += [f"    {c.name}: {c.recorded} then, {c.now} now" for c in changes[:_SHOWN]]
    if len(changes) > _SHOWN:
        lines.append(f"    and {len(changes) - _SHOWN} more; --json lists them")
    return lines

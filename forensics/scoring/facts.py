"""Scoring, facts: what flags and bands over time keep of each face, and how a finding is stated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from forensics.records import Band, Box, FaceLine, FlagCode, Outcome, Risk, Severity

if TYPE_CHECKING:
    from forensics.scoring.temporal import OverTime

SEVERITY: Final[Mapping[FlagCode, Severity]] = {
    "contradicts_footage": "high",
    "failed": "high",
    "mismatched_pair": "high",
    "swap": "high",
    "eye_colour": "high",
    "glasses": "high",
    "facial_hair": "high",
    "identity_drift": "caution",
    "structure_shift": "caution",
    "jitter": "caution",
    "morphing": "caution",
    "pop": "caution",
    "unstable": "caution",
    "restored_twice": "caution",
    "profile": "caution",
    "too_small": "caution",
    "background_redrawn": "note",
    "hair_grid": "note",
}
"""Flags of this version with their severity, worst first."""
_MEASURE: Final[Mapping[FlagCode, str]] = {
    "eye_colour": "iris_delta",
    "glasses": "glasses",
    "facial_hair": "facial_hair",
    "structure_shift": "landmark_shift",
    "unstable": "stability_input",
    "hair_grid": "hair_grid",
}
_FLAG_OF: Final[Mapping[str, FlagCode]] = {
    "contradiction": "contradicts_footage",
    "interval_violation": "contradicts_footage",
    "identity_drift": "identity_drift",
    **{name: code for code, name in _MEASURE.items()},
}
P99: Final = "_p99"
Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FaceFact:
    """What flags and bands over time need of one face; small, because a clip has many.

    ``shot`` is the number of the shot the frame lies in.  ``similarity`` is the cosine of the
    face's appearance to the person's other frames, ``rival`` the highest to another person's;
    ``step_grey`` how much more the restored face changed since the frame before than its crop did
    (`continuity.StepMeter`), in grey levels; ``over_time`` what the frames before it add.
    ``glasses`` and ``facial_hair`` are kept of every face, because they may come and go; ``held``
    are flags set by a measure, with its value and the 99th percentile of accurate pictures.
    ``pair_likeness`` is how like another's picture is to the footage (`mismatch`; None: no pair is
    judged), ``traces`` how far the footage itself looks restored before (`traces`).  ``asked`` are
    the flags whose measure was taken of this face; ``plain`` is its band with the reasons, had no
    measure flagged it (`support`).
    """

    frame: int
    pts_s: float | None
    person: int
    box_px: Box
    interocular_px: float
    yaw_deg: float | None
    outcome: Outcome
    reason: str | None
    flags: tuple[FlagCode, ...]
    band: Band
    because: tuple[str, ...]
    contradiction: tuple[float, float] | None  # value, limit
    identity_drift: tuple[float, float] | None
    similarity: float | None
    rival: float | None
    step_grey: float | None
    shot: int = 1
    over_time: OverTime | None = None
    glasses: float | None = None
    facial_hair: float | None = None
    held: tuple[tuple[FlagCode, float, float], ...] = ()
    interval_violation: tuple[float, float] | None = None
    pair_likeness: float | None = None
    traces: float | None = None
    asked: frozenset[FlagCode] = frozenset()
    plain: tuple[Band, tuple[str, ...]] | None = None

    @property
    def contradicting(self) -> Mapping[str, tuple[float, float] | None]:
        """Value and limit of each measure behind `contradicts_footage`."""
        return {"contradiction": self.contradiction, "interval_violation": self.interval_violation}

    def held_pair(self, code: FlagCode) -> tuple[float, float] | None:
        """Value and usual limit of a flag that a measure set, as the face kept them."""
        return next(((value, usual) for c, value, usual in self.held if c == code), None)

    @classmethod
    def of(
        cls,
        line: FaceLine,
        similarity: float | None = None,
        rival: float | None = None,
        step_grey: float | None = None,
        shot: int = 1,
        over_time: OverTime | None = None,
        pair_likeness: float | None = None,
        traces: float | None = None,
        plain: Risk | None = None,
    ) -> FaceFact:
        """The facts of a line of faces.jsonl."""

        def held(name: str) -> tuple[float, float] | None:
            if name not in line.measures or name + P99 not in line.references:
                return None
            return line.measures[name], line.references[name + P99]

        return cls(
            frame=line.frame,
            pts_s=line.pts_s,
            person=line.person,
            box_px=line.box_px,
            interocular_px=line.interocular_px,
            yaw_deg=line.yaw_deg,
            outcome=line.outcome,
            reason=line.reason,
            flags=line.flags,
            band=line.risk.band,
            because=line.risk.because,
            contradiction=held("contradiction"),
            interval_violation=held("interval_violation"),
            identity_drift=held("identity_drift"),
            similarity=similarity,
            rival=rival,
            step_grey=step_grey,
            shot=shot,
            over_time=over_time,
            glasses=line.measures.get("glasses"),
            facial_hair=line.measures.get("facial_hair"),
            held=tuple(
                (code, *pair)
                for code, name in _MEASURE.items()
                if code in line.flags and (pair := held(name)) is not None
            ),
            pair_likeness=pair_likeness,
            traces=traces,
            asked=_asked(frozenset(line.measures) | frozenset(line.references)),
            plain=None if plain is None else (plain.band, plain.because),
        )


@cache
def _asked(names: frozenset[str]) -> frozenset[FlagCode]:
    """Flags whose measure has a value and a limit under these names; few sets recur in a clip."""
    return frozenset(
        code for name, code in _FLAG_OF.items() if name in names and name + P99 in names
    )


@dataclass(frozen=True)
class FlagFinding:
    """A flag of one person (None: of the picture) with its place; the words come from the report.

    ``measured`` is the worst value within ``frames`` (inclusive ranges), ``reference`` what it was
    held against.
    """

    code: FlagCode
    person: int | None
    frames: Ranges
    severity: Severity
    measured: float | None = None
    reference: float | None = None
    unit: str | None = None
    detail: str | None = None


def merged_ranges(frames: Iterable[int]) -> Ranges:
    """Frame numbers to inclusive ranges: 1 2 3 7 -> (1, 3), (7, 7)."""
    found: list[tuple[int, int]] = []
    for frame in sorted(set(frames)):
        if found and frame == found[-1][1] + 1:
            found[-1] = (found[-1][0], frame)
        else:
            found.append((frame, frame))
    return tuple(found)

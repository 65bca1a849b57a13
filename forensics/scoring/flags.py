"""Scoring, hard flags: rules without probability, for a face and for a person over time.

A flag is a fact with its place and the value it was held against; why it may be wrong stands with
its words in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from forensics.records import FlagCode, Outcome
from forensics.scoring.continuity import find_pops, find_swaps
from forensics.scoring.facts import SEVERITY, FaceFact, FlagFinding, merged_ranges
from forensics.scoring.held import BY_CODE, BY_MEASURE, HELD
from forensics.scoring.mismatch import find_mismatch
from forensics.scoring.support import supported
from forensics.scoring.thresholds import ThresholdTable, shipped_thresholds
from forensics.scoring.toggling import find_toggling
from forensics.scoring.traces import find_traces
from forensics.scoring.unsteady import find_unsteady

__all__ = ["FaceFact", "FlagFinding", "face_flags", "person_flags"]


def face_flags(
    *,
    outcome: Outcome,
    interocular_px: float,
    yaw_deg: float | None,
    measures: Mapping[str, float],
    references: Mapping[str, float],
    table: ThresholdTable | None = None,
) -> tuple[FlagCode, ...]:
    """Flags of one face in one frame, worst first.

    A measure flags only above what 99 of 100 accurate pictures of this input quality score (and a
    stated least value, `held.HELD`); without that reference it never flags.
    """
    limits = table or shipped_thresholds()
    found: list[FlagCode] = []
    if outcome == "failed":
        found.append("failed")
    held = [one.code for one in HELD if one.holds(measures, references, limits)]
    found += dict.fromkeys(held)  # two measures can set one flag
    if outcome == "restored":
        if yaw_deg is not None and abs(yaw_deg) > limits["profile_yaw_deg"]:
            found.append("profile")
        if interocular_px < limits["too_small_px"]:
            found.append("too_small")
    return tuple(found)


def person_flags(
    person: int,
    facts: Sequence[FaceFact],
    *,
    frame_size_px: tuple[int, int] | None = None,
    table: ThresholdTable | None = None,
    logged: bool = False,
    outcomes: bool = True,
    paired: bool = False,
) -> tuple[FlagFinding, ...]:
    """All flags of one person over the clip, worst first; one finding per code.

    What a measure says in one face alone is none (`support`).
    ``facts`` may hold other people too: they tell a person hidden behind somebody from one that
    the software lost.  ``frame_size_px`` (width, height) tells who left the picture.  ``logged``:
    the outcomes come from the log of the run that restored, so nothing is inferred from pixels.
    ``outcomes``: False where they are those of a run that did not restore, which say nothing about
    what switched on or off.  ``paired``: the restored side is somebody else's, so it may belong to
    another source.
    """
    limits = table or shipped_thresholds()
    own = supported(sorted((f for f in facts if f.person == person), key=lambda f: f.frame), limits)
    others = [f for f in facts if f.person != person]
    found = [finding for code in SEVERITY if (finding := _by_face(code, person, own, limits))]
    found += find_pops(person, own, others, frame_size_px, limits, logged=logged, outcomes=outcomes)
    found += find_swaps(person, own, limits)
    found += find_unsteady(person, own, limits)
    for decided in (
        find_mismatch(person, own, limits) if paired else None,
        find_traces(person, own, limits),
    ):
        if decided is not None:
            found.append(decided)
    order = list(SEVERITY)
    return tuple(sorted(found, key=lambda f: order.index(f.code)))


def _by_face(
    code: FlagCode, person: int, own: Sequence[FaceFact], limits: ThresholdTable
) -> FlagFinding | None:
    """The faces that carry a flag, as one finding with the worst value."""
    flagged = [f for f in own if code in f.flags]
    if not flagged:
        return None
    worst = max(flagged, key=_EXCESS.get(code, lambda f: _held_excess(code, f)))
    measured = reference = unit = detail = None
    if code == "too_small":
        measured, reference, unit = worst.interocular_px, limits["too_small_px"], "px"
    elif code == "profile" and worst.yaw_deg is not None:
        measured, reference, unit = abs(worst.yaw_deg), limits["profile_yaw_deg"], "degrees"
    elif code == "contradicts_footage":
        measured, reference, unit = _contradicted(worst)
    elif code == "identity_drift" and worst.identity_drift is not None:
        measured, reference = worst.identity_drift
    elif code == "failed":
        detail = flagged[0].reason
    elif (pair := worst.held_pair(code)) is not None:
        measured, reference, unit, detail = _measured(code, pair, own, limits)
    return FlagFinding(
        code,
        person,
        merged_ranges(f.frame for f in flagged),
        SEVERITY[code],
        measured,
        reference,
        unit,
        detail,
    )


def _held_excess(code: FlagCode, fact: FaceFact) -> float:
    return _over(fact.held_pair(code))


def _measured(
    code: FlagCode, pair: tuple[float, float], own: Sequence[FaceFact], limits: ThresholdTable
) -> tuple[float, float, str | None, str | None]:
    """Measured, reference, unit and detail of a finding; the detail says what comes and goes."""
    rule, (value, usual) = BY_CODE[code], pair
    least = limits[rule.least] if rule.least is not None else usual
    detail = None
    if code in ("glasses", "facial_hair"):
        values = [v for f in own if (v := getattr(f, code)) is not None]
        toggling = find_toggling(values, least)
        if toggling is not None:
            detail = toggling.words
    return value, max(usual, least), rule.unit, detail


def _contradicted(fact: FaceFact) -> tuple[float | None, float | None, str | None]:
    """Measured, reference and unit of the measure that contradicts more, in ratios to its limit."""
    pairs = fact.contradicting
    name = max(pairs, key=lambda name: _ratio(pairs[name]))
    pair = pairs[name]
    return (None, None, None) if pair is None else (*pair, BY_MEASURE[name].unit)


def _ratio(pair: tuple[float, float] | None) -> float:
    return pair[0] / max(pair[1], 1e-9) if pair is not None else 0.0


def _over(pair: tuple[float, float] | None) -> float:
    return pair[0] - pair[1] if pair is not None else 0.0


_EXCESS: Final[Mapping[FlagCode, Callable[[FaceFact], float]]] = {
    "too_small": lambda f: -f.interocular_px,
    "profile": lambda f: abs(f.yaw_deg or 0.0),
    "contradicts_footage": lambda f: max(_ratio(f.contradiction), _ratio(f.interval_violation)),
    "identity_drift": lambda f: _over(f.identity_drift),
}

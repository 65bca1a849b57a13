"""Scoring, flags over time: a restored face that trembles (`jitter`) or turns into another one
(`morphing`).

A flag needs a stretch of faces in a row above what true faces keep to, so that one bad frame,
which `pop` is for, raises none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from forensics.scoring.facts import FaceFact, FlagFinding, merged_ranges
from forensics.scoring.over_time_table import MORPHING, OverTimeTable, shipped_over_time
from forensics.scoring.temporal import OverTime
from forensics.scoring.thresholds import ThresholdTable

Value = Callable[[OverTime], float | None]
_VALUES: Final[Mapping[str, Value]] = {
    "jitter": lambda o: o.jitter_pct,
    MORPHING: lambda o: o.morph_grey,
    "identity_dispersion": lambda o: o.dispersion,
}
CHANGES_FEATURES: Final = "features change between frames beyond what moves"
CHANGES_PERSON: Final = "a recogniser finds the person to change more than the footage does"


@dataclass(frozen=True)
class _Stretches:
    """Frames above the limit of one value, with the worst value and its limit."""

    frames: frozenset[int]
    measured: float
    reference: float


def find_unsteady(
    person: int,
    own: Sequence[FaceFact],
    limits: ThresholdTable,
    table: OverTimeTable | None = None,
) -> list[FlagFinding]:
    """`jitter` and `morphing` of one person; ``own`` in the order of frames.

    The frames of a finding begin where the first window above the limit begins.
    """
    known = table or shipped_over_time()
    # `passes.over_time` leaves a dispersion of another network than the table's out of the facts,
    # so the table's own digests stand here.
    above = {name: _above(name, own, limits, known) for name in _VALUES}
    found = []
    if (trembling := above["jitter"]) is not None:
        found.append(_finding("jitter", person, [trembling], "% of the eye distance", None))
    drawn, drifting = above[MORPHING], above["identity_dispersion"]
    both = [one for one in (drawn, drifting) if one is not None]
    if both:
        said = [
            text
            for text, one in ((CHANGES_FEATURES, drawn), (CHANGES_PERSON, drifting))
            if one is not None
        ]
        unit = "grey levels" if drawn is not None else None
        found.append(_finding("morphing", person, both, unit, "; ".join(said)))
    return found


def _finding(
    code: str, person: int, stretches: Sequence[_Stretches], unit: str | None, detail: str | None
) -> FlagFinding:
    frames = frozenset().union(*(one.frames for one in stretches))
    first = stretches[0]
    return FlagFinding(
        "jitter" if code == "jitter" else "morphing",
        person,
        merged_ranges(frames),
        "caution",
        measured=first.measured,
        reference=first.reference,
        unit=unit,
        detail=detail,
    )


def _above(
    name: str, own: Sequence[FaceFact], limits: ThresholdTable, table: OverTimeTable
) -> _Stretches | None:
    """Stretches of at least ``unsteady_faces`` faces in a row above the limit of their size."""
    least = limits["unsteady_faces"]
    frames: set[int] = set()
    worst: tuple[float, float] | None = None
    run: list[tuple[FaceFact, OverTime, float, float]] = []

    def close() -> None:
        nonlocal worst
        if len(run) >= least:
            frames.update(range(run[0][1].since_frame, run[-1][0].frame + 1))
            for _, _, value, limit in run:
                if worst is None or value - limit > worst[0] - worst[1]:
                    worst = value, limit
        run.clear()

    for fact in own:
        moment = fact.over_time
        value = None if moment is None else _VALUES[name](moment)
        if moment is None or value is None:
            continue  # an unscored or lost face neither ends a stretch nor makes one longer
        reference = table.look_up(
            name, fact.interocular_px, table.models,
            fine=moment.fine, contrast_grey=moment.contrast_grey,
        )  # fmt: skip
        limit = None if reference is None else _limit(name, reference.p99, limits)
        if limit is None or value <= limit:
            close()
        else:
            run.append((fact, moment, value, limit))
    close()
    return None if worst is None else _Stretches(frozenset(frames), *worst)


def _limit(name: str, p99: float, limits: ThresholdTable) -> float:
    """What true faces keep to, with the room that portraits brought to life cannot stand for."""
    if name == "jitter":
        return max(p99, limits["jitter_least_pct"])
    return p99 + limits["drift_margin"] if name == "identity_dispersion" else p99

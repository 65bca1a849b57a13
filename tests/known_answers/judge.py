"""Known answers, judge: the product's own measures, references and flags, asked one by one.

`Scorer.score` measures everything; here a face is asked only what its edit should move, and what
the footage alone decides is read once.  A test holds both to the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from forensics.models.load import load_embedded
from forensics.models.nets.identity import build_identity
from forensics.models.nets.traces import TracesNet, build_traces
from forensics.records import FlagCode
from forensics.scoring import identity
from forensics.scoring.attributes import measure_facial_hair, measure_glasses
from forensics.scoring.contradiction import measure_contradiction
from forensics.scoring.facts import P99, FaceFact
from forensics.scoring.flags import face_flags
from forensics.scoring.hair_grid import measure_hair_grid
from forensics.scoring.information import measure_information
from forensics.scoring.invention import measure_invention
from forensics.scoring.iris import measure_iris
from forensics.scoring.matched import Matched, bring_to_footage
from forensics.scoring.measure import U8, FaceInput, Reading
from forensics.scoring.mismatch import PAIR_LIKENESS, find_mismatch, measure_likeness
from forensics.scoring.references import IDENTITY_DISTANCE, ReferenceTable, shipped_references
from forensics.scoring.scorer import within_span
from forensics.scoring.structure import measure_structure
from forensics.scoring.thresholds import shipped_thresholds
from forensics.scoring.traces import TRACES, find_traces, measure_traces

Facts = Mapping[str, float]


@dataclass(frozen=True)
class Looked:
    """What was read of one face. ``limits``: the 99th percentile of true faces, by measure."""

    measures: dict[str, float]
    limits: dict[str, float]
    flags: tuple[FlagCode, ...]
    reasons: dict[str, str] = field(default_factory=dict)

    def above(self, name: str) -> bool:
        """Whether a measure lies above what 99 of 100 true faces score."""
        return (
            name in self.measures
            and name in self.limits
            and (self.measures[name] > self.limits[name])
        )


@dataclass(frozen=True)
class Judge:
    """The shipped tables and the embedded networks that the asked measures need."""

    table: ReferenceTable
    recogniser: torch.nn.Module
    traces: TracesNet

    def facts(self, face: FaceInput) -> Facts:
        """What the footage alone decides; the same for every restoration of it."""
        return measure_information(face).values

    def look(self, face: FaceInput, names: Iterable[str], facts: Facts) -> Looked:
        """Measure what ``names`` asks for, with references and the flags that follow from it."""
        read = self.read(face, names, facts)
        limits = self._limits(read.values, facts)
        flags = face_flags(
            outcome="restored",
            interocular_px=face.interocular_px,
            yaw_deg=face.yaw_deg,
            measures=read.values,
            references={name + P99: limit for name, limit in limits.items()},
        )
        fact = replace(_FACT, pair_likeness=read.values.get(PAIR_LIKENESS))
        wrong = find_mismatch(0, [fact], shipped_thresholds())
        flags += () if wrong is None else (wrong.code,)
        return Looked(read.values, limits, flags, read.reasons)

    def look_at_footage(self, frame_rgb_u8: U8, affine: NDArray[np.float64]) -> Looked:
        """What the footage alone says of an earlier restoration."""
        reading = measure_traces(frame_rgb_u8, affine, self.traces)
        found = find_traces(
            0, [replace(_FACT, traces=reading.values.get(TRACES))], shipped_thresholds()
        )
        return Looked(reading.values, {}, () if found is None else (found.code,), reading.reasons)

    def read(self, face: FaceInput, names: Iterable[str], facts: Facts) -> Reading:
        """The measures that ``names`` asks for, or why not."""
        measures: dict[str, float] = {}
        reasons: dict[str, str] = {}
        asked = list(dict.fromkeys(_FAMILY.get(name, name) for name in names))
        matched = bring_to_footage(face) if _MATCHED.keys() & set(asked) else None
        for name in asked:
            if name in _MATCHED:
                reading = _MATCHED[name](face, matched)
            else:
                reading = _READERS[name](self, face, facts)
            measures |= reading.values
            reasons |= reading.reasons
        return Reading(measures, reasons)

    def _limits(self, measures: Facts, facts: Facts) -> dict[str, float]:
        found = {}
        for name in measures:
            if name == "identity_drift":
                reference = self.table.look_up(IDENTITY_DISTANCE, facts)
                if reference is not None:
                    found[name] = reference.p99 - reference.median
                continue
            reference = self.table.look_up(name, facts)
            if reference is not None:
                found[name] = within_span(name, reference.p99)
        return found

    def drift(self, face: FaceInput, facts: Facts) -> Reading:
        """`identity_drift` as the scorer gives it."""
        name = "identity_drift"
        reason = identity.gate(face)
        if reason is not None:
            return Reading(reasons={name: reason})
        expected = self.table.look_up(IDENTITY_DISTANCE, facts)
        if expected is None:
            return Reading(reasons={name: "no reference"})
        pair = ([face.restored_rgb_u8], [face.crop_rgb_u8])
        distance = identity.distances(self.recogniser, *pair, torch.device("cpu"))[0]
        return Reading({name: float(distance) - expected.median})


def _invention(judge: Judge, face: FaceInput, facts: Facts) -> Reading:
    return measure_invention(face, facts.get("cutoff"))


_READERS: dict[str, Callable[[Judge, FaceInput, Facts], Reading]] = {
    "contradiction": lambda judge, face, facts: measure_contradiction(face),
    "invented_detail": _invention,
    "identity_drift": lambda judge, face, facts: judge.drift(face, facts),
    "hair_grid": lambda judge, face, facts: measure_hair_grid(face),
    PAIR_LIKENESS: lambda judge, face, facts: measure_likeness(face),
}
"""How each measure is asked."""
_MATCHED: dict[str, Callable[[FaceInput, Matched | None], Reading]] = {
    "landmark_shift": measure_structure,
    "iris_delta": measure_iris,
    "glasses": measure_glasses,
    "facial_hair": measure_facial_hair,
}
"""Those that share the restored face brought to the footage."""
_FAMILY = {
    f"contradiction_{region}": "contradiction"
    for region in ("eyes", "nose", "mouth", "jaw", "hair")
}
_FACT = FaceFact(
    frame=1, pts_s=None, person=0, box_px=(0.0, 0.0, 1.0, 1.0), interocular_px=1.0, yaw_deg=None,
    outcome="restored", reason=None, flags=(), band="not_calculable", because=(),
    contradiction=None, identity_drift=None, similarity=None, rival=None, step_grey=None,
)  # fmt: skip
"""One face of a person, to which the decisions about a person are put."""
ALL_MEASURES = (*(name for name in _READERS if name != PAIR_LIKENESS), *_MATCHED)
"""Those that a scorer takes; the likeness of a pair is no measure of a face."""


@cache
def shipped_judge() -> Judge:
    """The judge with what travels with the package; built once."""
    recogniser = build_identity(load_embedded("identity").state)
    traces = build_traces(load_embedded("traces").state)
    return Judge(shipped_references(), recogniser, traces)

"""Scoring, held: which measures flag a face, and from which value on.

A measure flags above what 99 of 100 accurate pictures of this input quality score and, where a
least value is stated, above that too: a difference nobody would see is no finding, however rare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from forensics.records import FlagCode
from forensics.scoring.facts import P99
from forensics.scoring.thresholds import ThresholdTable


@dataclass(frozen=True)
class Held:
    """How one measure becomes a flag.

    ``least`` names a threshold below which it never flags; ``unit`` follows its numbers.
    """

    measure: str
    code: FlagCode
    unit: str | None = None
    least: str | None = None

    def limit(self, references: Mapping[str, float], limits: ThresholdTable) -> float | None:
        """The value to exceed at this input quality; None without a reference: nothing is said."""
        usual = references.get(self.measure + P99)
        if usual is None or self.least is None:
            return usual
        return max(usual, limits[self.least])

    def holds(
        self, measures: Mapping[str, float], references: Mapping[str, float], limits: ThresholdTable
    ) -> bool:
        """Whether the measure passes its limit."""
        value, limit = measures.get(self.measure), self.limit(references, limits)
        return value is not None and limit is not None and value > limit


HELD: Final[tuple[Held, ...]] = (
    Held("contradiction", "contradicts_footage", "times the noise"),
    Held("interval_violation", "contradicts_footage", "share of values outside"),
    Held("iris_delta", "eye_colour", "dE2000", "eye_colour_least"),
    Held("glasses", "glasses", None, "glasses_least"),
    Held("facial_hair", "facial_hair", "L*", "facial_hair_least"),
    Held("identity_drift", "identity_drift"),
    Held("landmark_shift", "structure_shift", "% of the eye distance", "structure_least"),
    Held("stability_input", "unstable", None, "unstable_least"),
    Held("hair_grid", "hair_grid", None, "hair_grid_least"),
)
"""All of them, worst first."""
BY_MEASURE: Final[Mapping[str, Held]] = {one.measure: one for one in HELD}
BY_CODE: Final[Mapping[FlagCode, Held]] = {one.code: one for one in reversed(HELD)}
"""Where two measures set one flag, the first of them."""

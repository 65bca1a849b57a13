"""Scoring, appearance: the measures of structure and attributes, which share one matched picture.

`landmark_shift`, `iris_delta`, `glasses`, `facial_hair` and `hair_grid` of one face, none of which
needs a network.
"""

from __future__ import annotations

from forensics.scoring.attributes import measure_facial_hair, measure_glasses
from forensics.scoring.hair_grid import measure_hair_grid
from forensics.scoring.iris import measure_iris
from forensics.scoring.matched import bring_to_footage
from forensics.scoring.measure import FaceInput, Reading
from forensics.scoring.structure import measure_structure

NAMES: tuple[str, ...] = ("landmark_shift", "iris_delta", "glasses", "facial_hair", "hair_grid")


def measure_appearance(face: FaceInput) -> Reading:
    """All five, each as a number or with the reason why not."""
    matched = bring_to_footage(face)
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for reading in (
        measure_structure(face, matched),
        measure_iris(face, matched),
        measure_glasses(face, matched),
        measure_facial_hair(face, matched),
        measure_hair_grid(face),
    ):
        values.update(reading.values)
        reasons.update(reading.reasons)
    return Reading(values, reasons)

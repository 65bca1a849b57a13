"""Scoring, alone: what a restored face says of itself where no original exists.

Promise: only measures that need no original are numbers; every other one is `NO_ORIGINAL`, and
nothing here flags or bands a face, because the usual values were made against footage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import torch

from forensics.records import MEASURES
from forensics.scoring import identity
from forensics.scoring.hair_grid import LOWEST, grid_share
from forensics.scoring.information import measure_information
from forensics.scoring.iris import centres, colours, difference
from forensics.scoring.iris import gate as iris_gate
from forensics.scoring.maps import Scored
from forensics.scoring.measure import F32, FaceInput, Reading, finite
from forensics.scoring.scorer import Scorer
from forensics.scoring.temporal import NAMES as OVER_TIME

NO_ORIGINAL: Final = "no original"
NAMES: Final = ("blockiness", "qp", "hair_grid", "iris_delta", *OVER_TIME)
"""What is measured here: of one face, and (`AloneOverTime`) over time."""
_OF_INPUT: Final = ("blockiness", "qp")


@dataclass(frozen=True)
class AloneScorer:
    """Measures faces that have no original; takes the networks of a `Scorer`."""

    scorer: Scorer

    @property
    def digests(self) -> Mapping[str, str]:
        """Of the networks at work, by role."""
        return self.scorer.digests

    def score(self, faces: Sequence[FaceInput]) -> list[Scored]:
        """Measure each face; ``crop_rgb_u8`` and ``restored_rgb_u8`` are the same picture."""
        vectors = self._embedded(faces)
        with ThreadPoolExecutor(max(1, torch.get_num_threads())) as pool:
            return list(pool.map(_one, faces, vectors))

    def _embedded(self, faces: Sequence[FaceInput]) -> list[F32 | None]:
        """The recogniser's unit vector of each face that passes its gate."""
        found: list[F32 | None] = [None] * len(faces)
        open_ = [k for k, face in enumerate(faces) if identity.gate(face) is None]
        pictures = [faces[k].restored_rgb_u8 for k in open_]
        rows = identity.embed(self.scorer.identity, pictures, self.scorer.device)
        for k, row in zip(open_, rows, strict=True):
            found[k] = row
        return found


def _one(face: FaceInput, vector: F32 | None) -> Scored:
    measures: dict[str, float] = {}
    reasons = {name: NO_ORIGINAL for name in MEASURES if name not in NAMES}
    for reading in (_of_input(face), _hair_grid(face), _iris(face)):
        checked = finite(reading.values)
        measures.update(checked.values)
        reasons.update(reading.reasons | checked.reasons)
    pair = None if vector is None else (vector, vector)
    return Scored(measures, reasons, {}, {}, pair)


def _of_input(face: FaceInput) -> Reading:
    found = measure_information(face)
    return Reading(
        {name: found.values[name] for name in _OF_INPUT if name in found.values},
        {name: found.reasons[name] for name in _OF_INPUT if name in found.reasons},
    )


def _hair_grid(face: FaceInput) -> Reading:
    """`hair_grid` without the footage's own share taken off: there is none to take off."""
    share = grid_share(face.restored_rgb_u8, LOWEST)
    if share is None:
        reason = "the hair band of the template has no fine detail"
        return Reading(reasons={"hair_grid": reason})
    return Reading({"hair_grid": share})


def _iris(face: FaceInput) -> Reading:
    """`iris_delta` as left against right alone; the person may have been born with it."""
    name = "iris_delta"
    reason = iris_gate(face)
    if reason is not None:
        return Reading(reasons={name: reason})
    drawn = colours(face.restored_rgb_u8, centres(face.restored_rgb_u8))
    if drawn is None:
        return Reading(reasons={name: "glints or lids cover an iris"})
    return Reading({name: difference(*drawn)})

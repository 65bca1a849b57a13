"""Calibration, sampling: portraits filmed at known quality, restored, measured and judged.

Promise: a face depends on its portrait, its number and the networks alone, so that a run that was
cut off goes on where it stopped and gives the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from forensics.calibration import attributes
from forensics.calibration.filmed import SIZES_PX, Known, draw, make
from forensics.calibration.judges import FeatureJudge, IdentityJudge
from forensics.calibration.naturalness import Naturalness
from forensics.calibration.rows import FaceRow, Group
from forensics.records import Failure
from forensics.restore.restorer import FallenBack, Restorer
from forensics.scoring import identity
from forensics.scoring.measure import FaceInput
from forensics.scoring.scorer import Scorer

U8 = NDArray[np.uint8]
SEED = 20261123


class Draws(Protocol):
    """Anything that draws a face anew; None when it failed."""

    def __call__(self, face: FaceInput) -> U8 | None:
        """The restored crop (512, 512, 3), from the face's crop and scale alone."""
        ...


@dataclass(frozen=True)
class Portrait:
    """A true face on the template (512, 512, 3) with its person; ``sha256`` is of its file."""

    person: str
    group: Group
    sha256: str
    truth_rgb_u8: U8


@dataclass(frozen=True)
class Task:
    """One face to make: portrait ``photo`` (its place in the list), number ``k``."""

    photo: int
    k: int
    key: str


def tasks(portraits: Sequence[Portrait], faces: Mapping[Group, int]) -> Iterator[Task]:
    """All faces in the order that serves best when a run is cut off: round by round.

    ``faces`` is the number per portrait, by group.
    """
    for k in range(max(faces.values(), default=0)):
        for number, portrait in enumerate(portraits):
            if k < faces.get(portrait.group, 0):
                yield Task(number, k, f"{portrait.sha256[:16]}-{k}")


def known_of(portrait: Portrait, task: Task) -> Known:
    """The numbers of a face: sizes go round evenly, the rest is drawn from portrait and number."""
    rng = np.random.default_rng([SEED, int(portrait.sha256[:12], 16), task.k])
    return draw(task.photo, (task.photo + task.k) % (len(SIZES_PX) - 1), rng)


@dataclass(frozen=True)
class Maker:
    """What makes rows for one restorer."""

    name: str
    restore: Draws
    scorer: Scorer
    judge: IdentityJudge
    features: FeatureJudge
    natural: Naturalness

    def row(self, portrait: Portrait, task: Task) -> FaceRow | None:
        """Film, restore, measure, judge; None when the restorer failed on the face."""
        known = known_of(portrait, task)
        face = make(portrait.truth_rgb_u8, known)
        truth = face.restored_rgb_u8
        restored = self.restore(face)
        if restored is None:
            return None
        face = replace(face, restored_rgb_u8=restored)
        (scored,) = self.scorer.score([face])
        both = self.judge.embed([truth, restored])
        to_crop = identity.distances(
            self.scorer.identity, [restored], [face.crop_rgb_u8], torch.device("cpu")
        )
        return FaceRow(
            key=task.key,
            person=portrait.person,
            group=portrait.group,
            restorer=self.name,
            family=known.family,
            interocular_px=known.interocular_px,
            measures=_short(scored.measures),
            references=_short(scored.references),
            not_measured=tuple(scored.not_measured),
            identity_distance=round(float(1 - both[0] @ both[1]), 6),
            feature_distance=_short(self.features.distances(truth, restored)),
            attribute_change=_short(attributes.changes(truth, restored)),
            baselines={
                "identity_cosine": round(float(to_crop[0]), 6),
                "niqe_like": round(self.natural.distance(restored), 5),
            },
        )


def drawing(restorer: Restorer) -> Draws:
    """One crop at a time through a restorer of an audit."""

    def one(face: FaceInput) -> U8 | None:
        (result,) = restorer.restore([face.crop_rgb_u8])
        if isinstance(result, Failure):
            return None
        return result.rgb_u8 if isinstance(result, FallenBack) else result

    return one


def _short(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.6g}") for name, value in values.items()}

"""Probe: the costly measures of a key face, after its other ones, added to the same line.

Joins what may not know each other: the restorer of the run, the embedded restorer with its moved
latent, and the measures of scoring.  Promise: a probe that fails is a reason on the face's line,
never the end of the audit; the same face gives the same numbers and pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np

from forensics.passes.drawing import DrawnFace
from forensics.passes.key_faces import NOT_KEY, KeyFaces
from forensics.restore.alternatives import (
    Footage,
    Projected,
    draw_weights,
    pick_apart,
    project,
    spread,
    within_face,
)
from forensics.restore.mask import template_mask
from forensics.restore.restorer import U8, FallenBack, Restorer, Result
from forensics.restore.varied import VariedRestorer
from forensics.scoring.contradiction import filmed_soft, match_to_footage, measure_contradiction
from forensics.scoring.facts import P99
from forensics.scoring.flags import face_flags
from forensics.scoring.information import noise_grey
from forensics.scoring.maps import Scored
from forensics.scoring.measure import FaceInput, Reading
from forensics.scoring.regions import mask_at
from forensics.scoring.scorer import Scorer
from forensics.scoring.stability import (
    NO_NOISE,
    inner,
    measure_disagreement,
    measure_seeds,
    measure_stability,
    pair_distances,
)
from forensics.scoring.thresholds import shipped_thresholds

log = logging.getLogger(__name__)

NAMES: Final = ("stability_input", "stability_seed", "disagreement", "alternatives_spread")
ONE_RESTORER: Final = "one restorer in this run"
NO_REFERENCE: Final = "no reference of accurate pictures at this size to hold other faces against"
NONE_FIT: Final = "fewer than two of the faces drawn passed the check against the footage"
OTHERS_ONLY: Final = (
    "the embedded restorer alone can draw other faces; those in alternatives/ are its own"
)
SOMEBODY_ELSE: Final = "somebody else restored this: their restorer cannot be asked again"
UNSEEDED: Final = "the official code draws its own noise, which cannot be repeated face by face"


@dataclass(frozen=True)
class Probed:
    """A face's measures with those of the probe, and the other faces that fit (0 or 2 to 4)."""

    scored: Scored
    alternatives_rgb_u8: tuple[U8, ...] = ()


@dataclass(frozen=True)
class Others:
    """Other faces of one crop: those that passed, how far apart, or why there are none."""

    reading: Reading
    pictures_rgb_u8: tuple[U8, ...] = ()
    own_rgb_u8: U8 | None = None


@dataclass(frozen=True)
class Prober:
    """What probing needs.

    ``restorer`` is the run's; None where it cannot be asked face by face, and ``absent`` says why.
    """

    restorer: Restorer | None
    varied: VariedRestorer
    scorer: Scorer
    absent: str = UNSEEDED

    @property
    def own_model(self) -> bool:
        """Whether the run restores with the very network that draws the other faces."""
        facts = None if self.restorer is None else self.restorer.facts
        return facts is not None and facts.sha256 == self.varied.restorer_sha256

    def probe(self, face: FaceInput, scored: Scored, crop_sha256: str, seed: int | None) -> Probed:
        """All measures of a key face; never raises for a network that fails."""
        readings: list[Reading] = []
        references: dict[str, float] = {}
        pictures: tuple[U8, ...] = ()
        try:
            steady, references = self._stability(face, seed)
            readings += [steady, self._seeds(face, seed)]
            others = self._others(face, scored, crop_sha256)
            readings += [others.reading, self._disagreement(face, others)]
            pictures = others.pictures_rgb_u8
        except RuntimeError as error:  # torch: memory is lacking, or a kernel failed
            log.warning("a key face was not examined further: %s", error)
            reason = f"the examination of this key face failed: {type(error).__name__}"
            done = {name for reading in readings for name in (*reading.values, *reading.reasons)}
            readings.append(Reading(reasons={n: reason for n in NAMES if n not in done}))
        return Probed(scored.joined(readings, references), pictures)

    def _stability(self, face: FaceInput, seed: int | None) -> tuple[Reading, dict[str, float]]:
        restorer = self.restorer
        if restorer is None:
            return Reading(reasons={"stability_input": self.absent}), {}

        def restore(crops: Sequence[U8]) -> list[U8 | None]:
            # The face's own noise for all: what moves then is the answer to the input.
            seeds = () if seed is None else [seed] * len(crops)
            return [_picture(result) for result in restorer.restore(crops, seeds)]

        return measure_stability(face, restore, self.scorer.perceptual, self.scorer.device)

    def _seeds(self, face: FaceInput, seed: int | None) -> Reading:
        restorer = self.restorer
        if restorer is None:
            return Reading(reasons={"stability_seed": self.absent})
        mode = restorer.facts.noise_mode
        if not mode.startswith("seed") or seed is None:
            reason = NO_NOISE
            if mode == "stored":
                reason += " anew: its noise is stored; --noise seed:N measures this"
            return Reading(reasons={"stability_seed": reason})

        def again(crops: Sequence[U8], seeds: Sequence[int]) -> list[U8 | None]:
            return [_picture(result) for result in restorer.restore(crops, seeds)]

        return measure_seeds(
            face.crop_rgb_u8, again, seed, self.scorer.perceptual, self.scorer.device
        )

    def _disagreement(self, face: FaceInput, others: Others) -> Reading:
        if self.own_model or others.own_rgb_u8 is None:
            return Reading(reasons={"disagreement": ONE_RESTORER})
        return measure_disagreement(
            face.restored_rgb_u8, others.own_rgb_u8, self.scorer.perceptual, self.scorer.device
        )

    def _others(self, face: FaceInput, scored: Scored, crop_sha256: str) -> Others:
        name = "alternatives_spread"
        found = other_faces(self.varied, self.scorer, face, crop_sha256, scored.references)
        if self.own_model or name in found.reading.reasons:
            return found
        return replace(found, reading=Reading(reasons={name: OTHERS_ONLY}))


@dataclass
class Probing:
    """Examines the key faces of one clip, in its order."""

    prober: Prober
    keys: KeyFaces
    _others: dict[tuple[int, int], tuple[U8, ...]] = field(default_factory=dict)

    def examine(self, frame: int, face: DrawnFace, given: FaceInput, scored: Scored) -> Scored:
        """The face's measures: with the probe's where it is a key face, else with the reason."""
        person = face.followed.person
        flags = face_flags(
            outcome="restored",
            interocular_px=given.interocular_px,
            yaw_deg=given.yaw_deg,
            measures=scored.measures,
            references=scored.references,
        )
        if face.aligned is None or not self.keys.takes(frame, person, flags):
            return scored.joined([Reading(reasons=dict.fromkeys(NAMES, NOT_KEY))])
        probed = self.prober.probe(given, scored, face.aligned.crop_sha256, face.seed)
        if probed.alternatives_rgb_u8:
            self._others[frame, person] = probed.alternatives_rgb_u8
        return probed.scored

    def others(self, frame: int, person: int) -> tuple[U8, ...]:
        """The other faces that fit which were drawn for this face; once."""
        return self._others.pop((frame, person), ())


@dataclass(frozen=True)
class Drawn:
    """What was drawn of a crop: the embedded restorer's own answer, others, their noise floor."""

    own_rgb_u8: U8
    others: tuple[Projected, ...]
    floor_grey: float


def draw_others(
    varied: VariedRestorer, face: FaceInput, crop_sha256: str, usual: float = 1.0
) -> Drawn:
    """Other answers to a crop, each brought back to the footage.

    ``usual``: the `contradiction` of accurate pictures at this quality, in units of the noise: as
    far from the footage as a true face is, and no closer.
    """
    weights = draw_weights(crop_sha256, varied.directions)
    answers = varied.draw(face.crop_rgb_u8, np.concatenate([np.zeros_like(weights[:1]), weights]))
    own = np.clip(np.rint(answers[0]), 0, 255).astype(np.uint8)
    footage = footage_of(replace(face, restored_rgb_u8=own), usual)
    inside = within_face(answers[0], answers[1:], template_mask())
    return Drawn(own, tuple(project(one, footage) for one in inside), footage.floor_grey)


def other_faces(
    varied: VariedRestorer,
    scorer: Scorer,
    face: FaceInput,
    crop_sha256: str,
    references: Mapping[str, float],
) -> Others:
    """Draw, bring back, hold against the footage, choose the four that differ most.

    ``references`` of the face must hold the 99th percentile of `contradiction`: an answer above it
    is thrown away.
    """
    name = "alternatives_spread"
    limit = references.get("contradiction" + P99)
    drawn = draw_others(varied, face, crop_sha256, references.get("contradiction", 1.0))
    own = drawn.own_rgb_u8
    if limit is None:
        return Others(Reading(reasons={name: NO_REFERENCE}), own_rgb_u8=own)
    fitting = [one.rgb_u8 for one in drawn.others if fits(face, one.rgb_u8, limit)]
    if len(fitting) < 2:
        return Others(Reading(reasons={name: NONE_FIT}), own_rgb_u8=own)
    table = pair_distances(scorer.perceptual, [inner(p) for p in fitting], scorer.device)
    chosen = pick_apart(table)
    value = spread(table, chosen)
    if value < shipped_thresholds()["alternatives_least"]:
        # Nothing a reader could see: the number is said, no pictures are shown.
        return Others(Reading({name: value}), own_rgb_u8=own)
    return Others(Reading({name: value}), tuple(fitting[k] for k in chosen), own)


def fits(face: FaceInput, picture_rgb_u8: U8, limit: float) -> bool:
    """Whether a picture put in place of the restored face stays at or below the limit."""
    found = measure_contradiction(replace(face, restored_rgb_u8=picture_rgb_u8))
    return found.values.get("contradiction", np.inf) <= limit


def footage_of(face: FaceInput, usual: float = 1.0) -> Footage:
    """What the footage did to the face, found with the picture that stands as restored."""
    match = match_to_footage(face)
    red, green, blue = match.gain
    r0, g0, b0 = match.offset_grey
    return Footage(
        native_rgb_u8=face.native_rgb_u8,
        mask=mask_at("head", face.native_rgb_u8.shape[0]),
        soft=partial(filmed_soft, sigma_px=match.sigma_px, colour_sigma_px=match.colour_sigma_px),
        shift_px=match.shift_px,
        gain=(red, green, blue),
        offset_grey=(r0, g0, b0),
        floor_grey=max(1.0, noise_grey(face.native_rgb_u8)) * max(1.0, usual),
    )


def _picture(result: Result) -> U8 | None:
    if isinstance(result, FallenBack):
        return result.rgb_u8
    return result if isinstance(result, np.ndarray) else None

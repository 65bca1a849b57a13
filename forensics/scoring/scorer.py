"""Scoring, the stage: restored faces in, numbers, reasons, references and maps out.

Every name of `forensics.records.MEASURES` comes back for every face, as a finite number or with
the reason why not.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from forensics.models.load import LoadedModel, load_embedded
from forensics.models.nets.evidence import build_evidence
from forensics.models.nets.identity import build_identity
from forensics.models.nets.perceptual import build_perceptual
from forensics.records import MEASURES
from forensics.scoring import baseline, identity
from forensics.scoring.appearance import measure_appearance
from forensics.scoring.cards import cards
from forensics.scoring.contradiction import measure_contradiction
from forensics.scoring.evidence import NAMES as EVIDENCE_NAMES
from forensics.scoring.evidence import EvidenceModel, shipped_evidence
from forensics.scoring.facts import P99
from forensics.scoring.information import measure_information
from forensics.scoring.invention import measure_invention
from forensics.scoring.maps import Scored, render_map
from forensics.scoring.measure import F32, FaceInput, Reading, finite
from forensics.scoring.plugin_measures import PluginMeasure, read_all
from forensics.scoring.references import (
    IDENTITY_DISTANCE,
    Reference,
    ReferenceTable,
    shipped_references,
)

__all__ = ["FaceInput", "Scored", "Scorer", "render_map"]

log = logging.getLogger(__name__)
CHUNK = 4  # faces per pass of a network; more gains nothing on a CPU and costs memory
_SPANS = {name: card.span for name, card in cards().items()}
NOT_IN_VERSION = "not part of this version"
NO_EVIDENCE = "the evidence model is not loaded"


@dataclass(frozen=True)
class Scorer:
    """The networks and the reference table that scoring needs. Make one with `Scorer.load`."""

    perceptual: torch.nn.Module
    identity: torch.nn.Module
    official: torch.nn.Module | None
    digests: Mapping[str, str]
    table: ReferenceTable
    device: torch.device
    evidence: EvidenceModel | None = None
    plugins: tuple[PluginMeasure, ...] = ()

    @classmethod
    def load(
        cls,
        perceptual: LoadedModel,
        identity_model: LoadedModel,
        official_lpips: Path | None,
        device: torch.device | str,
        table: ReferenceTable | None = None,
        evidence: LoadedModel | None = None,
        plugins: tuple[PluginMeasure, ...] = (),
    ) -> Scorer:
        """Build the networks on ``device``.

        ``official_lpips`` is torchvision's AlexNet in the model cache, or None.  Raises
        `IntegrityError` when it is another file.  ``table`` defaults to the one shipped.  Without
        ``evidence`` the measures that need it are not made, and say so.
        """
        place = torch.device(device)
        official = baseline.build_official(official_lpips) if official_lpips else None
        return cls(
            perceptual=build_perceptual(perceptual.state).to(place),
            identity=build_identity(identity_model.state).to(place),
            official=official.to(place) if official is not None else None,
            digests={"perceptual": perceptual.sha256, "identity": identity_model.sha256}
            | ({"evidence": evidence.sha256} if evidence is not None else {}),
            table=table or shipped_references(),
            device=place,
            evidence=_evidence(evidence, place),
            plugins=plugins,
        )

    @classmethod
    def embedded(cls, device: torch.device | str) -> Scorer:
        """With the networks that travel with the package, and nothing beside them."""
        perceptual, identity_model = load_embedded("perceptual"), load_embedded("identity")
        evidence = load_embedded("evidence")
        return cls.load(perceptual, identity_model, None, device, evidence=evidence)

    def score(self, faces: Sequence[FaceInput]) -> list[Scored]:
        """Measure each face; one result per face, in order."""
        changed = self._changed(faces)
        held = self._held_against_evidence(faces)
        embedded = self._embedded(faces)
        # The measures are pure and mostly OpenCV, which lets other threads run: a face each.
        with ThreadPoolExecutor(max(1, torch.get_num_threads())) as pool:
            scored = pool.map(self._one, faces, changed, map(_distance, embedded), held)
            found = [
                replace(one, embedded=pair) for one, pair in zip(scored, embedded, strict=True)
            ]
        # One after the other: a plugin need not bear two threads.
        return [self._with_plugins(one, face) for one, face in zip(found, faces, strict=True)]

    def _with_plugins(self, scored: Scored, face: FaceInput) -> Scored:
        if not self.plugins:
            return scored
        values, reasons = read_all(self.plugins, face)
        return replace(scored, plugin_measures=values, plugin_not_measured=reasons)

    def _one(
        self,
        face: FaceInput,
        changed: dict[str, float],
        distance: float | None,
        evidence: Reading,
    ) -> Scored:
        information = measure_information(face)
        invention = measure_invention(face, information.values.get("cutoff"))
        contradiction = measure_contradiction(face)
        facts = information.values
        readings = (
            information,
            invention,
            contradiction,
            measure_appearance(face),
            finite(changed),
            self._drift(face, facts, distance),
            evidence,
        )
        measures: dict[str, float] = {}
        reasons: dict[str, str] = {}
        for reading in readings:
            checked = finite(reading.values)
            measures.update(checked.values)
            reasons.update(reading.reasons | checked.reasons)
        if self.official is None:
            reasons["lpips_crop"] = baseline.NO_BACKBONE
        for name in MEASURES:
            if name not in measures and name not in reasons:
                reasons[name] = NOT_IN_VERSION
        maps = {"invented_detail": invention.map_, "contradiction": contradiction.map_}
        return Scored(
            measures,
            reasons,
            self._references(measures, facts),
            {name: found for name, found in maps.items() if found is not None},
        )

    def _changed(self, faces: Sequence[FaceInput]) -> list[dict[str, float]]:
        """The named baseline: LPIPS distances and SSIM between crop and restored face."""
        found = [{"ssim_crop": baseline.ssim(f.crop_rgb_u8, f.restored_rgb_u8)} for f in faces]
        nets = {"lpips_embedded_crop": self.perceptual, "lpips_crop": self.official}
        for start in range(0, len(faces), CHUNK):
            part = faces[start : start + CHUNK]
            crops = baseline.as_m11([f.crop_rgb_u8 for f in part], self.device)
            restored = baseline.as_m11([f.restored_rgb_u8 for f in part], self.device)
            for name, net in nets.items():
                if net is None:
                    continue
                for k, value in enumerate(baseline.lpips_distances(net, crops, restored)):
                    found[start + k][name] = float(value)
        return found

    def _embedded(self, faces: Sequence[FaceInput]) -> list[tuple[F32, F32] | None]:
        """Embeddings of restored face and crop for faces that pass the gate, None for others."""
        found: list[tuple[F32, F32] | None] = [None] * len(faces)
        open_ = [k for k, face in enumerate(faces) if identity.gate(face) is None]
        restored = [faces[k].restored_rgb_u8 for k in open_]
        crops = [faces[k].crop_rgb_u8 for k in open_]
        rows = identity.embed(self.identity, [*restored, *crops], self.device)
        half = len(open_)
        for k, ours, theirs in zip(open_, rows[:half], rows[half:], strict=True):
            found[k] = ours, theirs
        return found

    def _drift(
        self, face: FaceInput, facts: Mapping[str, float], distance: float | None
    ) -> Reading:
        """`identity_drift`: the distance less what accurate pictures of this quality have."""
        name = "identity_drift"
        reason = identity.gate(face)
        if reason is None:
            reason = self.table.invalid_for(IDENTITY_DISTANCE, self.digests)
        if reason is not None:
            return Reading(reasons={name: reason})
        expected = self.table.look_up(IDENTITY_DISTANCE, facts)
        if expected is None or distance is None:
            return Reading(reasons={name: "no reference for a face of this size and quality"})
        return Reading({name: distance - expected.median})

    def _held_against_evidence(self, faces: Sequence[FaceInput]) -> list[Reading]:
        if self.evidence is None:
            return [Reading(reasons=dict.fromkeys(EVIDENCE_NAMES, NO_EVIDENCE)) for _ in faces]
        return self.evidence.read(faces)

    def _references(
        self, measures: Mapping[str, float], facts: Mapping[str, float]
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        for name in measures:
            if name == "identity_drift":
                expected = self.table.look_up(IDENTITY_DISTANCE, facts)
                if expected is not None:
                    found[name] = 0.0
                    found[name + P99] = expected.p99 - expected.median
                continue
            reference = self._reference(name, facts)
            if reference is not None:
                # At the edge of the fitted qualities the curve leaves the measure's own range.
                found[name] = within_span(name, reference.median)
                found[name + P99] = within_span(name, reference.p99)
        return {name: value for name, value in found.items() if np.isfinite(value)}

    def _reference(self, name: str, facts: Mapping[str, float]) -> Reference | None:
        if self.table.invalid_for(name, self.digests) is not None:
            return None
        if name in EVIDENCE_NAMES and self.evidence is not None:
            # Its own calibration, made on other people than the table's, is never undercut.
            return self.evidence.table.limit(name, facts, self.table)
        return self.table.look_up(name, facts)


def _distance(pair: tuple[F32, F32] | None) -> float | None:
    return None if pair is None else float(1.0 - pair[0] @ pair[1])


def _evidence(model: LoadedModel | None, device: torch.device) -> EvidenceModel | None:
    if model is None:
        return None
    net = build_evidence(model.state).to(device)
    return EvidenceModel(net, model.sha256, shipped_evidence(), device)


def within_span(name: str, value: float) -> float:
    """A reference held within the range that the measure's card states: no share above 1."""
    low, high = _SPANS.get(name, (None, None))
    if low is not None:
        value = max(low, value)
    return value if high is None else min(high, value)

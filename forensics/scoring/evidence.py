"""Scoring, the evidence model: is the restored face inside what the footage supports?

A network that saw nothing but the crop states for every pixel a mean and an interval that holds
the true value in nine of ten pixels; the level was calibrated on people of the ``cal`` list by
conformal risk control (`risk_control`).  Any restored face, whoever made it, is held against that
statement after it was registered to the mean and matched in colour.

One true pixel in ten lies outside by design: a single pixel outside is never a finding, and a
share of pixels means nothing until it is held against the share that true faces have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.models.nets.evidence import INPUT_PX, SIZES_PX, EvidenceNet, log2_scale, read
from forensics.scoring.contradiction import find_shift, fit_line, shifted
from forensics.scoring.measure import F32, U8, FaceInput, Reading
from forensics.scoring.references import TABLES, Reference, ReferenceTable
from forensics.scoring.regions import mask_at

NAMES = ("interval_violation", "mean_distance")
JUDGED_PX = (128, 64)  # sizes whose shares are pooled; truths of 256 px are too few to calibrate p
DISTANCE_PX = 128
LEAST_HALF_WIDTH = 1 / 255
CHUNK = 4  # faces per pass of the network
_GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Supported:
    """What the footage supports at one size: (P, P, 3) float32 in [0, 1] each, not calibrated."""

    mean: F32
    lower: F32
    upper: F32

    def widened(self, factor: float) -> tuple[F32, F32]:
        """The interval with both sides stretched by ``factor``, at least 1/255 a side."""
        below = np.maximum(factor * (self.mean - self.lower), LEAST_HALF_WIDTH)
        above = np.maximum(factor * (self.upper - self.mean), LEAST_HALF_WIDTH)
        return self.mean - below, self.mean + above


@dataclass(frozen=True)
class Bin:
    """One band of eye distances: stretch by size, and what true faces of ``cal`` scored.

    ``violation`` and ``distance`` are sorted, one number a person.
    """

    start_px: float
    end_px: float
    stretch: Mapping[int, float]
    people: Mapping[int, int]
    violation: tuple[float, ...]
    distance: tuple[float, ...]


@dataclass(frozen=True)
class EvidenceTable:
    """The calibration. ``model`` is the digest of the network that it is valid for."""

    version: str
    model: str
    alpha: float
    bins: tuple[Bin, ...]

    def bin_of(self, interocular_px: float) -> Bin | None:
        """The band of an eye distance, or None outside the calibrated sizes."""
        for one in self.bins:
            if one.start_px <= interocular_px < one.end_px:
                return one
        return None

    def reference(self, name: str, interocular_px: float) -> Reference | None:
        """Median and conformal 99th percentile of true faces of this size, or None.

        With n people the 99th percentile is the ``ceil(0.99 (n + 1))``-th smallest number, so that
        a true face of a new person lies above it with a probability of at most 0.01; under 99
        people there is none.
        """
        one = self.bin_of(interocular_px)
        if one is None:
            return None
        values = one.violation if name == "interval_violation" else one.distance
        rank = -(-99 * (len(values) + 1) // 100)
        if rank > len(values):
            return None
        return Reference(values[len(values) // 2], values[rank - 1], len(values))

    def limit(
        self, name: str, measures: Mapping[str, float], table: ReferenceTable
    ) -> Reference | None:
        """What true faces of footage like this score: middle and 99th percentile, or None.

        The percentile is the higher of two: `reference`, which holds for new people on average
        over all footage of this size, and the curve of ``table`` (``training.references``), which
        knows contrast, quantiser and faces deep in a coded clip.  The middle is the curve's.
        Without a curve it is `reference` alone; outside the calibrated sizes None.
        """
        own = self.reference(name, measures["interocular_px"])
        curve = table.look_up(name, measures)
        if own is None or curve is None:
            return own
        return Reference(curve.median, max(own.p99, curve.p99), min(own.n, curve.n))


@dataclass(frozen=True)
class EvidenceModel:
    """The network on its device, its digest, and the calibration it is used with."""

    net: EvidenceNet
    sha256: str
    table: EvidenceTable
    device: torch.device

    def read(self, faces: Sequence[FaceInput]) -> list[Reading]:
        """`interval_violation` and `mean_distance` of each face, in order."""
        reasons = [self._gate(face) for face in faces]
        open_ = [k for k, reason in enumerate(reasons) if reason is None]
        found = [Reading(reasons=dict.fromkeys(NAMES, reason or "")) for reason in reasons]
        for start in range(0, len(open_), CHUNK):
            part = open_[start : start + CHUNK]
            crops = [faces[k].crop_rgb_u8 for k in part]
            said = support(self.net, crops, [faces[k].scale for k in part], self.device)
            for k, supported in zip(part, said, strict=True):
                found[k] = measure_evidence(faces[k], supported, self.table)
        return found

    def _gate(self, face: FaceInput) -> str | None:
        if self.sha256 != self.table.model:
            return "the calibration is for another evidence model"
        return gate(face.interocular_px, self.table)


def support(
    net: EvidenceNet, crops_rgb_u8: Sequence[U8], scales: Sequence[float], device: torch.device
) -> list[dict[int, Supported]]:
    """What the footage supports for template crops (512, 512, 3), by size; one dict a crop."""
    small = [_at(crop, INPUT_PX) for crop in crops_rgb_u8]
    x_01 = torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).contiguous().to(device)
    with torch.inference_mode():
        scale = log2_scale(torch.tensor(list(scales), dtype=torch.float32, device=device))
        statements = read(net(x_01, scale), x_01)
    found: list[dict[int, Supported]] = [{} for _ in crops_rgb_u8]
    for size, said in zip(SIZES_PX, statements, strict=True):
        planes = [t.permute(0, 2, 3, 1).cpu().numpy() for t in (said.mean, said.lower, said.upper)]
        for k, one in enumerate(found):
            one[size] = Supported(*(np.ascontiguousarray(p[k]) for p in planes))
    return found


def registered(restored_rgb_u8: U8, mean_01: F32) -> F32:
    """A template picture (512, 512, 3) brought to 256 px, onto the mean's place and colours.

    Shift of at most 1 px of the 256, then gain (0.5 to 2) and offset of each channel over the
    head: where upstream's paste moved a face by half a pixel, or a tool graded its colours, that
    is no contradiction.  Float32 in [0, 1], not clipped.
    """
    drawn = _at(restored_rgb_u8, INPUT_PX)
    head = mask_at("head", INPUT_PX)
    moved = shifted(drawn, *find_shift(255 * drawn @ _GREY, 255 * mean_01 @ _GREY, head))
    out = np.empty_like(moved)
    for k in range(3):
        gain, offset = fit_line(255 * moved[..., k][head], 255 * mean_01[..., k][head])
        out[..., k] = gain * moved[..., k] + offset / 255
    return out


def outside_share(drawn_01: F32, supported: Supported, stretch: float) -> float:
    """Share of the head's values (pixels x channels) outside the stretched interval."""
    lower, upper = supported.widened(stretch)
    head = mask_at("head", drawn_01.shape[0])
    outside = (drawn_01 < lower) | (drawn_01 > upper)
    return float(outside[head].mean())


def at_sizes(drawn_01: F32) -> dict[int, F32]:
    """A 256 px picture at 256, 128 and 64 px, each pixel the mean of its area."""
    return {
        size: drawn_01
        if size == INPUT_PX
        else np.asarray(
            cv2.resize(drawn_01, (size, size), interpolation=cv2.INTER_AREA), np.float32
        )
        for size in SIZES_PX
    }


def distance_grey(drawn_01: Mapping[int, F32], supported: Mapping[int, Supported]) -> float:
    """Root mean square distance from the mean over the head at 128 px, grey levels."""
    head = mask_at("head", DISTANCE_PX)
    apart = drawn_01[DISTANCE_PX] - supported[DISTANCE_PX].mean
    return float(255 * np.sqrt(np.square(apart[head], dtype=np.float64).mean()))


def measure_evidence(
    face: FaceInput, supported: Mapping[int, Supported], table: EvidenceTable
) -> Reading:
    """`interval_violation` (share of values, 0..1) and `mean_distance` (grey levels).

    Abstains outside the sizes that were calibrated.
    """
    reason = gate(face.interocular_px, table)
    if reason is not None:
        return Reading(reasons=dict.fromkeys(NAMES, reason))
    one = table.bin_of(face.interocular_px)
    if one is None:
        raise AssertionError("the gate let a face through that has no bin")
    drawn = at_sizes(registered(face.restored_rgb_u8, supported[INPUT_PX].mean))
    shares = [outside_share(drawn[s], supported[s], one.stretch[s]) for s in JUDGED_PX]
    return Reading(
        {
            "interval_violation": float(np.mean(shares)),
            "mean_distance": distance_grey(drawn, supported),
        }
    )


def gate(interocular_px: float, table: EvidenceTable) -> str | None:
    """Why the measures abstain for a face of this size, or None."""
    if not table.bins:
        return "the evidence model has no calibration"
    low, high = table.bins[0].start_px, table.bins[-1].end_px
    if interocular_px < low:
        return f"under {low:.0f} px between the eyes the evidence model was not calibrated"
    if interocular_px >= high:
        return f"from {high:.0f} px between the eyes the footage is finer than the evidence model"
    return None


@cache
def shipped_evidence() -> EvidenceTable:
    """The calibration that travels with the package."""
    return read_evidence(TABLES / "evidence.json")


def read_evidence(path: Path) -> EvidenceTable:
    """Read a calibration. Raises `OSError`, `KeyError` or `ValueError` when it is broken."""
    raw = json.loads(path.read_text("utf-8"))
    bins = tuple(
        Bin(
            b["from_px"],
            b["to_px"],
            {int(size): float(v) for size, v in b["stretch"].items()},
            {int(size): int(v) for size, v in b["people"].items()},
            tuple(sorted(float(v) for v in b["violation"])),
            tuple(sorted(float(v) for v in b["distance"])),
        )
        for b in raw["bins"]
    )
    return EvidenceTable(raw["version"], raw["model"], float(raw["alpha"]), bins)


def risk_control(
    losses: NDArray[np.float64], stretches: NDArray[np.float64], alpha: float
) -> float:
    """The least stretch that keeps the expected loss at or below ``alpha``.

    ``losses`` (people, stretches) in [0, 1], not rising along the stretches: conformal risk
    control asks for (n R + 1) / (n + 1) <= alpha.  Raises ``ValueError`` when even the widest
    interval misses it.
    """
    n = len(losses)
    bound = (losses.sum(0) + 1) / (n + 1)
    good = np.flatnonzero(bound <= alpha)
    if not len(good):
        raise ValueError(f"no stretch up to {stretches[-1]} keeps the loss at {alpha} (n = {n})")
    # Every wider interval must hold as well.
    bad = np.flatnonzero(bound > alpha)
    first = int(bad[-1]) + 1 if len(bad) else 0
    if first >= len(stretches):
        raise ValueError(f"no stretch up to {stretches[-1]} keeps the loss at {alpha} (n = {n})")
    return float(stretches[first])


def _at(rgb_u8: U8, size: int) -> F32:
    small = cv2.resize(rgb_u8, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)

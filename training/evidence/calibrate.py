"""Calibration on people of ``cal`` and coverage on people of ``val``: samples, losses, tables.

A sample is one portrait under one drawn degradation in one band of eye distances.  The loss of a
person is the share of the head's true values outside the stretched interval, mean over the draws.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.models.nets.evidence import EvidenceNet
from forensics.scoring.evidence import (
    JUDGED_PX,
    LEAST_HALF_WIDTH,
    Supported,
    at_sizes,
    distance_grey,
    registered,
    risk_control,
    support,
)
from forensics.scoring.regions import mask_at
from training import degrade
from training.evidence.config import ALPHA, SEED

BINS_PX = (6.0, 16.0, 32.0, 64.0, 105.0)
TEMPLATE_IOD_PX = 125.92
STRETCHES: NDArray[np.float64] = np.geomspace(0.3, 6.0, 120)
DRAWS = 2  # a person and band, for the loss; the first gives the person's share of violations
LEAST_IOD_PX = 40.0
SIZES = (256, 128, 64)


@dataclass(frozen=True)
class Truth:
    """A portrait as truth: (512 or 256 px square, uint8); ``sharp``: eyes >= 100 px apart."""

    person: str
    crop_rgb_u8: NDArray[np.uint8]
    sharp: bool
    iod_px: float


@dataclass(frozen=True)
class Sample:
    """One truth held against the statement about its degraded twin."""

    person: str
    family: str
    factor: float
    sharp: bool
    losses: dict[int, NDArray[np.float64]]  # by size, one for each stretch
    distance: float


def truths(packs: Path, group: str) -> list[Truth]:
    """One photo a person of ``fit``, ``cal`` or ``val``: a sharp one where there is one."""
    found: dict[str, Truth] = {}
    for size in (512, 256):
        rows = json.loads((packs / f"{group}_{size}.json").read_text("utf-8"))
        crops = np.load(packs / f"{group}_{size}.npy", mmap_mode="r")
        for row, crop in zip(rows, crops, strict=True):
            if row["person"] not in found:
                sharp = size == 512
                found[row["person"]] = Truth(
                    row["person"], np.asarray(crop), sharp, float(row["iod_native_px"])
                )
    return [found[person] for person in sorted(found)]


def factors_of(number: int) -> tuple[float, float]:
    """Shrink factors whose eye distances lie in band ``number``."""
    low, high = BINS_PX[number], BINS_PX[number + 1]
    return TEMPLATE_IOD_PX / high, min(16.0, TEMPLATE_IOD_PX / low)


def usable(truth: Truth) -> bool:
    """Whether a portrait is a truth at 128 px, where 31.5 px lie between the eyes.

    At 256 px only sharp ones are (`sample`).  A portrait of 40 to 100 px between the eyes filmed
    larger than it was is footage that was enlarged before: what it may show at 128 px is known.
    """
    return truth.sharp or truth.iod_px >= LEAST_IOD_PX


def sample(net: EvidenceNet, truth: Truth, plan: degrade.Plan, device: torch.device) -> Sample:
    """Degrade, ask the network, hold the truth against its answer."""
    side = truth.crop_rgb_u8.shape[0]
    crop = degrade.apply(truth.crop_rgb_u8, plan)
    crop, whole = (_template(p) if side != 512 else p for p in (crop, truth.crop_rgb_u8))
    said = support(net, [crop], [plan.factor], device)[0]
    drawn = at_sizes(registered(whole, said[256].mean))
    losses = {
        size: outside_shares(drawn[size], said[size]) for size in SIZES if size < 256 or truth.sharp
    }
    return Sample(
        truth.person, plan.family, plan.factor, truth.sharp, losses, distance_grey(drawn, said)
    )


def outside_shares(drawn_01: NDArray[np.float32], supported: Supported) -> NDArray[np.float64]:
    """`outside_share` for every one of `STRETCHES` at once."""
    head = mask_at("head", drawn_01.shape[0])
    apart = drawn_01 - supported.mean
    width = np.where(apart < 0, supported.mean - supported.lower, supported.upper - supported.mean)
    # The stretch at which a value comes inside; within the floor it always is.
    needed = np.where(np.abs(apart) <= LEAST_HALF_WIDTH, 0.0, np.abs(apart) / width)[head]
    needed = np.sort(needed, axis=None)
    return 1 - np.searchsorted(needed, STRETCHES, side="right") / needed.size


def draw_plan(
    number: int, key: Sequence[int], family: str | None, leave_out: frozenset[str]
) -> degrade.Plan:
    """A degradation of band ``number``: of one family, or of any but those left out."""
    rng = np.random.default_rng([SEED, *key])
    factors = factors_of(number)
    while True:
        plan = (
            degrade.draw_any(rng, factors, leave_out)
            if family is None
            else degrade.draw(family, rng, factors)
        )
        # `mild` draws smaller factors than asked for; those belong to another band.
        if factors[0] - 1e-9 <= plan.factor <= factors[1] + 1e-9:
            return plan


def samples_of(
    net: EvidenceNet, people: Sequence[Truth], number: int, draws: int, device: torch.device,
    tag: int, family: str | None = None,
) -> dict[str, list[Sample]]:  # fmt: skip
    """Samples of one band by person."""
    out: dict[str, list[Sample]] = {}
    for k, truth in enumerate(people):
        if not usable(truth):
            continue
        for draw in range(draws):
            if family == "mild" and factors_of(number)[0] > 2.5:
                continue
            plan = draw_plan(number, (tag, number, k, draw), family, frozenset())
            out.setdefault(truth.person, []).append(sample(net, truth, plan, device))
    return out


def person_losses(
    found: dict[str, list[Sample]], size: int, leave_out: str | None = None
) -> NDArray[np.float64]:
    """(people, stretches): mean loss of each person at one size, without one family if asked."""
    rows = []
    for samples in found.values():
        kept = [s.losses[size] for s in samples if size in s.losses and s.family != leave_out]
        if kept:
            rows.append(np.mean(kept, 0))
    return np.array(rows)


def stretches_of(
    found: dict[str, list[Sample]], leave_out: str | None = None
) -> tuple[dict[int, float], dict[int, int]]:
    """The calibrated stretch of each size, and how many people it rests on."""
    stretch, people = {}, {}
    for size in SIZES:
        losses = person_losses(found, size, leave_out)
        stretch[size], people[size] = risk_control(losses, STRETCHES, ALPHA), len(losses)
    return stretch, people


def violation(one: Sample, stretch: dict[int, float]) -> float:
    """The measure `interval_violation` of a truth."""
    return float(np.mean([one.losses[s][_at(stretch[s])] for s in JUDGED_PX]))


def _at(stretch: float) -> int:
    """Where a calibrated stretch lies among `STRETCHES`."""
    return int(np.argmin(np.abs(STRETCHES - stretch)))


def band_row(number: int, found: dict[str, list[Sample]]) -> dict[str, Any]:
    """One band of the table."""
    stretch, people = stretches_of(found)
    first = [samples[0] for samples in found.values()]
    return {
        "from_px": BINS_PX[number],
        "to_px": BINS_PX[number + 1],
        "stretch": {str(k): round(v, 5) for k, v in stretch.items()},
        "people": {str(k): v for k, v in people.items()},
        "violation": sorted(round(violation(s, stretch), 5) for s in first),
        "distance": sorted(round(s.distance, 4) for s in first),
    }


def coverage(found: dict[str, list[Sample]], stretch: dict[int, float]) -> dict[str, Any]:
    """Share of true values inside, mean over people, with its spread, by size."""
    out: dict[str, Any] = {}
    for size in SIZES:
        losses = person_losses(found, size)
        if not len(losses):
            continue
        inside = 1 - losses[:, _at(stretch[size])]
        error = float(inside.std(ddof=1) / np.sqrt(len(inside))) if len(inside) > 1 else 0.0
        out[str(size)] = {
            "n": len(inside),
            "mean": round(float(inside.mean()), 4),
            "standard_error": round(error, 4),
            "least": round(float(inside.min()), 4),
        }
    return out


def _template(rgb_u8: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(rgb_u8, (512, 512), interpolation=cv2.INTER_CUBIC), np.uint8)

"""Scoring, features: measures as numbers that rise with the risk, for the calibrated probability.

Input measures are taken as they are (fewer pixels, more risk).  Judging measures are read against
what accurate pictures of the same quality score: 0 is their median, 1 what one in a hundred
exceeds.  The two pictures of how much was changed (`lpips_embedded_crop`, `ssim_crop`) have no good
side, so that both departures count apart: otherwise doing nothing would look best.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from forensics.scoring.facts import P99

Numbers = Mapping[str, float]
Feature = Callable[[Numbers, Numbers], float | None]
"""(measures, references) to a number, or None where it was not measured."""
FAR: Final = 4.0
"""Departures are cut here: beyond, a face is far out and further adds nothing."""
INPUT: Final = ("small", "narrow", "soft", "noisy", "blocky", "coarse")
"""Features of the footage alone: the hardest baseline."""
_LEAST_SPREAD = 1e-6


def _small(m: Numbers, _: Numbers) -> float | None:
    iod = m.get("interocular_px", 0.0)
    return -math.log2(iod) if iod > 0 else None


def _narrow(m: Numbers, _: Numbers) -> float | None:
    return -m["cutoff"] if "cutoff" in m else None


def _soft(m: Numbers, _: Numbers) -> float | None:
    """No measurable edge counts as the widest blur, as in the reference table."""
    return -1.0 / (1.0 + m.get("blur", 8.0))


def _noisy(m: Numbers, _: Numbers) -> float | None:
    return math.log2(max(m["noise"], 0.25)) if "noise" in m else None


def _blocky(m: Numbers, _: Numbers) -> float | None:
    return math.log2(max(m.get("blockiness", 1.0), 1.0))


def _coarse(m: Numbers, _: Numbers) -> float | None:
    return m.get("qp")


def departure(name: str, scale: str, m: Numbers, r: Numbers) -> float | None:
    """How far a measure stands from accurate pictures: 0 their median, 1 their 99th percentile."""
    if name not in m or name not in r or name + P99 not in r:
        return None
    value, middle, high = (_scaled(x, scale) for x in (m[name], r[name], r[name + P99]))
    return max(-FAR, min(FAR, (value - middle) / max(high - middle, _LEAST_SPREAD)))


def _scaled(value: float, scale: str) -> float:
    return math.log(max(value, 1e-4)) if scale == "log" else value


def _judging(name: str, scale: str) -> Feature:
    return lambda m, r: departure(name, scale, m, r)


def _side(name: str, scale: str, sign: float) -> Feature:
    def side(m: Numbers, r: Numbers) -> float | None:
        found = departure(name, scale, m, r)
        return None if found is None else max(sign * found, 0.0)

    return side


def _worst_region(m: Numbers, r: Numbers) -> float | None:
    found = [
        value
        for region in ("eyes", "nose", "mouth", "jaw", "hair")
        if (value := departure(f"contradiction_{region}", "log", m, r)) is not None
    ]
    return max(found) if found else None


FEATURES: Final[Mapping[str, Feature]] = {
    "small": _small,
    "narrow": _narrow,
    "soft": _soft,
    "noisy": _noisy,
    "blocky": _blocky,
    "coarse": _coarse,
    "invented_detail": _judging("invented_detail", "log"),
    "contradiction": _judging("contradiction", "log"),
    "contradiction_worst": _worst_region,
    "identity_drift": _judging("identity_drift", "linear"),
    "landmark_shift": _judging("landmark_shift", "linear"),
    "iris_delta": _judging("iris_delta", "linear"),
    "glasses": _judging("glasses", "linear"),
    "facial_hair": _judging("facial_hair", "linear"),
    "hair_grid": _judging("hair_grid", "linear"),
    "interval_violation": _judging("interval_violation", "linear"),
    "mean_distance": _judging("mean_distance", "log"),
    "changed_more": _side("lpips_embedded_crop", "log", 1.0),
    "changed_less": _side("lpips_embedded_crop", "log", -1.0),
    "alike_more": _side("ssim_crop", "linear", 1.0),
    "alike_less": _side("ssim_crop", "linear", -1.0),
}


def feature_values(measures: Numbers, references: Numbers) -> dict[str, float]:
    """All features of a face that could be measured, finite, by name."""
    found = {name: feature(measures, references) for name, feature in FEATURES.items()}
    return {k: float(v) for k, v in found.items() if v is not None and math.isfinite(v)}

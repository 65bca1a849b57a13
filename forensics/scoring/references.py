"""Scoring, references: what accurate pictures of the same input quality score.

No measure has a fixed "good" value: the true face itself is contradicted by badly coded footage.
The table in ``tables/references.json`` was fitted on people of the ``fit`` list by
``python -m training.references``: for each measure an expected value by input quality (a
quadratic in what `information` measured) and, per band of eye distances, where the middle and the
99th percentile of true faces lie around it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TABLES = Path(__file__).parent / "tables"
FEATURES = (
    "log2_interocular", "sharpness", "log2_noise", "cutoff", "log2_blockiness", "log2_contrast",
    "qp",
)  # fmt: skip
IDENTITY_DISTANCE = "identity_distance"
"""Row of the table that holds d0(q) of `identity_drift`; not a measure of its own."""
_LEAST = 1e-4


@dataclass(frozen=True)
class Reference:
    """Median and 99th percentile of ``n`` true faces under the same input quality."""

    median: float
    p99: float
    n: int


@dataclass(frozen=True)
class Band:
    """Residuals of true faces with start <= interocular_px < end, on the regression's scale."""

    start: float
    end: float
    p50: float
    p99: float
    n: int


@dataclass(frozen=True)
class Curve:
    """One regression: quadratic in standardised, clamped features, with residual quantiles."""

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    weights: NDArray[np.float64]
    bands: tuple[Band, ...]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Curve:
        """From the table's JSON."""

        def row(name: str) -> NDArray[np.float64]:
            return np.array(raw[name], np.float64)

        bands = (Band(b["from"], b["to"], b["p50"], b["p99"], b["n"]) for b in raw["bands"])
        return cls(
            row("centre"), row("spread"), row("low"), row("high"), row("weights"), tuple(bands)
        )


def features(measures: Mapping[str, float], with_qp: bool) -> NDArray[np.float64] | None:
    """Input quality as numbers, in the order of `FEATURES` (``qp`` last, if asked for).

    None when the eye distance, noise, cut-off or contrast is missing.  No measurable edge counts
    as the widest blur; no measurable grid as none (ratio 1).
    """
    needed = ("interocular_px", "noise", "cutoff", "contrast", *(("qp",) if with_qp else ()))
    if any(name not in measures for name in needed) or measures["interocular_px"] <= 0:
        return None
    row = [
        math.log2(measures["interocular_px"]),
        1.0 / (1.0 + measures.get("blur", 8.0)),
        math.log2(max(measures["noise"], 0.25)),
        measures["cutoff"],
        math.log2(max(measures.get("blockiness", 1.0), 1.0)),
        math.log2(max(measures["contrast"], 0.25)),
    ]
    if with_qp:
        row.append(measures["qp"])
    return np.array(row)


def expand(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Constant, linear and quadratic terms of standardised features (..., F)."""
    count = z.shape[-1]
    pairs = [z[..., i] * z[..., j] for i in range(count) for j in range(i, count)]
    return np.stack([np.ones(z.shape[:-1]), *np.moveaxis(z, -1, 0), *pairs], -1)


@dataclass(frozen=True)
class Entry:
    """One measure of the table: its scale, the model it needs, a curve with and without QP."""

    scale: str
    needs_model: str | None
    with_qp: Curve
    without_qp: Curve


@dataclass(frozen=True)
class ReferenceTable:
    """The table in memory. ``models`` are the digests it is valid for, by role."""

    version: str
    models: Mapping[str, str]
    entries: Mapping[str, Entry]

    def invalid_for(self, name: str, digests: Mapping[str, str]) -> str | None:
        """Why the entry may not be used with these models (role to SHA-256), or None."""
        entry = self.entries.get(name)
        if entry is None:
            return "the reference table has no entry for it"
        role = entry.needs_model
        if role is not None and digests.get(role) != self.models.get(role):
            return "reference table is for another model"
        return None

    def look_up(self, name: str, measures: Mapping[str, float]) -> Reference | None:
        """Median and 99th percentile for this input quality; None outside the fitted sizes."""
        entry = self.entries.get(name)
        if entry is None:
            return None
        with_qp = "qp" in measures
        row = features(measures, with_qp)
        if row is None:
            return None
        curve = entry.with_qp if with_qp else entry.without_qp
        for band in curve.bands:
            if band.start <= measures["interocular_px"] < band.end:
                z = (np.clip(row, curve.low, curve.high) - curve.centre) / curve.spread
                expected = float(expand(z) @ curve.weights)
                return Reference(
                    from_scale(expected + band.p50, entry.scale),
                    from_scale(expected + band.p99, entry.scale),
                    band.n,
                )
        return None


def to_scale(value: float, scale: str) -> float:
    """A measure's value on the regression's scale.

    ``log`` for ratios, ``angle`` for 1 - cos (its spread grows with the angle, not with the
    distance), ``linear`` otherwise.
    """
    if scale == "angle":
        return math.acos(min(max(1.0 - value, -1.0), 1.0))
    return math.log(max(value, _LEAST)) if scale == "log" else value


def from_scale(value: float, scale: str) -> float:
    """Back from the regression's scale."""
    if scale == "angle":
        return 1.0 - math.cos(min(max(value, 0.0), math.pi))
    return math.exp(value) if scale == "log" else value


@cache
def shipped_references() -> ReferenceTable:
    """The table that travels with the package."""
    return read_references(TABLES / "references.json")


def read_references(path: Path) -> ReferenceTable:
    """Read a table written by ``training.references``. Raises `OSError` or `ValueError`."""
    raw = json.loads(path.read_text("utf-8"))
    entries = {
        name: Entry(m["scale"], m["needs_model"], Curve.of(m["with_qp"]), Curve.of(m["without_qp"]))
        for name, m in raw["measures"].items()
    }
    return ReferenceTable(raw["version"], raw["models"], entries)

"""Fit of the reference curves: expected value by input quality, and the spread of true faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forensics.scoring.references import expand, features, to_scale

BANDS_PX = (6.0, 16.0, 32.0, 110.0)  # wide enough for a 99th percentile in each
RIDGE = 1e-2
Row = Mapping[str, float]

# Scale of each measure, and the model whose digest its numbers depend on.
ENTRIES: dict[str, tuple[str, str | None]] = {
    "contradiction": ("log", None),
    "contradiction_eyes": ("log", None),
    "contradiction_nose": ("log", None),
    "contradiction_mouth": ("log", None),
    "contradiction_jaw": ("log", None),
    "contradiction_hair": ("log", None),
    "invented_detail": ("log", None),
    "landmark_shift": ("log", None),
    "iris_delta": ("log", None),
    "glasses": ("linear", None),
    "facial_hair": ("log", None),
    "hair_grid": ("linear", None),
    "ssim_crop": ("linear", None),
    "lpips_embedded_crop": ("log", "perceptual"),
    "identity_distance": ("angle", "identity"),
    "interval_violation": ("log", "evidence"),
    "mean_distance": ("log", "evidence"),
}


def curve(rows: Sequence[Row], name: str, scale: str, with_qp: bool) -> dict[str, Any]:
    """One regression with residual quantiles, as the table stores it.

    Ridge least squares on the quadratic of standardised features, clamped to their 0.5 and 99.5
    percentiles.  A band with fewer than 100 faces is left out: a 99th percentile of fewer is a
    guess.
    """
    usable = [r for r in rows if name in r and (not with_qp or "qp" in r)]
    pairs = [(f, r) for r in usable if (f := features(r, with_qp)) is not None]
    x = np.array([f for f, _ in pairs])
    y = np.array([to_scale(r[name], scale) for _, r in pairs])
    interocular = np.array([r["interocular_px"] for _, r in pairs])
    low, high = np.quantile(x, 0.005, axis=0), np.quantile(x, 0.995, axis=0)
    clamped = np.clip(x, low, high)
    centre, spread = clamped.mean(0), np.maximum(clamped.std(0), 1e-3)
    terms = expand((clamped - centre) / spread)
    penalty = RIDGE * len(y) * np.eye(terms.shape[1])
    penalty[0, 0] = 0.0
    weights = np.linalg.solve(terms.T @ terms + penalty, terms.T @ y)
    residual = y - terms @ weights
    bands = []
    for start, end in pairwise(BANDS_PX):
        inside = residual[(interocular >= start) & (interocular < end)]
        if len(inside) >= 100:
            p50, p99 = np.quantile(inside, [0.5, 0.99])
            bands.append(
                {"from": start, "to": end, "p50": _short(p50), "p99": _short(p99), "n": len(inside)}
            )
    return {
        "n": len(y),
        "explained": _short(1 - residual.var() / max(float(y.var()), 1e-12)),
        "centre": _list(centre),
        "spread": _list(spread),
        "low": _list(low),
        "high": _list(high),
        "weights": _list(weights),
        "bands": bands,
    }


def measures_table(rows: Sequence[Row]) -> dict[str, Any]:
    """Entries for every measure that the rows hold."""
    table: dict[str, Any] = {}
    for name, (scale, role) in ENTRIES.items():
        if not any(name in row for row in rows):
            continue
        table[name] = {
            "scale": scale,
            "needs_model": role,
            "with_qp": curve(rows, name, scale, with_qp=True),
            "without_qp": curve(rows, name, scale, with_qp=False),
        }
    return table


def input_facts(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the input measures read on footage of known quality, to set thresholds by.

    ``clean``: no blur, no codec; ``coded``: by band of QP, whatever the blur.
    """
    clean = [r for r in rows if r["family"] in ("clean", "noise")]
    facts: dict[str, Any] = {"clean": _spread_of(clean)}
    for low, high in ((20, 26), (26, 31), (31, 35), (35, 40), (40, 47)):
        some = [r for r in rows if "qp" in r and r["family"] == "h264" and low <= r["qp"] < high]
        facts[f"h264_qp_{low}_{high - 1}"] = _spread_of(some)
    for low_q, high_q in ((25, 45), (45, 70), (70, 96)):
        some = [r for r in rows if r["family"] == "jpeg" and low_q <= r["known_jpeg"] < high_q]
        facts[f"jpeg_{low_q}_{high_q - 1}"] = _spread_of(some)
    for low_b, high_b in ((0.6, 1.2), (1.2, 1.8), (1.8, 2.4), (2.4, 3.2)):
        some = [r for r in rows if r["family"] == "blur" and low_b <= r["known_blur"] < high_b]
        facts[f"blur_{low_b}_{high_b}"] = _spread_of(some)
    return facts


def _spread_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Count and 1st, 50th, 99th percentile of each input measure and of true faces' scores."""
    found: dict[str, Any] = {"n": len(rows)}
    for name in ("blur", "noise", "blockiness", "cutoff", "contradiction", "identity_distance"):
        values = [float(r[name]) for r in rows if name in r]
        if len(values) >= 10:
            found[name] = _list(np.quantile(values, [0.01, 0.5, 0.99]))
    return found


def _short(value: float) -> float:
    return float(f"{float(value):.6g}")


def _list(values: NDArray[np.float64]) -> list[float]:
    return [_short(v) for v in values]

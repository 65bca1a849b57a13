"""Traces, figures: what the network reads of samples, and how many lie above the limit."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from forensics.models.nets.traces import TracesNet
from forensics.scoring.traces import place, told
from training.traces.samples import Sample

SHARE = 99.8  # per cent of the untouched samples of `fit` that lie `MARGIN` or more under the limit
MARGIN = 0.5


def read(net: TracesNet, found: Sequence[Sample]) -> list[tuple[Sample, float]]:
    """What each sample reads; those that the measure abstains from are left out."""
    rows = []
    for one in found:
        placed = place(one.rgb_u8, one.affine)
        if placed is not None:
            rows.append((one, told(net, placed)))
    return rows


def rule_limit(rows: Sequence[tuple[Sample, float]]) -> float:
    """The limit by a rule: `MARGIN` above what `SHARE` of the untouched samples read at most."""
    untouched = [value for one, value in rows if not one.restored]
    return round(float(np.percentile(untouched, SHARE)) + MARGIN, 2)


def counted(
    rows: Sequence[tuple[Sample, float]], limit: float, by: str = "post"
) -> dict[str, dict[str, str]]:
    """Above the limit of all, by kind and by ``post`` or ``size``."""
    table: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for one, value in rows:
        column = one.post if by == "post" else _band(one.size_px)
        for name in (column, "all"):
            table[one.kind][name].append(value > limit)
    return {
        kind: {name: f"{sum(seen)}/{len(seen)}" for name, seen in sorted(columns.items())}
        for kind, columns in table.items()
    }


def untouched_figures(rows: Sequence[tuple[Sample, float]]) -> dict[str, Any]:
    """How untouched samples read."""
    values = [value for one, value in rows if not one.restored]
    shares = (50, 95, 99, 99.8, 100)
    return {
        "samples": len(values),
        "people": len({one.person for one, _ in rows if not one.restored}),
        **{f"p{q:g}": round(float(np.percentile(values, q)), 2) for q in shares},
    }


def _band(size_px: float) -> str:
    edges = (15, 20, 32, 52, 81)
    for low, high in itertools.pairwise(edges):
        if low <= size_px < high:
            return f"{low}-{high} px"
    return "other"

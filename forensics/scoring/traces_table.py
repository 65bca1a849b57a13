"""Scoring, table of traces: how the differences between a face and its surroundings are weighed.

``tables/traces.json`` is made by ``python -m training.traces``; nobody of `val` or `cal` is in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from forensics.scoring.references import TABLES

MOST_SPREADS: Final = 3.0  # a difference counts no further than this many spreads


@dataclass(frozen=True)
class Weighed:
    """One difference: what is usual, its spread, and what one spread counts."""

    usual: float
    spread: float
    weight: float


@dataclass(frozen=True)
class Sum:
    """A weighted sum; ``constant`` is what a face counts whose differences are all usual."""

    constant: float
    weights: Mapping[str, Weighed]

    def score(self, differences: Mapping[str, float]) -> float:
        """The sum; a difference that could not be read counts as usual."""
        total = self.constant
        for name, one in self.weights.items():
            value = differences.get(name)
            if value is not None:
                away = (value - one.usual) / one.spread
                total += one.weight * min(max(away, -MOST_SPREADS), MOST_SPREADS)
        return total


@dataclass(frozen=True)
class TracesTable:
    """The table in memory: a sum for each way of pasting, the oval alone or the head with hair."""

    version: str
    sums: Mapping[str, Sum]

    def score(self, differences: Mapping[str, float]) -> float:
        """The highest of the sums."""
        return max(one.score(differences) for one in self.sums.values())


@cache
def shipped_traces() -> TracesTable:
    """The table that travels with the package."""
    return read_traces_table(TABLES / "traces.json")


def read_traces_table(path: Path) -> TracesTable:
    """Read a table. Raises `OSError`, `KeyError` or `ValueError` when it is broken."""
    raw = json.loads(path.read_text("utf-8"))
    sums = {name: _sum(one) for name, one in raw["sums"].items()}
    if not sums:
        raise ValueError("the table holds no sum")
    return TracesTable(raw["version"], sums)


def _sum(raw: Mapping[str, Any]) -> Sum:
    weights = {
        name: Weighed(float(w["usual"]), float(w["spread"]), float(w["weight"]))
        for name, w in raw["weights"].items()
    }
    if any(one.spread <= 0 for one in weights.values()):
        raise ValueError("every spread must be above 0")
    return Sum(float(raw["constant"]), weights)

"""Scoring, thresholds: every number a flag or band turns on, with its reason, in one table.

``tables/thresholds.json`` is versioned; the report prints the version.  Nothing here was set by
looking at the fixture or at any clip the tests use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from forensics.records import Band
from forensics.scoring.references import TABLES


@dataclass(frozen=True)
class Threshold:
    """One number: ``reason`` says why this value, ``source`` where it comes from."""

    value: float
    unit: str
    reason: str
    source: str


@dataclass(frozen=True)
class Rule:
    """A stated rule of a band: it holds when a flag is set or a measure passes a threshold.

    ``flag`` or ``measure`` is set, never both; ``side`` is ``above`` or ``below``.
    """

    name: str
    band: Band
    flag: str | None
    measure: str | None
    side: str | None
    threshold: str | None


@dataclass(frozen=True)
class ThresholdTable:
    """The table in memory."""

    version: str
    numbers: Mapping[str, Threshold]
    rules: tuple[Rule, ...]

    def __getitem__(self, name: str) -> float:
        """The value by name. Raises `KeyError` for an unknown one."""
        return self.numbers[name].value


@cache
def shipped_thresholds() -> ThresholdTable:
    """The table that travels with the package."""
    return read_thresholds(TABLES / "thresholds.json")


def read_thresholds(path: Path) -> ThresholdTable:
    """Read a table. Raises `OSError`, `KeyError` or `ValueError` when it is broken."""
    raw = json.loads(path.read_text("utf-8"))
    numbers = {
        name: Threshold(float(n["value"]), n["unit"], n["reason"], n["source"])
        for name, n in raw["numbers"].items()
    }
    rules = tuple(
        Rule(
            r["rule"],
            r["band"],
            r.get("flag"),
            r.get("measure"),
            r.get("side"),
            r.get("threshold"),
        )
        for r in raw["rules"]
    )
    for rule in rules:
        if (rule.flag is None) == (rule.measure is None):
            raise ValueError(f"rule {rule.name} must name a flag or a measure")
        if rule.measure is not None and rule.threshold not in numbers:
            raise ValueError(f"rule {rule.name} names no known threshold")
        if rule.measure is not None and rule.side not in ("above", "below"):
            raise ValueError(f"rule {rule.name} must say above or below")
    return ThresholdTable(raw["version"], numbers, rules)

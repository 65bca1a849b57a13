"""Scoring, probability: reads a calibration record and gives a face its tested probability.

A record holds for one restorer and the networks it was measured with, by digest; it gives nothing
for any other, nothing outside the footage it was fitted on, and nothing for a target that missed
its bar.  Evaluating it is arithmetic: the fitting stands in `forensics.calibration`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forensics.scoring.features import feature_values
from forensics.scoring.references import features as input_quality

SCHEMA: Final = "restoration-forensics/calibration/1"
TARGETS: Final = ("any", "identity", "feature", "attribute")
"""In the order in which one is headed: "any" where it passed, else the next that did."""
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """One feature of a fitted logistic: ``coefficient`` >= 0 times (value - centre) / spread.

    ``absent`` is added instead where the feature was not measured; None: then nothing is said.
    """

    name: str
    centre: float
    spread: float
    coefficient: float
    absent: float | None


@dataclass(frozen=True)
class Probability:
    """Of faces that scored like this in the test, the share that erred, and its 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Target:
    """What is predicted, how, and whether it may be shown.

    ``scores`` rise; ``shares``, ``lows`` and ``highs`` are the calibrated probability and its 90 %
    interval there, joined by straight lines.
    """

    name: str
    intercept: float
    terms: tuple[Term, ...]
    scores: F64
    shares: F64
    lows: F64
    highs: F64
    passed: bool
    reason: str

    def score(self, values: Mapping[str, float]) -> float | None:
        """The logit before calibration; None for an absent feature that the fit never lacked."""
        total = self.intercept
        for term in self.terms:
            if term.name in values:
                total += term.coefficient * (values[term.name] - term.centre) / term.spread
            elif term.absent is None:
                return None
            else:
                total += term.absent
        return total

    def probability(self, values: Mapping[str, float]) -> Probability | None:
        """The calibrated share with its interval."""
        score = self.score(values)
        if score is None:
            return None
        value, low, high = (
            float(np.interp(score, self.scores, y)) for y in (self.shares, self.lows, self.highs)
        )
        return Probability(value, low, high)


@dataclass(frozen=True)
class Range:
    """The footage the fit saw: a box and a Mahalanobis distance over input quality."""

    low: F64
    high: F64
    centre: F64
    inverse: F64
    limit: float

    def holds(self, measures: Mapping[str, float]) -> bool:
        """Whether a face of this input quality was within what was fitted."""
        row = input_quality(measures, with_qp=False)
        if row is None or bool((row < self.low).any()) or bool((row > self.high).any()):
            return False
        away = row - self.centre
        return float(away @ self.inverse @ away) <= self.limit


@dataclass(frozen=True)
class Calibration:
    """A calibration record in memory; ``document`` is all of it, ``sha256`` that of its bytes."""

    sha256: str
    restorer_sha256: str
    networks: Mapping[str, str]
    range_: Range
    targets: tuple[Target, ...]
    document: Mapping[str, Any]

    def invalid_for(self, restorer_sha256: str, networks: Mapping[str, str]) -> str | None:
        """Why it may not be used with these weights (role to SHA-256), or None."""
        if restorer_sha256 != self.restorer_sha256:
            return "the calibration is for another restorer"
        other = [role for role, digest in self.networks.items() if networks.get(role) != digest]
        if other:
            return f"the calibration was measured with another network: {', '.join(sorted(other))}"
        return None

    @property
    def shown(self) -> tuple[Target, ...]:
        """Targets that passed their bar, "any" first."""
        passed = {target.name: target for target in self.targets if target.passed}
        return tuple(passed[name] for name in TARGETS if name in passed)

    def values(
        self, measures: Mapping[str, float], references: Mapping[str, float]
    ) -> dict[str, float] | None:
        """Features of a face that the shown targets ask for; None outside the fitted range."""
        if not self.range_.holds(measures):
            return None
        asked = {term.name for target in self.shown for term in target.terms}
        found = feature_values(measures, references)
        return {name: value for name, value in found.items() if name in asked}

    def face(self, values: Mapping[str, float]) -> dict[str, Probability]:
        """Probabilities by target, for the features of one face."""
        found = {target.name: target.probability(values) for target in self.shown}
        return {name: p for name, p in found.items() if p is not None}

    def person(self, faces: Sequence[Mapping[str, float] | None]) -> dict[str, Probability]:
        """Probabilities of one person from all scored faces, never from the worst one.

        The value and the lower edge are those of the median of each feature; the upper edge is
        that of the 90th percentile.  Empty when more than half of the faces lie outside the range.
        """
        inside = [values for values in faces if values is not None]
        if not inside or 2 * len(inside) < len(faces):
            return {}
        middle, upper = self.face(pooled(inside, 0.5)), self.face(pooled(inside, 0.9))
        return {
            name: Probability(p.value, p.low, max(p.high, upper[name].high))
            for name, p in middle.items()
            if name in upper
        }


def pooled(faces: Sequence[Mapping[str, float]], share: float) -> dict[str, float]:
    """A quantile of each feature over faces; absent where most faces lack it."""
    names = {name for values in faces for name in values}
    found = {name: [v[name] for v in faces if name in v] for name in names}
    return {
        name: float(np.quantile(values, share))
        for name, values in found.items()
        if 2 * len(values) >= len(faces)
    }


def read_calibration(raw: bytes) -> Calibration:
    """A record from its bytes. Raises `ValueError` when it is none or is broken."""
    try:
        document = json.loads(raw)
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is {document['schema']!r}, not {SCHEMA!r}")
        return Calibration(
            hashlib.sha256(raw).hexdigest(),
            str(document["restorer"]["sha256"]),
            {role: str(digest) for role, digest in document["networks"].items()},
            _range(document["range"]),
            tuple(_target(name, raw_) for name, raw_ in document["targets"].items()),
            document,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no calibration record: {error!r}") from error


def _range(raw: Mapping[str, Any]) -> Range:
    low, high, centre, inverse = (_row(raw[name]) for name in ("low", "high", "centre", "inverse"))
    if inverse.shape != (len(centre), len(centre)) or not low.shape == centre.shape == high.shape:
        raise ValueError("its range does not fit together")
    return Range(low, high, centre, inverse, float(raw["limit"]))


def _target(name: str, raw: Mapping[str, Any]) -> Target:
    if name not in TARGETS:
        raise ValueError(f"there is no target {name!r}")
    model = raw["model"]
    terms = tuple(
        Term(
            str(t["name"]),
            float(t["centre"]),
            float(t["spread"]),
            float(t["coefficient"]),
            None if t["absent"] is None else float(t["absent"]),
        )
        for t in (model["terms"] if model else ())
    )
    scores, shares, lows, highs = (
        _row(model[name] if model else ()) for name in ("scores", "shares", "lows", "highs")
    )
    target = Target(
        name,
        float(model["intercept"]) if model else 0.0,
        terms,
        scores,
        shares,
        lows,
        highs,
        bool(raw["passed"]) and bool(model),
        str(raw["reason"]),
    )
    _check(target)
    return target


def _check(target: Target) -> None:
    """Raise `ValueError` for a model that could not have been fitted here."""
    if any(term.coefficient < 0 or term.spread <= 0 for term in target.terms):
        raise ValueError(f"{target.name}: a coefficient is against the direction of its measure")
    rows = (target.scores, target.shares, target.lows, target.highs)
    if len({len(row) for row in rows}) != 1 or (target.passed and not len(target.scores)):
        raise ValueError(f"{target.name}: its steps do not fit together")
    ordered = all(bool((np.diff(row) >= 0).all()) for row in rows)
    within = bool((target.lows <= target.shares).all() and (target.shares <= target.highs).all())
    if not ordered or not within or _outside(rows[1:]):
        raise ValueError(f"{target.name}: its probabilities do not rise within 0..1")


def _outside(rows: Iterable[F64]) -> bool:
    return any(bool((row < 0).any() or (row > 1).any()) for row in rows)


def _row(raw: Any) -> F64:
    found = np.array(raw, np.float64)
    if not np.isfinite(found).all():
        raise ValueError("it holds numbers that are not finite")
    return found


def read_calibration_file(path: Path) -> Calibration:
    """A record from a file. Raises `OSError`, or `ValueError` when it is none or is broken."""
    return read_calibration(path.read_bytes())

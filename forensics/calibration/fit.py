"""Calibration, fit: a monotone logistic, isotonic steps on other people, and their 90 % interval.

No coefficient goes against the direction of its measure: more contradiction never lowers a risk.
How strongly the coefficients are held small is chosen on fit people alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from forensics.calibration.metrics import RESAMPLES, isotonic, resamples
from forensics.calibration.rows import FaceRow
from forensics.scoring.features import FEATURES, feature_values
from forensics.scoring.references import features as input_quality

F64 = NDArray[np.float64]
MOST_TERMS = 12
RIDGES = (0.003, 0.01, 0.03, 0.1, 0.3)
FOLDS = 5
ABSENT_SHARE = 0.05  # a feature absent in fewer fit faces than this may not be absent later
PRESENT_SHARE = 0.3
KNOTS = 25
SHARE = 0.90
MAHALANOBIS_QUANTILE = 0.995


@dataclass(frozen=True)
class Column:
    """A column of the design: a feature (coefficient >= 0), or that it is absent (any sign)."""

    name: str
    absence: bool
    centre: float
    spread: float

    def values(self, row: Mapping[str, float]) -> float:
        """The number of a face with these features."""
        if self.absence:
            return float(self.name not in row)
        return (row[self.name] - self.centre) / self.spread if self.name in row else 0.0


@dataclass(frozen=True)
class Logistic:
    """Columns with weights; ``weights[0]`` is the intercept.

    ``may_lack`` are features that enough fit faces lacked, so that a face without them is known.
    """

    columns: tuple[Column, ...]
    weights: F64
    ridge: float
    may_lack: frozenset[str]

    def scores(self, rows: Sequence[Mapping[str, float]]) -> F64:
        """Logits (N,)."""
        return _times(design(rows, self.columns), self.weights)


def columns_of(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> tuple[Column, ...]:
    """Features measured in enough faces, and where one is often absent a column that says so.

    Absences that always come together are one column.
    """
    found: list[Column] = []
    absences: list[F64] = []
    for name in names:
        here = np.array([name in row for row in rows])
        if not len(here) or here.mean() < PRESENT_SHARE:
            continue
        values = np.array([row[name] for row in rows if name in row])
        if float(values.std()) < 1e-9:
            continue
        found.append(Column(name, False, float(values.mean()), float(values.std())))
        gone = (~here).astype(np.float64)
        if gone.mean() >= ABSENT_SHARE and not any((gone == other).all() for other in absences):
            absences.append(gone)
            found.append(Column(name, True, 0.0, 1.0))
    return tuple(found)


def design(rows: Sequence[Mapping[str, float]], columns: Sequence[Column]) -> F64:
    """(N, 1 + C): a column of ones, then the columns."""
    return np.array([[1.0, *(c.values(row) for c in columns)] for row in rows], np.float64)


def solve(x: F64, y: F64, columns: Sequence[Column], ridge: float, weights: F64 | None = None,
          start: F64 | None = None) -> F64:  # fmt: skip
    """Weights (1 + C,) that minimise the mean log loss and ridge / 2 times their square.

    L-BFGS-B with bounds: columns of features are >= 0.  ``weights`` (N,) of faces.
    """
    w = np.ones(len(y)) if weights is None else weights
    w = w / w.sum()
    held = np.r_[0.0, np.full(len(columns), ridge)]

    def loss(b: F64) -> tuple[float, F64]:
        z = _times(x, b)
        value = float((w * (np.logaddexp(0, z) - y * z)).sum() + (held * b * b).sum() / 2)
        slope = np.einsum("nc,n->c", x, w * (1 / (1 + np.exp(-z)) - y))
        return value, np.asarray(slope + held * b)

    bounds = [(None, None), *((None, None) if c.absence else (0.0, None) for c in columns)]
    begin = np.zeros(x.shape[1]) if start is None else start
    found = minimize(loss, begin, jac=True, bounds=bounds, method="L-BFGS-B").x
    return np.asarray(found, np.float64)


def _times(x: F64, b: F64) -> F64:
    """x b in one fixed order of adding: a threaded library is slower here, and rounds its way."""
    return np.asarray(np.einsum("nc,c->n", x, b), np.float64)


def fit_logistic(
    rows: Sequence[Mapping[str, float]],
    y: F64,
    people: Sequence[str],
    names: Sequence[str],
    ridge: float | None = None,
) -> Logistic:
    """Choose the ridge by folds of people, keep at most `MOST_TERMS` columns, fit on all.

    A ``ridge`` that is given is taken.
    """
    columns = columns_of(rows, names)
    ridge = _ridge(rows, y, people, columns) if ridge is None else ridge
    weights = solve(design(rows, columns), y, columns, ridge)
    strongest = np.argsort(-np.abs(weights[1:]), kind="stable")[:MOST_TERMS]
    kept = tuple(columns[k] for k in sorted(strongest) if abs(weights[1 + k]) > 1e-6)
    lacking = frozenset(
        name for name in names if np.mean([name not in row for row in rows]) >= ABSENT_SHARE
    )
    return Logistic(kept, solve(design(rows, kept), y, kept, ridge), ridge, lacking)


def _ridge(
    rows: Sequence[Mapping[str, float]],
    y: F64,
    people: Sequence[str],
    columns: Sequence[Column],
) -> float:
    """The ridge with the best log loss on people left out in turn."""
    names = np.array(sorted(set(people)))
    np.random.default_rng(7).shuffle(names)
    fold_of = {name: k % FOLDS for k, name in enumerate(names)}
    fold = np.array([fold_of[person] for person in people])
    x = design(rows, columns)
    losses = []
    for ridge in RIDGES:
        total = 0.0
        for k in range(FOLDS):
            out = fold == k
            if not out.any() or out.all():
                continue
            z = _times(x[out], solve(x[~out], y[~out], columns, ridge))
            total += float((np.logaddexp(0, z) - y[out] * z).sum())
        losses.append(total)
    return RIDGES[int(np.argmin(losses))]


@dataclass(frozen=True)
class Steps:
    """Calibrated share and its interval at rising scores."""

    scores: F64
    shares: F64
    lows: F64
    highs: F64

    def probability(self, scores: F64) -> F64:
        """Shares (N,) by straight lines between the knots."""
        return np.asarray(np.interp(scores, self.scores, self.shares), np.float64)


def _nearby(x: F64, y: F64, model: Logistic, weights: F64) -> F64:
    """The weights of a resample: two Newton steps from the model, over its own free columns.

    A resample lies near the faces it is drawn from, so that two steps are as good as a full fit and
    cost a hundredth; a column that the steps carry below 0 is put back to 0.
    """
    bounded = np.array([False, *(not c.absence for c in model.columns)])
    free = ~bounded | (model.weights > 1e-8)
    held = np.r_[0.0, np.full(len(model.columns), model.ridge)][free]
    w, part, b = weights / weights.sum(), x[:, free], model.weights.copy()
    for _ in range(2):
        p = 1 / (1 + np.exp(-_times(x, b)))
        slope = np.einsum("nc,n->c", part, w * (p - y)) + held * b[free]
        bend = np.einsum("nc,n,nd->cd", part, w * p * (1 - p), part) + np.diag(held + 1e-6)
        b[free] -= np.linalg.solve(bend, slope)
        b = np.where(bounded, np.maximum(b, 0.0), b)
    return np.asarray(b, np.float64)


def fit_steps(
    model: Logistic,
    fit: tuple[Sequence[Mapping[str, float]], F64, Sequence[str]],
    cal: tuple[Sequence[Mapping[str, float]], F64, Sequence[str]],
    count: int = RESAMPLES,
) -> Steps:
    """Isotonic steps on calibration people; interval by resamples of fit and of cal people.

    Every resample fits both stages again and is asked about each calibration face; the 5th and
    95th percentiles are made to rise with the score, as the shares do.  No share is 0 or 1: with n
    faces nothing below 1 / (n + 2) was seen.
    """
    rows, y, people = cal
    scores = model.scores(rows)
    least = 1 / (len(y) + 2)
    knots = np.unique(np.quantile(scores, np.linspace(0, 1, KNOTS)))

    def at(z: F64, labels: F64, w: F64 | None, where: F64) -> F64:
        steps = isotonic(labels, z, w)
        return np.asarray(np.clip(np.interp(where, *steps), least, 1 - least), np.float64)

    x_fit, x_cal = design(fit[0], model.columns), design(rows, model.columns)
    by_fit = resamples(fit[2], count, seed=11)
    by_cal = resamples(people, count, seed=12)
    drawn = np.empty((count, len(y)))
    for k in range(count):
        z = _times(x_cal, _nearby(x_fit, fit[1], model, by_fit[k]))
        drawn[k] = at(z, y, by_cal[k], z)
    low, high = np.quantile(drawn, [(1 - SHARE) / 2, (1 + SHARE) / 2], axis=0)
    shares = at(scores, y, None, knots)
    lows = np.minimum(at(scores, low, None, knots), shares)
    highs = np.maximum(at(scores, high, None, knots), shares)
    return Steps(knots, shares, lows, highs)


def fit_range(rows: Sequence[FaceRow]) -> dict[str, Any]:
    """The box and the Mahalanobis distance of the input quality of fit faces, as stored."""
    found = [input_quality(row.measures, with_qp=False) for row in rows]
    x = np.array([row for row in found if row is not None])
    centre = x.mean(0)
    inverse = np.linalg.pinv(np.cov(x.T) + 1e-6 * np.eye(x.shape[1]))
    away = np.einsum("ni,ij,nj->n", x - centre, inverse, x - centre)
    return {
        "low": x.min(0).tolist(),
        "high": x.max(0).tolist(),
        "centre": centre.tolist(),
        "inverse": inverse.tolist(),
        "limit": float(np.quantile(away, MAHALANOBIS_QUANTILE)),
    }


def values_of(rows: Sequence[FaceRow]) -> list[dict[str, float]]:
    """The features of faces."""
    return [feature_values(row.measures, row.references) for row in rows]


def as_stored(model: Logistic, steps: Steps) -> dict[str, Any]:
    """The model as the record holds it, see `forensics.scoring.probability`."""
    by_name = {
        (c.name, c.absence): w for c, w in zip(model.columns, model.weights[1:], strict=True)
    }
    names = [name for name in FEATURES if (name, False) in by_name or (name, True) in by_name]
    plain = {c.name: c for c in model.columns if not c.absence}
    terms = [
        {
            "name": name,
            "centre": plain[name].centre if name in plain else 0.0,
            "spread": plain[name].spread if name in plain else 1.0,
            "coefficient": float(by_name.get((name, False), 0.0)),
            "absent": float(by_name.get((name, True), 0.0)) if name in model.may_lack else None,
        }
        for name in names
    ]
    return {
        "intercept": float(model.weights[0]),
        "terms": terms,
        "scores": steps.scores.tolist(),
        "shares": steps.shares.tolist(),
        "lows": steps.lows.tolist(),
        "highs": steps.highs.tolist(),
        "ridge": model.ridge,
    }

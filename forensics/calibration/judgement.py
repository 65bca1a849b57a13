"""Calibration, judgement: labels of faces, the fit of every target, its test, and its bar.

Everything is chosen on fit and cal people.  The test people are asked once, at the end, and what
they say decides only whether a probability is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forensics.calibration import metrics
from forensics.calibration.attributes import SHARED, changed
from forensics.calibration.counting import counts
from forensics.calibration.fit import (
    Logistic,
    Steps,
    as_stored,
    fit_logistic,
    fit_range,
    fit_steps,
    values_of,
)
from forensics.calibration.rows import FaceRow, Group
from forensics.scoring.features import FEATURES, INPUT
from forensics.scoring.probability import TARGETS, Range

F64 = NDArray[np.float64]
BASELINES = ("input alone", "lpips_embedded_crop", "1 - ssim_crop", "identity cosine", "niqe_like")


@dataclass(frozen=True)
class Labels:
    """Limits that make a label of a distance.

    ``identity_distance`` None: too few people to set one, so identity is no label.
    """

    identity_distance: float | None
    feature_distance: Mapping[str, float]
    attribute_change: Mapping[str, float]

    def of(self, row: FaceRow) -> dict[str, bool]:
        """What erred in a face, by target."""
        feature = any(
            row.feature_distance[name] > limit for name, limit in self.feature_distance.items()
        )
        attribute = changed(row.attribute_change, self.attribute_change)
        found = {"feature": feature, "attribute": attribute}
        if self.identity_distance is None:
            return found
        identity = row.identity_distance > self.identity_distance
        return {"any": identity or feature or attribute, "identity": identity, **found}


@dataclass(frozen=True)
class Demands:
    """What a target must reach before its probability is shown."""

    people: int = 30  # in each of fit, cal and test
    erred: int = 15  # faces of each kind in each group
    gain: float = 0.03  # AUROC above the best baseline, with the interval of the difference above 0
    ece: float = 0.05
    resamples: int = metrics.RESAMPLES


@dataclass(frozen=True)
class Sample:
    """Faces of one group with their features and one target's labels."""

    rows: tuple[FaceRow, ...]
    values: tuple[dict[str, float], ...]
    y: F64

    @property
    def people(self) -> tuple[str, ...]:
        """The person of each face."""
        return tuple(row.person for row in self.rows)

    def where(self, kept: NDArray[np.bool_]) -> Sample:
        """The faces of a mask."""
        index = np.flatnonzero(kept)
        return Sample(
            tuple(self.rows[k] for k in index), tuple(self.values[k] for k in index), self.y[index]
        )


def sample(rows: Sequence[FaceRow], labels: Labels, target: str) -> Sample:
    """Faces with features and labels."""
    y = np.array([labels.of(row)[target] for row in rows], np.float64)
    return Sample(tuple(rows), tuple(values_of(rows)), y)


@dataclass(frozen=True)
class Fitted:
    """A target's model with its calibration and the models of the baselines."""

    model: Logistic
    steps: Steps
    baselines: Mapping[str, Baseline]
    prior: float


@dataclass(frozen=True)
class Baseline:
    """A number anybody could use; its direction was chosen on fit people, in its favour."""

    name: str
    sign: float
    model: Logistic | None

    def scores(self, faces: Sample) -> F64:
        """Higher is riskier, (N,)."""
        if self.model is not None:
            return self.model.scores(faces.values)
        return self.sign * np.array([_plain(self.name, row) for row in faces.rows])


def _plain(name: str, row: FaceRow) -> float:
    if name == "1 - ssim_crop":
        return 1.0 - row.measures["ssim_crop"]
    if name == "identity cosine":
        return row.baselines["identity_cosine"]
    return row.baselines[name] if name in row.baselines else row.measures[name]


def features_for(target: str) -> tuple[str, ...]:
    """Features that a target's model may hold: none that reads with its own label's ruler."""
    return tuple(n for n in FEATURES if target != "attribute" or n not in SHARED)


def fit_target(target: str, fit: Sample, cal: Sample, demands: Demands) -> Fitted:
    """Logistic on fit people, steps on cal people, baselines with what favours them."""
    model = fit_logistic(fit.values, fit.y, fit.people, features_for(target))
    steps = fit_steps(
        model,
        (fit.values, fit.y, fit.people),
        (cal.values, cal.y, cal.people),
        demands.resamples,
    )
    return Fitted(model, steps, fit_baselines(fit), float(cal.y.mean()))


def fit_baselines(fit: Sample, ridge: float | None = None) -> dict[str, Baseline]:
    """The footage alone as a logistic of its own; the others as they are, signs chosen."""
    alone = fit_logistic(fit.values, fit.y, fit.people, INPUT, ridge)
    found = {"input alone": Baseline("input alone", 1.0, alone)}
    for name in BASELINES[1:]:
        plain = np.array([_plain(name, row) for row in fit.rows])
        sign = 1.0 if float(metrics.auroc(fit.y, plain)[0]) >= 0.5 else -1.0
        found[name] = Baseline(name, sign, None)
    return found


def too_few(groups: Mapping[Group, Sample], demands: Demands) -> str | None:
    """Why nothing can be fitted or tested, in words, or None."""
    for name, faces in groups.items():
        people, erred = len(set(faces.people)), int(faces.y.sum())
        if people < demands.people:
            return f"too few people in {name}: {people}, at least {demands.people} are needed"
        accurate = len(faces.y) - erred
        if min(erred, accurate) < demands.erred:
            return (
                f"too one-sided in {name}: {erred} faces erred and {accurate} did not; at least "
                f"{demands.erred} of each are needed"
            )
    return None


def ranking(y: F64, score: F64, w: F64) -> dict[str, Any]:
    """AUROC and AUPRC with 95 % intervals of resampled people."""
    return {
        "auroc": _figure(metrics.auroc(y, score)[0], metrics.auroc(y, score, w)),
        "auprc": _figure(metrics.auprc(y, score)[0], metrics.auprc(y, score, w)),
    }


def test_target(fitted: Fitted, faces: Sample, demands: Demands) -> dict[str, Any]:
    """All figures of one target on people that nothing was chosen on."""
    y, w = faces.y, metrics.resamples(faces.people, demands.resamples)
    score = fitted.model.scores(faces.values)
    p = fitted.steps.probability(score)
    found: dict[str, Any] = {
        "people": len(set(faces.people)),
        "faces": len(y),
        "prevalence": round(float(y.mean()), 4),
        **ranking(y, score, w),
        "brier": _figure(metrics.brier(y, p)[0], metrics.brier(y, p, w)),
        "ece": _figure(metrics.ece(y, p)[0], metrics.ece(y, p, w)),
        "ece_plain": _round(metrics.ece(y, p, debiased=False)[0]),
        "cllr": _figure(metrics.cllr(y, p, fitted.prior)[0], metrics.cllr(y, p, fitted.prior, w)),
        "cllr_min": _round(metrics.cllr_min(y, score)),
        "aurc": _round(float(metrics.risk_coverage(y, score)[1].mean())),
        "reliability": [[_round(a), _round(b), n] for a, b, n in metrics.reliability(y, p)],
        "risk_coverage": _thinned(*metrics.risk_coverage(y, score)),
    }
    own = metrics.auroc(y, score, w)
    found["baselines"] = {}
    for name, baseline in fitted.baselines.items():
        other = baseline.scores(faces)
        figures = ranking(y, other, w)
        difference = metrics.auroc(y, score)[0] - metrics.auroc(y, other)[0]
        figures["gain"] = _figure(difference, own - metrics.auroc(y, other, w))
        found["baselines"][name] = figures
    return found


def verdict(figures: Mapping[str, Any], demands: Demands) -> tuple[bool, str]:
    """Whether the bar was passed, and the sentence that says by how much or why not."""
    name, best = max(
        figures["baselines"].items(), key=lambda item: item[1]["auroc"]["value"] or 0.0
    )
    gain, error = best["gain"], figures["ece"]["value"]
    text = (
        f"AUROC {figures['auroc']['value']:.3f}, {gain['value']:+.3f} above the best baseline "
        f"({name}; 95 % interval {gain['low']:+.3f} to {gain['high']:+.3f}); calibration error "
        f"{error:.3f}"
    )
    missed = []
    if gain["value"] < demands.gain:
        missed.append(f"the gain is under {demands.gain:.2f}")
    if not gain["low"] > 0:
        missed.append("its interval reaches 0")
    if error > demands.ece:
        missed.append(f"the calibration error is over {demands.ece:.2f}")
    return not missed, f"{text}." if not missed else f"{text}: {', '.join(missed)}."


def judge(
    rows: Sequence[FaceRow], labels: Labels, demands: Demands
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Fitted]]:
    """The range, the stored targets with figures and verdicts, and what was fitted.

    A target that cannot be fitted has no model and says why.
    """
    of: dict[Group, list[FaceRow]] = {"fit": [], "cal": [], "test": []}
    for row in rows:
        of[row.group].append(row)
    if not of["fit"]:
        raise ValueError("there are no fit faces")
    stored_range = fit_range(of["fit"])
    inside = range_of(stored_range)
    targets: dict[str, Any] = {}
    models: dict[str, Fitted] = {}
    for target in TARGETS:
        if labels.identity_distance is None and target in ("any", "identity"):
            targets[target] = _unmade("Too few people to set the judge's limit.")
            continue
        groups: dict[Group, Sample] = {
            group: sample([r for r in found if inside.holds(r.measures)], labels, target)
            for group, found in of.items()
        }
        shares = {g: _round(float(s.y.mean())) if len(s.y) else None for g, s in groups.items()}
        lacking = too_few(groups, demands)
        if lacking is not None:
            targets[target] = _unmade(f"{lacking[0].upper()}{lacking[1:]}.", shares)
            continue
        fitted = fit_target(target, groups["fit"], groups["cal"], demands)
        erred = np.array([labels.of(row)[target] for row in of["test"]], np.bool_)
        figures = test_target(fitted, groups["test"], demands) | counts(of["test"], erred)
        passed, reason = verdict(figures, demands)
        models[target] = fitted
        targets[target] = {
            "passed": passed, "reason": reason, "prevalence": shares,
            "model": as_stored(fitted.model, fitted.steps), "figures": figures,
        }  # fmt: skip
    return stored_range, targets, models


def _unmade(reason: str, prevalence: Mapping[Group, float | None] | None = None) -> dict[str, Any]:
    """A target without a model, and why."""
    return {
        "passed": False,
        "reason": reason,
        "prevalence": prevalence,
        "model": None,
        "figures": None,
    }


def range_of(stored: Mapping[str, Any]) -> Range:
    """The stored range, for asking."""
    low, high, centre, inverse = (
        np.array(stored[name], np.float64) for name in ("low", "high", "centre", "inverse")
    )
    return Range(low, high, centre, inverse, float(stored["limit"]))


def _thinned(coverage: F64, erred: F64) -> list[list[float]]:
    """At most 60 points of a curve."""
    index = np.unique(np.linspace(0, len(coverage) - 1, 60).round().astype(int))
    return [[_round(coverage[k]), _round(erred[k])] for k in index]


def _figure(value: float, drawn: F64) -> dict[str, float | None]:
    low, high = metrics.interval(drawn)
    return {"value": _round(value), "low": _round(low), "high": _round(high)}


def _round(value: float) -> float:
    return round(float(value), 4)

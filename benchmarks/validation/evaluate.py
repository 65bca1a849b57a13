"""Validation, evaluation: from rows to figures; val people are asked here and never tuned to.

Rows keep what was measured; references are looked up again in the table that ships, so that the
figures hold for it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from forensics.calibration import metrics
from forensics.calibration.fit import fit_logistic, fit_range
from forensics.calibration.judgement import (
    Baseline,
    Demands,
    Labels,
    Sample,
    features_for,
    fit_baselines,
    range_of,
    sample,
)
from forensics.calibration.rows import FaceRow
from forensics.records import LEAST_PEOPLE
from forensics.scoring.evidence import NAMES as EVIDENCE_NAMES
from forensics.scoring.evidence import shipped_evidence
from forensics.scoring.facts import P99
from forensics.scoring.probability import TARGETS
from forensics.scoring.references import IDENTITY_DISTANCE, ReferenceTable

FOLD_RIDGE = 0.03  # stated, not chosen: folds are many and hold few faces
TONES = (
    (41.0, "light (ITA over 41)"),
    (28.0, "intermediate (28 to 41)"),
    (-90.0, "darker (under 28)"),
)


def looked_up(row: FaceRow, table: ReferenceTable) -> FaceRow:
    """The row with the references of a table; `identity_drift` is a distance less its own."""
    measures = dict(row.measures)
    references = {}
    expected = table.look_up(IDENTITY_DISTANCE, measures)
    if "identity_drift" in measures and expected is not None:
        measures["identity_drift"] = row.baselines["identity_cosine"] - expected.median
        references["identity_drift"] = 0.0
        references["identity_drift" + P99] = expected.p99 - expected.median
    for name in measures:
        if name in EVIDENCE_NAMES:
            found = shipped_evidence().limit(name, measures, table)
        else:
            found = table.look_up(name, measures)
        if found is not None and name != "identity_drift":
            references[name], references[name + P99] = found.median, found.p99
    return replace(row, measures=measures, references=references)


@dataclass(frozen=True)
class Fold:
    """What is fitted on and what is tested on, for one target."""

    target: str
    fit: Sample
    test: Sample


def fold(
    rows: Sequence[FaceRow],
    labels: Labels,
    target: str,
    *,
    fit_on: Callable[[FaceRow], bool] = lambda _: True,
    test_on: Callable[[FaceRow], bool] = lambda _: True,
) -> Fold:
    """Fit and test faces of one target that lie within the range of those fitted on."""
    fit = [r for r in rows if r.group == "fit" and fit_on(r)]
    inside = range_of(fit_range(fit))
    test = [r for r in rows if r.group == "test" and test_on(r) and inside.holds(r.measures)]
    kept = [r for r in fit if inside.holds(r.measures)]
    return Fold(target, sample(kept, labels, target), sample(test, labels, target))


def compared(
    one: Fold, demands: Demands, leave_out: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """AUROC of the risk and of every baseline, with paired differences; without calibration.

    ``leave_out`` names features the model may not use.
    """
    fit, test = one.fit, one.test
    erred = int(test.y.sum())
    found: dict[str, Any] = {
        "people": len(set(test.people)),
        "faces": len(test.y),
        "erred": erred,
        "fitted_on": len(fit.y),
    }
    if min(erred, len(test.y) - erred) < 5 or min(fit.y.sum(), (1 - fit.y).sum()) < 5:
        return found | {"auroc": None}
    names = tuple(name for name in features_for(one.target) if name not in leave_out)
    model = fit_logistic(fit.values, fit.y, fit.people, names, FOLD_RIDGE)
    score, weights = model.scores(test.values), metrics.resamples(test.people, demands.resamples)
    own = metrics.auroc(test.y, score, weights)
    value = float(metrics.auroc(test.y, score)[0])
    found |= {
        "auroc": _figure(value, own),
        "auprc": _figure(
            float(metrics.auprc(test.y, score)[0]), metrics.auprc(test.y, score, weights)
        ),
        "terms": {
            (c.name + " absent" if c.absence else c.name): round(float(w), 3)
            for c, w in zip(model.columns, model.weights[1:], strict=True)
        },
        "baselines": {},
    }
    for name, baseline in fit_baselines(fit, FOLD_RIDGE).items():
        found["baselines"][name] = _against(baseline, test, value, own, weights)
    return found


def _against(
    baseline: Baseline, test: Sample, value: float, own: np.ndarray, weights: np.ndarray
) -> dict[str, Any]:
    score = baseline.scores(test)
    other = metrics.auroc(test.y, score, weights)
    single = float(metrics.auroc(test.y, score)[0])
    return {"auroc": _figure(single, other), "gain": _figure(value - single, own - other)}


def leave_out(
    rows: Sequence[FaceRow], labels: Labels, what: str, demands: Demands
) -> dict[str, dict[str, Any]]:
    """Each family or restorer in turn is kept from the fit and is all that is tested on."""
    found: dict[str, dict[str, Any]] = {}
    for name in sorted({getattr(r, what) for r in rows}):
        found[name] = {
            target: compared(
                fold(
                    rows,
                    labels,
                    target,
                    fit_on=lambda r, out=name: getattr(r, what) != out,
                    test_on=lambda r, out=name: getattr(r, what) == out,
                ),
                demands,
            )
            for target in TARGETS
        }
    return found


def people_facts(data: Path) -> dict[str, dict[str, str]]:
    """Self-reported gender and ethnicity, and the cheek's tone, by person."""
    found: dict[str, dict[str, str]] = {}
    with (data / "portraits" / "index.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            facts = found.setdefault(row["person"], {})
            for name in ("gender", "ethnicity"):
                if row[name]:
                    facts[name] = row[name]
            if row["cheek_ita_deg"]:
                ita = float(row["cheek_ita_deg"])
                facts["skin tone"] = next(text for least, text in TONES if ita >= least)
    return found


def by_group(
    rows: Sequence[FaceRow],
    labels: Labels,
    facts: dict[str, dict[str, str]],
    demands: Demands,
) -> dict[str, Any]:
    """AUROC of each group of test people; under 30 people nothing is told but their number."""
    found: dict[str, Any] = {}
    for kind in ("gender", "ethnicity", "skin tone"):
        tested_people = {r.person for r in rows if r.group == "test"}
        group_of = {p: facts.get(p, {}).get(kind, "not stated") for p in tested_people}
        found[kind] = {}
        for group in sorted(set(group_of.values())):
            tested = {person for person, its in group_of.items() if its == group}
            if len(tested) < LEAST_PEOPLE:
                found[kind][group] = {"people": len(tested), "auroc": None}
                continue
            one = fold(rows, labels, "any", test_on=lambda r, own=tested: r.person in own)
            found[kind][group] = compared(one, demands)
    return found


def _figure(value: float, drawn: np.ndarray) -> dict[str, float]:
    low, high = metrics.interval(drawn)
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}

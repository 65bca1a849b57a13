"""Fit, calibration, bar and record on faces whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from forensics.calibration import metrics
from forensics.calibration.document import report
from forensics.calibration.fit import MOST_TERMS, fit_logistic, fit_steps, solve, values_of
from forensics.calibration.judgement import (
    Demands,
    Labels,
    features_for,
    judge,
    sample,
    verdict,
)
from forensics.calibration.record import as_bytes, make_record
from forensics.scoring.features import FEATURES
from forensics.scoring.probability import read_calibration
from tests.calibration.made_rows import row, rows

LABELS = Labels(0.5, {"eyes": 1.0, "nose": 1.0, "mouth": 1.0}, {"glasses": 0.5})
QUICK = Demands(resamples=60)
ABOUT: dict[str, Any] = {
    "restorer": {"profile": "made", "name": "made", "version": "1", "sha256": "a" * 64},
    "networks": {"perceptual": "2" * 64},
    "judges": {
        "identity": {"name": "judge"},
        "feature": {"name": "features"},
        "attribute": {"name": "rulers"},
    },
    "data": {},
}


def made(use: float = 2.5) -> dict[str, Any]:
    document, _ = make_record(
        rows(use=use), LABELS, about=ABOUT, demands=QUICK, made_utc="2026-01-01T00:00:00Z"
    )
    return document


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return made()


def test_the_solver_finds_known_coefficients_and_holds_its_bounds() -> None:
    from forensics.calibration.fit import Column

    rng = np.random.default_rng(1)
    x = np.hstack([np.ones((4000, 1)), rng.normal(size=(4000, 2))])
    logit = -0.5 + 1.5 * x[:, 1] - 0.8 * x[:, 2]
    y = (rng.uniform(size=4000) < 1 / (1 + np.exp(-logit))).astype(float)
    columns = [Column("a", False, 0, 1), Column("b", True, 0, 1)]  # b may take either sign
    assert solve(x, y, columns, 0.0) == pytest.approx([-0.5, 1.5, -0.8], abs=0.15)
    held = solve(x, y, [columns[0], Column("b", False, 0, 1)], 0.0)
    assert held[2] == 0.0


def test_no_coefficient_goes_against_its_measure(document: dict[str, Any]) -> None:
    for target in document["targets"].values():
        terms = target["model"]["terms"] if target["model"] else []
        assert len(terms) <= MOST_TERMS
        assert all(term["coefficient"] >= 0 for term in terms)
    wrong = [replace(r, identity_distance=1.0 - r.identity_distance) for r in rows(faces=3)]
    faces = sample([r for r in wrong if r.group == "fit"], LABELS, "identity")
    model = fit_logistic(faces.values, faces.y, faces.people, ("contradiction",))
    assert model.weights[1:].tolist() == []


def test_a_measure_that_tells_more_than_the_footage_passes(document: dict[str, Any]) -> None:
    target = document["targets"]["identity"]
    figures = target["figures"]
    assert target["passed"], target["reason"]
    assert figures["baselines"]["input alone"]["gain"]["value"] > 0.1
    assert figures["baselines"]["input alone"]["gain"]["low"] > 0.03
    assert figures["ece"]["value"] < 0.05
    assert figures["people"] == 36
    calibration = read_calibration(as_bytes(document))
    assert [t.name for t in calibration.shown] == ["any", "identity"]
    assert "A probability is shown for: any, identity" in report(document)


def test_where_the_footage_says_it_all_nothing_is_shown() -> None:
    document = made(use=0.0)
    target = document["targets"]["identity"]
    assert not target["passed"]
    assert "the gain is under 0.03" in target["reason"]
    assert read_calibration(as_bytes(document)).shown == ()
    assert "No probability is shown" in report(document)


def test_a_target_without_both_outcomes_is_not_made(document: dict[str, Any]) -> None:
    target = document["targets"]["feature"]
    assert (target["passed"], target["model"]) == (False, None)
    assert target["reason"].startswith("Too one-sided in fit: 0 faces erred")
    assert document["targets"]["attribute"]["reason"].startswith("Too one-sided in fit: 0 faces")


def test_too_few_people_are_said_and_give_no_probability() -> None:
    document, models = make_record(
        rows(people=4), LABELS, about=ABOUT, demands=QUICK, made_utc="2026-01-01T00:00:00Z"
    )
    assert models == {}
    assert document["targets"]["any"]["reason"] == (
        "Too few people in fit: 4, at least 30 are needed."
    )
    assert read_calibration(as_bytes(document)).shown == ()


def test_without_a_judge_there_is_no_identity() -> None:
    _, targets, _ = judge(rows(people=4), Labels(None, {"eyes": 0.05}, {}), QUICK)
    assert targets["identity"]["reason"] == "Too few people to set the judge's limit."
    assert targets["any"]["model"] is None


def test_steps_rise_and_their_interval_holds_them(document: dict[str, Any]) -> None:
    model = document["targets"]["identity"]["model"]
    for name in ("scores", "shares", "lows", "highs"):
        assert np.all(np.diff(model[name]) >= 0)
    low, share, high = (np.array(model[k]) for k in ("lows", "shares", "highs"))
    assert np.all(low <= share)
    assert np.all(share <= high)
    assert share.min() > 0
    assert share.max() < 1
    assert 0.02 < np.median(high - low) < 0.35


def test_the_interval_narrows_with_more_people() -> None:
    def width(people: int) -> float:
        all_rows = rows(people=people, faces=4)
        fit, cal = (
            sample([r for r in all_rows if r.group == g], LABELS, "identity")
            for g in ("fit", "cal")
        )
        model = fit_logistic(fit.values, fit.y, fit.people, tuple(FEATURES))
        steps = fit_steps(
            model, (fit.values, fit.y, fit.people), (cal.values, cal.y, cal.people), 40
        )
        return float(np.mean(steps.highs - steps.lows))

    assert width(80) < 0.75 * width(12)


def test_the_record_and_the_fit_say_the_same(document: dict[str, Any]) -> None:
    calibration = read_calibration(as_bytes(document))
    (target,) = [t for t in calibration.targets if t.name == "identity"]
    tested = [r for r in rows() if r.group == "test" and calibration.range_.holds(r.measures)]
    found = [target.probability(values) for values in values_of(tested)]
    y = np.array([float(r.identity_distance > 0.5) for r in tested])
    p = np.array([one.value for one in found if one is not None])
    assert len(p) == len(tested) == document["targets"]["identity"]["figures"]["faces"]
    figures = document["targets"]["identity"]["figures"]
    assert metrics.brier(y, p)[0] == pytest.approx(figures["brier"]["value"], abs=1e-4)


def test_equal_rows_make_equal_bytes(document: dict[str, Any]) -> None:
    assert as_bytes(made()) == as_bytes(document)


def test_the_bar_needs_gain_interval_and_calibration() -> None:
    def figures(gain: float, low: float, error: float) -> dict[str, Any]:
        other = {
            "auroc": {"value": 0.7, "low": 0.6, "high": 0.8},
            "gain": {"value": gain, "low": low, "high": 0.2},
        }
        return {
            "auroc": {"value": 0.7 + gain, "low": 0.6, "high": 0.9},
            "ece": {"value": error, "low": 0.0, "high": 0.1},
            "baselines": {"input alone": other},
        }

    assert verdict(figures(0.04, 0.01, 0.04), QUICK)[0]
    for missed in ((0.02, 0.01, 0.04), (0.04, -0.01, 0.04), (0.04, 0.01, 0.06)):
        assert not verdict(figures(*missed), QUICK)[0]


def test_footage_unlike_the_fit_is_outside(document: dict[str, Any]) -> None:
    calibration = read_calibration(as_bytes(document))
    inside = row("x", "test", 0, iod=40.0, contradiction=0.0, erred=0.2)
    assert calibration.range_.holds(inside.measures)
    assert not calibration.range_.holds(inside.measures | {"interocular_px": 4.0})
    assert not calibration.range_.holds(inside.measures | {"noise": 40.0})
    assert not calibration.range_.holds({"interocular_px": 40.0})
    assert calibration.values(inside.measures | {"noise": 40.0}, inside.references) is None


def test_a_changed_attribute_is_a_label_and_counts_in_any() -> None:
    one = row("x", "test", 0, iod=40.0, contradiction=0.0, erred=0.2)
    plain = {"any": False, "identity": False, "feature": False, "attribute": False}
    assert LABELS.of(one) == plain
    assert LABELS.of(replace(one, attribute_change={"glasses": 0.5})) == plain  # not above
    assert LABELS.of(replace(one, attribute_change={"eye_colour": 90.0})) == plain  # no limit
    changed = replace(one, attribute_change={"glasses": 0.51})
    assert LABELS.of(changed) == plain | {"any": True, "attribute": True}


def test_a_model_of_attributes_never_holds_the_rulers_of_its_own_label() -> None:
    assert set(FEATURES) - set(features_for("attribute")) == {
        "glasses",
        "facial_hair",
        "iris_delta",
    }
    assert features_for("any") == tuple(FEATURES)
    known = [
        replace(
            r,
            attribute_change={"glasses": r.identity_distance},
            measures=r.measures | {"glasses": r.identity_distance},
            references=r.references | {"glasses": 0.2, "glasses_p99": 0.4},
        )
        for r in rows()
    ]
    _, targets, _ = judge(known, LABELS, QUICK)
    assert targets["attribute"]["passed"], targets["attribute"]["reason"]
    assert "glasses" not in {t["name"] for t in targets["attribute"]["model"]["terms"]}
    assert "glasses" in {t["name"] for t in targets["any"]["model"]["terms"]}

"""Figures of a risk, against known answers (scikit-learn 1.5's values where it has the figure)."""

from __future__ import annotations

import numpy as np
import pytest

from forensics.calibration import metrics

Y = np.array([0.0, 0, 1, 1, 0, 1, 0, 1])
P = np.array([0.1, 0.4, 0.35, 0.8, 0.4, 0.9, 0.2, 0.4])


def test_ranking_figures_are_those_of_sklearn() -> None:
    # 0.35 beats two accurate faces, 0.8 and 0.9 all four, 0.4 two and ties with two.
    assert metrics.auroc(Y, P)[0] == pytest.approx(13 / 16)
    # Thresholds 0.9, 0.8, 0.4 (3 faces), 0.35: 1/1, 2/2, 3/5, 4/6, each adding a quarter.
    assert metrics.auprc(Y, P)[0] == pytest.approx((1 + 1 + 3 / 5 + 4 / 6) / 4)
    small = (np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    assert metrics.auroc(*small)[0] == pytest.approx(0.75)  # roc_auc_score
    assert metrics.auprc(*small)[0] == pytest.approx(0.8333333333333333)  # average_precision_score


def test_brier_is_the_mean_square() -> None:
    y, p = np.array([0.0, 1, 1, 0]), np.array([0.1, 0.9, 0.8, 0.3])
    assert metrics.brier(y, p)[0] == pytest.approx(0.037499999999999985)  # brier_score_loss


def test_a_constant_score_says_nothing() -> None:
    flat = np.full(8, 0.5)
    assert metrics.auroc(Y, flat)[0] == 0.5
    assert metrics.auprc(Y, flat)[0] == 0.5
    assert metrics.cllr(Y, flat, 0.5)[0] == pytest.approx(1.0)
    assert metrics.cllr_min(Y, flat) == pytest.approx(1.0)


def test_one_class_has_no_area_under_the_curve() -> None:
    assert np.isnan(metrics.auroc(np.ones(4), np.arange(4.0))[0])
    assert np.isnan(metrics.interval(np.array([np.nan, np.nan]))[0])


def test_weights_repeat_faces() -> None:
    weights = np.array([[2.0, 1, 0, 3, 1, 1, 2, 1]])
    repeated = np.repeat(np.arange(8), weights[0].astype(int))
    for figure in (metrics.auroc, metrics.auprc, metrics.brier):
        assert figure(Y, P, weights)[0] == pytest.approx(figure(Y[repeated], P[repeated])[0])
    assert metrics.cllr(Y, P, 0.5, weights)[0] == pytest.approx(
        metrics.cllr(Y[repeated], P[repeated], 0.5)[0]
    )


def test_resamples_draw_people_and_not_faces() -> None:
    people = ["a", "a", "b", "b", "b", "c"]
    weights = metrics.resamples(people, 50)
    assert weights.shape == (50, 6)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 2] == weights[:, 4]).all()
    assert (weights[:, [0, 2, 5]].sum(1) == 3).all()
    assert (weights == metrics.resamples(people, 50)).all()


def test_calibration_error_of_right_and_wrong_probabilities() -> None:
    rng = np.random.default_rng(3)
    p = rng.uniform(0, 1, 3000)
    y = (rng.uniform(0, 1, 3000) < p).astype(float)
    assert metrics.ece(y, p)[0] < 0.01
    assert metrics.ece(y, p, debiased=False)[0] == pytest.approx(0.025, abs=0.012)
    high = np.clip(p + 0.2, 0, 1)
    assert metrics.ece(y, high)[0] == pytest.approx(0.18, abs=0.03)
    rows = metrics.reliability(y, p)
    assert len(rows) == metrics.BINS
    assert {n for *_, n in rows} == {200}
    assert all(abs(said - seen) < 0.12 for said, seen, _ in rows)


def test_faces_of_one_probability_share_a_bin() -> None:
    bins = metrics.bins_of(np.array([0.2] * 10 + [0.7] * 20))
    assert len(set(bins.tolist())) == 2


def test_likelihood_ratio_cost_by_hand() -> None:
    # Equal prior: ratios 4, 1/4, 1, 9 for faces that erred, did not, did, did not.
    y, p = np.array([1.0, 0, 1, 0]), np.array([0.8, 0.2, 0.5, 0.9])
    wanted = (np.log2([1.25, 2.0]).mean() + np.log2([1.25, 10.0]).mean()) / 2
    assert metrics.cllr(y, p, 0.5)[0] == pytest.approx(wanted)
    assert metrics.cllr_min(y, p) <= metrics.cllr(y, p, 0.5)[0]
    assert metrics.cllr_min(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4])) < 1e-4


def test_risk_coverage_begins_with_the_least_risk() -> None:
    coverage, erred = metrics.risk_coverage(np.array([1.0, 0, 0, 1]), np.array([4.0, 1, 2, 3]))
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert erred.tolist() == pytest.approx([0, 0, 1 / 3, 0.5])

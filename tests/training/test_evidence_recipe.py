"""The evidence network's recipe: losses, samples and the calibration's bookkeeping."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from forensics.scoring.evidence import Supported, outside_share
from training.evidence import calibrate, config
from training.evidence.calibrate import STRETCHES, Sample, band_row, outside_shares, stretches_of
from training.evidence.train import pinball, rate


def test_the_pinball_loss_is_least_at_the_quantile() -> None:
    """Of a million uniform values the 5 % quantile, 0.05, costs least: 0.05 * 0.95 / 2."""
    values = torch.rand(1_000_000, generator=torch.Generator().manual_seed(1))
    costs = {q: float(pinball(values - q, 0.05).mean()) for q in (0.02, 0.05, 0.08)}
    assert min(costs, key=lambda q: costs[q]) == 0.05
    assert costs[0.05] == pytest.approx(0.05 * 0.95 / 2, rel=0.01)


def test_the_rate_depends_on_the_step_alone() -> None:
    assert rate(0, 1000) == pytest.approx(config.LR[0] / config.WARMUP_STEPS, rel=1e-3)
    assert rate(500, 1000) == pytest.approx(sum(config.LR) / 2, rel=1e-3)
    assert rate(1000, 1000) == pytest.approx(config.LR[1], rel=1e-6)


def test_all_stretches_at_once_equal_one_after_the_other() -> None:
    rng = np.random.default_rng(3)
    mean = rng.uniform(0.2, 0.8, (64, 64, 3)).astype(np.float32)
    below, above = rng.uniform(0, 0.1, (2, 64, 64, 3)).astype(np.float32)
    said = Supported(mean, mean - below, mean + above)
    drawn = (mean + rng.normal(0, 0.05, mean.shape)).astype(np.float32)
    one_by_one = [outside_share(drawn, said, float(t)) for t in STRETCHES]
    assert outside_shares(drawn, said) == pytest.approx(one_by_one, abs=2e-4)


def test_every_band_draws_its_own_factors() -> None:
    for number in range(len(calibrate.BINS_PX) - 1):
        low, high = calibrate.BINS_PX[number], calibrate.BINS_PX[number + 1]
        for k in range(20):
            plan = calibrate.draw_plan(number, (9, number, k), None, frozenset())
            assert low - 0.01 <= 125.92 / plan.factor <= max(high, 125.92 / 16) + 0.01


def test_a_band_counts_each_person_once() -> None:
    """Three people with two draws each; all losses 0.05 up to a stretch of 1, then 0."""
    losses = np.where(STRETCHES < 1, 0.5, 0.0)
    found = {
        name: [
            Sample(name, "h264", 4.0, True, dict.fromkeys((256, 128, 64), losses), 7.0 + k)
            for k in range(2)
        ]
        for name in (f"person {k}" for k in range(30))
    }
    row = band_row(1, found)
    assert row["people"] == {"256": 30, "128": 30, "64": 30}
    assert row["stretch"]["128"] == pytest.approx(STRETCHES[STRETCHES >= 1][0], rel=1e-4)
    assert len(row["violation"]) == len(row["distance"]) == 30
    assert set(row["distance"]) == {7.0}


def test_a_family_can_be_left_out_of_the_calibration() -> None:
    good, bad = np.zeros(len(STRETCHES)), np.where(STRETCHES < 3, 1.0, 0.0)
    found = {
        str(k): [
            Sample(str(k), "gfpgan", 4.0, True, dict.fromkeys((256, 128, 64), good), 1.0),
            Sample(str(k), "motion", 4.0, True, dict.fromkeys((256, 128, 64), bad), 1.0),
        ]
        for k in range(40)
    }
    assert stretches_of(found)[0][128] >= 3
    assert stretches_of(found, leave_out="motion")[0][128] == pytest.approx(STRETCHES[0])

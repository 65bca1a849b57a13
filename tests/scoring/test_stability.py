"""Stability: small changes are small, undone exactly, and measured against what they cost alone."""

from __future__ import annotations

from collections.abc import Sequence

import lpips
import numpy as np
import pytest
import torch

from forensics.models.load import LoadedModel
from forensics.models.nets.perceptual import build_perceptual
from forensics.scoring import baseline
from forensics.scoring.measure import FaceInput
from forensics.scoring.stability import (
    FAILED,
    brought_back,
    inner,
    mean_pair,
    measure_disagreement,
    measure_seeds,
    measure_stability,
    pair_distances,
    perturb,
)
from forensics.scoring.thresholds import Threshold, ThresholdTable
from tests.scoring.made_faces import Picture, face, filmed

CPU = torch.device("cpu")
NAMES = ["+0.5 px", "-0.5 px", "+1 deg", "-1 deg", "+3 %", "-3 %", "JPEG 90", "JPEG 75", "noise"]
LIMITS = ThresholdTable(
    "test",
    {
        "unstable_ratio": Threshold(2.0, "ratio", "", ""),
        "unstable_least": Threshold(1e-6, "distance", "", ""),
    },
    (),
)


@pytest.fixture(scope="module")
def net(perceptual_model: LoadedModel) -> lpips.LPIPS:
    return build_perceptual(perceptual_model.state)


@pytest.fixture(scope="module")
def made(portrait: Picture) -> FaceInput:
    return face(filmed(portrait, 4), portrait)


def test_there_are_nine_small_changes_and_each_is_undone(made: FaceInput) -> None:
    changed = perturb(made)
    assert [one.name for one in changed] == NAMES
    for one in changed:
        back = brought_back(one.crop_rgb_u8, one).astype(int)
        step = np.abs(one.crop_rgb_u8.astype(int) - made.crop_rgb_u8)
        assert step.max() > 0, one.name
        middle = (slice(60, 452), slice(60, 452))
        left = float(np.abs(back - made.crop_rgb_u8)[middle].mean())
        assert left < 4.0, one.name


def test_half_a_pixel_is_one_of_the_footage(made: FaceInput) -> None:
    moved = perturb(made)[0].crop_rgb_u8.astype(np.float64)
    shift = round(0.5 * made.scale)
    assert made.scale == pytest.approx(4, abs=0.1)
    held = made.crop_rgb_u8[100:400, 100:400].astype(np.float64)
    there = moved[100 + shift : 400 + shift, 100 + shift : 400 + shift]
    assert float(np.abs(there - held).mean()) < 1.0


def test_the_same_face_is_changed_the_same_way(made: FaceInput) -> None:
    for a, b in zip(perturb(made), perturb(made), strict=True):
        assert np.array_equal(a.crop_rgb_u8, b.crop_rgb_u8)


def test_distances_of_pairs_are_those_of_the_network(
    net: lpips.LPIPS, portrait: Picture, widened: Picture
) -> None:
    pictures = [inner(p) for p in (portrait, widened, portrait[:, ::-1], 255 - portrait, portrait)]
    table = pair_distances(net, pictures, CPU)
    assert np.array_equal(table, table.T)
    assert not table.diagonal().any()
    assert table[0, 4] == 0.0
    a = baseline.as_m11([pictures[0], pictures[1]], CPU)
    b = baseline.as_m11([pictures[2], pictures[3]], CPU)
    expected = baseline.lpips_distances(net, a, b)
    assert [table[0, 2], table[1, 3]] == pytest.approx(expected, rel=1e-4)
    assert mean_pair(np.array([[0, 1, 2], [1, 0, 6], [2, 6, 0]], float)) == 3.0


def test_a_restorer_that_does_nothing_moves_as_the_changes_do(
    net: lpips.LPIPS, made: FaceInput
) -> None:
    reading, references = measure_stability(made, lambda crops: crops, net, CPU, LIMITS)
    value = reading.values["stability_input"]
    assert value == pytest.approx(references["stability_input"], rel=1e-9)
    assert references["stability_input_p99"] == pytest.approx(2 * value)


def test_a_steady_answer_reads_less_and_a_guess_more(net: lpips.LPIPS, made: FaceInput) -> None:
    def guess(crops: Sequence[Picture]) -> list[Picture | None]:
        """Another grain for every crop, however alike they are."""
        grains = [
            np.random.default_rng(k).integers(-40, 41, made.crop_rgb_u8.shape) for k in range(9)
        ]
        pairs = zip(crops, grains, strict=True)
        return [np.clip(crop + grain, 0, 255).astype(np.uint8) for crop, grain in pairs]

    plain = np.full((512, 512, 3), 120, np.uint8)
    steady, _ = measure_stability(made, lambda crops: [plain] * len(crops), net, CPU, LIMITS)
    wild, references = measure_stability(made, guess, net, CPU, LIMITS)
    assert steady.values["stability_input"] == pytest.approx(0.0, abs=1e-9)
    assert wild.values["stability_input"] > references["stability_input_p99"]


def test_a_restorer_that_fails_is_a_reason(net: lpips.LPIPS, made: FaceInput) -> None:
    def failing(crops: Sequence[Picture]) -> list[Picture | None]:
        return [*crops[:-1], None]

    reading, references = measure_stability(made, failing, net, CPU, LIMITS)
    assert reading.values == {}
    assert reading.reasons == {"stability_input": FAILED}
    assert references == {}


def test_seeds_and_disagreement(net: lpips.LPIPS, portrait: Picture, widened: Picture) -> None:
    asked: list[int] = []

    def seeded(crops: Sequence[Picture], seeds: Sequence[int]) -> list[Picture | None]:
        asked.extend(seeds)
        return [np.roll(crop, 3 * k, 1) for k, crop in enumerate(crops)]

    reading = measure_seeds(portrait, seeded, 2**48 - 2, net, CPU)
    assert asked == [2**48 - 1, 0, 1, 2]
    assert reading.values["stability_seed"] > 0
    still = measure_seeds(portrait, lambda crops, seeds: list(crops), 7, net, CPU)
    assert still.values == {"stability_seed": 0.0}
    lost = measure_seeds(portrait, lambda crops, seeds: [None] * 4, 7, net, CPU)
    assert "failed" in lost.reasons["stability_seed"]
    apart = measure_disagreement(portrait, widened, net, CPU).values["disagreement"]
    assert apart == pytest.approx(pair_distances(net, [inner(portrait), inner(widened)], CPU)[0, 1])

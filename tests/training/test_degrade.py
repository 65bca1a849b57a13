"""Degradation: families by name, repeatable draws, what each step does, and no colour cast."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training import degrade

U8 = NDArray[np.uint8]


@pytest.fixture(scope="module")
def crop() -> U8:
    """A 256 px picture with coarse colours, edges and fine texture."""
    rng = np.random.default_rng(11)
    coarse = rng.integers(40, 216, (16, 16, 3)).astype(np.float64)
    picture = np.repeat(np.repeat(coarse, 16, 0), 16, 1) + rng.normal(0, 8, (256, 256, 3))
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def detail(picture: U8) -> float:
    """Mean absolute difference to the right neighbour."""
    return float(np.abs(np.diff(picture.astype(np.float64), axis=1)).mean())


@pytest.mark.parametrize("family", degrade.FAMILIES)
def test_every_family_repeats_loses_detail_and_keeps_the_colour(family: str, crop: U8) -> None:
    for seed in range(3):
        plan = degrade.draw(family, np.random.default_rng(seed), (4.0, 8.0))
        again = degrade.draw(family, np.random.default_rng(seed), (4.0, 8.0))
        assert plan == again
        assert plan.family == family
        out = degrade.apply(crop, plan)
        assert out.shape == crop.shape
        assert out.dtype == np.uint8
        assert np.array_equal(out, degrade.apply(crop, plan))
        assert detail(out) < detail(crop)
        cast = out.reshape(-1, 3).mean(0) - crop.reshape(-1, 3).mean(0)
        assert np.abs(cast).max() < 4


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(KeyError, match="known: mild, gfpgan"):
        degrade.draw("upscale", np.random.default_rng(0))


def test_families_can_be_left_out() -> None:
    rng = np.random.default_rng(0)
    left = frozenset({"h264", "h264_double"})
    drawn = {degrade.draw_any(rng, leave_out=left).family for _ in range(200)}
    assert drawn == set(degrade.FAMILIES) - left


def test_weights_name_every_family_and_add_up() -> None:
    assert set(degrade.WEIGHTS) == set(degrade.FAMILIES)
    assert sum(degrade.WEIGHTS.values()) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("factor", "side"), [(4, 128), (8, 64)])
def test_the_factor_counts_on_the_512_template(factor: int, side: int, crop: U8) -> None:
    large = np.repeat(np.repeat(crop, 2, 0), 2, 1)
    plan = degrade.trial_plan(factor, 0, "jpeg")
    assert plan.factor == factor
    assert degrade.shrunk(crop, plan).shape == (side, side, 3)
    assert degrade.shrunk(large, plan).shape == (side, side, 3)


def test_a_plan_without_steps_changes_nothing(crop: U8) -> None:
    plan = degrade.Plan("none", (degrade.Pass(),), "cubic", 0)
    assert np.array_equal(degrade.apply(crop, plan), crop)


def test_noise_has_the_stated_width() -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    noisy = degrade.add_noise(flat, 6.0, False, np.random.default_rng(0)).astype(np.float64)
    assert noisy.std() == pytest.approx(6.0, rel=0.03)
    grey = degrade.add_noise(flat, 6.0, True, np.random.default_rng(0))
    assert np.array_equal(grey[..., 0], grey[..., 2])


def test_h264_is_worse_at_a_higher_quantiser_and_keeps_odd_sizes(crop: U8) -> None:
    odd = crop[:101, :83]
    errors = []
    for qp in (20, 30, 40):
        (out,) = degrade.h264_pass([odd], qp)
        assert out.shape == odd.shape
        errors.append(float(((out.astype(np.float64) - odd) ** 2).mean()))
    assert errors[0] < errors[1] < errors[2]


def test_jpeg_is_worse_at_a_lower_quality(crop: U8) -> None:
    errors = [
        float(((degrade.jpeg_pass(crop, q).astype(np.float64) - crop) ** 2).mean())
        for q in (95, 60, 30)
    ]
    assert errors[0] < errors[1] < errors[2]


def test_kernels_are_centred_and_add_up() -> None:
    for kernel in (degrade.blur_kernel(2.0, 0.6, 30.0), degrade.motion_kernel(7.0, 40.0)):
        assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
        rows, columns = np.mgrid[0 : kernel.shape[0], 0 : kernel.shape[1]]
        middle = (kernel.shape[0] - 1) / 2
        assert float((kernel * rows).sum()) == pytest.approx(middle, abs=1e-3)
        assert float((kernel * columns).sum()) == pytest.approx(middle, abs=1e-3)


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_the_trial_plan_is_fixed(codec: str, crop: U8) -> None:
    a = degrade.apply(crop, degrade.trial_plan(4, 5, codec))
    b = degrade.apply(crop, degrade.trial_plan(4, 6, codec))
    assert np.array_equal(a, degrade.apply(crop, degrade.trial_plan(4, 5, codec)))
    assert not np.array_equal(a, b), "another seed draws other noise"
    with pytest.raises(KeyError):
        degrade.trial_plan(4, 0, "gif")

"""Official restorers on small networks: facts, noise modes, neighbours, failures, rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from forensics.models.nets.gfpgan import Gfpgan
from forensics.records import Failure
from forensics.restore.noise import Noise, drawn_noise, parse_noise
from forensics.restore.official import GfpganNet, NoiselessNet, OfficialRestorer
from forensics.restore.restorer import FallenBack, Precision
from tests.networks import CPU, SMALL, crops_rgb_u8, gfpgan, loaded

U8 = NDArray[np.uint8]
TINY = SMALL | {"out_size": 512, "num_style_feat": 8}


def restorer(
    noise: str = "stored",
    batch: int | None = None,
    precision: Precision = "exact",
    folds: bool = True,
) -> OfficialRestorer:
    dtype = torch.float32 if precision == "exact" else torch.bfloat16
    net = Gfpgan(gfpgan(1, **TINY), dtype, folds)
    return OfficialRestorer(
        GfpganNet(net, parse_noise(noise)), loaded({"a": torch.zeros(1)}), CPU, precision, batch
    )


@pytest.fixture(scope="module")
def crops() -> U8:
    return crops_rgb_u8(3)


def pictures(results: Sequence[object]) -> list[U8]:
    assert all(isinstance(result, np.ndarray) for result in results)
    return list(results)  # type: ignore[arg-type]  # just checked


def levels(value: float) -> NoiselessNet:
    """A network that answers with one grey level everywhere."""
    return NoiselessNet(lambda x: torch.full_like(x, value / 127.5 - 1))


def simple(net: NoiselessNet, batch: int = 1) -> OfficialRestorer:
    return OfficialRestorer(net, loaded({"a": torch.zeros(1)}), CPU, "exact", batch)


def test_facts_name_what_decides_bits() -> None:
    facts = restorer("seed:3", precision="fast").facts
    assert (facts.precision, facts.dtype, facts.batch_size) == ("fast", "bfloat16", 1)
    assert (facts.noise_mode, facts.memory_format) == ("seed:3", "channels_last")
    assert (facts.name, facts.version, facts.licence) == ("made", "0", "Apache-2.0")
    assert restorer().facts.dtype == "float32"


@pytest.mark.parametrize("folds", [True, False])
def test_bytes_do_not_depend_on_neighbours_order_or_padding(crops: U8, folds: bool) -> None:
    drawing = restorer(batch=2, folds=folds)
    together = pictures(drawing.restore(crops))
    backwards = pictures(drawing.restore(crops[::-1].copy()))
    alone = pictures(drawing.restore(crops[1:2]))
    for k in range(3):
        assert np.array_equal(together[k], backwards[2 - k])
    assert np.array_equal(alone[0], together[1])
    assert not np.array_equal(together[0], together[1])


def test_seeded_noise_is_the_faces_own(crops: U8) -> None:
    drawing = restorer("seed:5", batch=2)
    first = pictures(drawing.restore(crops, [11, 12, 13]))
    moved = pictures(drawing.restore(crops[[2, 0, 1]], [13, 11, 12]))
    assert [np.array_equal(moved[k], first[j]) for k, j in enumerate((2, 0, 1))] == [True] * 3
    other = pictures(drawing.restore(crops[:1], [99]))
    assert np.abs(other[0].astype(int) - first[0]).mean() > 0.5, "another seed, another face"


def test_stored_zero_and_seeded_differ(crops: U8) -> None:
    drawn = {
        "stored": pictures(restorer("stored").restore(crops[:1]))[0],
        "zero": pictures(restorer("zero").restore(crops[:1]))[0],
        "seed": pictures(restorer("seed:1").restore(crops[:1], [7]))[0],
    }
    for a, b in (("stored", "zero"), ("stored", "seed"), ("zero", "seed")):
        assert np.abs(drawn[a].astype(int) - drawn[b]).mean() > 0.5


def test_seeds_must_fit_the_noise_mode(crops: U8) -> None:
    with pytest.raises(ValueError, match="takes 3 seeds for 3 crops, not 0"):
        restorer("seed:1").restore(crops)
    with pytest.raises(ValueError, match="takes 0 seeds for 3 crops, not 3"):
        restorer("stored").restore(crops, [1, 2, 3])


def test_padding_gets_no_noise_and_a_seed_alone_decides() -> None:
    layers = drawn_noise([5, 6], 3, (4, 8, 8))
    assert [tuple(layer.shape) for layer in layers] == [(3, 1, 4, 4), (3, 1, 8, 8), (3, 1, 8, 8)]
    assert all(not layer[2].any() for layer in layers)
    (again, *_) = drawn_noise([6], 1, (4, 8, 8))
    assert torch.equal(again[0], layers[0][1])
    assert 0.8 < float(torch.cat([n[:2].flatten() for n in layers]).std()) < 1.2


@pytest.mark.parametrize(("value", "level"), [(99.4, 99), (99.6, 100), (-8.0, 0), (300.0, 255)])
def test_levels_are_rounded_to_nearest_and_clipped(crops: U8, value: float, level: int) -> None:
    (picture,) = pictures(simple(levels(value)).restore(crops[:1]))
    assert set(np.unique(picture)) == {level}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_a_failure(crops: U8, value: float) -> None:
    (result,) = simple(levels(value)).restore(crops[:1])
    assert isinstance(result, Failure)
    assert "not finite" in result.reason


def test_a_face_that_raises_costs_itself_alone(crops: U8) -> None:
    bad = crops[1, 0, 0].astype(np.float32)

    def picky(x_m11: Tensor) -> Tensor:
        first = (x_m11[:, :, 0, 0] * 127.5 + 127.5).round().numpy()
        if any(np.array_equal(row, bad) for row in first):
            raise RuntimeError("a kernel failed")
        return x_m11

    results = simple(NoiselessNet(picky), batch=3).restore(crops)
    assert isinstance(results[1], Failure)
    assert results[1].error == "RuntimeError: a kernel failed"
    assert np.array_equal(results[0], crops[0])
    assert np.array_equal(results[2], crops[2])


def test_lack_of_memory_at_the_padded_size_is_a_recorded_fall_back(crops: U8) -> None:
    def small(x_m11: Tensor) -> Tensor:
        if len(x_m11) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return x_m11

    results = simple(NoiselessNet(small), batch=2).restore(crops)
    for result, crop in zip(results, crops, strict=True):
        assert isinstance(result, FallenBack)
        assert result.reason == "fallen_back: batch 2 -> 1, memory was lacking"
        assert np.array_equal(result.rgb_u8, crop)


def test_noise_words() -> None:
    assert [str(parse_noise(t)) for t in ("stored", "zero", "seed:12")] == [
        "stored",
        "zero",
        "seed:12",
    ]
    assert parse_noise("seed:12") == Noise("seed", 12)

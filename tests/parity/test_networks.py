"""Our forms of the networks against the published classes: same weights, same noise, same picture.

Every test here runs on small networks of the published classes; `test_networks_full.py` repeats the
figures at full size.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from forensics.models.nets.gfpgan import Gfpgan
from forensics.models.nets.restoreformer import Restoreformer
from tests.networks import (
    SMALL,
    SMALLEST_FORMER,
    gfpgan,
    pictures_m11,
    restoreformer,
    rmse_share,
    state_of,
)

EXACT = 1e-4


@pytest.fixture(scope="module")
def x_m11() -> torch.Tensor:
    return pictures_m11(3, 128)


@pytest.mark.parametrize("folds", [True, False])
@pytest.mark.parametrize("half", [True, False])
@torch.inference_mode()
def test_gfpgan_equals_the_published_class_with_stored_noise(
    x_m11: torch.Tensor, half: bool, folds: bool
) -> None:
    sizes = SMALL | {"sft_half": half}
    wanted = gfpgan(1, **sizes)(x_m11, return_rgb=False, randomize_noise=False)[0]
    ours = Gfpgan(gfpgan(1, **sizes), torch.float32, folds)
    got = ours(x_m11, ours.stored_noise())
    assert float((got - wanted).abs().max()) <= EXACT
    assert float(wanted.std()) > 0.1, "a picture that says something"


@torch.inference_mode()
def test_noise_is_heard_and_zero_is_the_published_class_without_strength(
    x_m11: torch.Tensor,
) -> None:
    ours = Gfpgan(gfpgan(2), torch.float32, True)
    stored, silent = ours(x_m11, ours.stored_noise()), ours(x_m11, None)
    assert float((stored - silent).abs().mean()) > 1e-2
    quiet = gfpgan(2)
    for name, parameter in quiet.named_parameters():
        if ".style_conv" in name and parameter.shape == (1,):
            parameter.zero_()
    wanted = quiet(x_m11, return_rgb=False, randomize_noise=False)[0]
    assert float((silent - wanted).abs().max()) <= EXACT


@torch.inference_mode()
def test_noise_of_one_row_stays_in_that_row(x_m11: torch.Tensor) -> None:
    ours = Gfpgan(gfpgan(3), torch.float32, False)
    fields = [field.repeat(3, 1, 1, 1) for field in ours.stored_noise()]
    before = ours(x_m11, fields)
    for field in fields:
        field[1] = 0
    after = ours(x_m11, fields)
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    assert not torch.equal(before[1], after[1])


@torch.inference_mode()
def test_the_given_picture_and_the_stored_noise_are_not_written_over(x_m11: torch.Tensor) -> None:
    ours = Gfpgan(gfpgan(4), torch.float32, True)
    given, noise = x_m11.clone(), [n.clone() for n in ours.stored_noise()]
    first = ours(given, ours.stored_noise())
    assert torch.equal(given, x_m11)
    assert all(torch.equal(a, b) for a, b in zip(noise, ours.stored_noise(), strict=True))
    assert torch.equal(first, ours(given, ours.stored_noise()))


@pytest.mark.parametrize("folds", [True, False])
@torch.inference_mode()
def test_gfpgan_in_bfloat16_is_within_one_percent_of_range(
    x_m11: torch.Tensor, folds: bool
) -> None:
    exact = Gfpgan(gfpgan(5), torch.float32, folds)
    fast = Gfpgan(gfpgan(5), torch.bfloat16, folds)
    wanted, got = exact(x_m11, exact.stored_noise()), fast(x_m11, fast.stored_noise())
    assert got.dtype == torch.float32
    assert 0 < rmse_share(got, wanted) <= 0.01


@torch.inference_mode()
def test_restoreformer_equals_the_published_class() -> None:
    x_m11 = pictures_m11(2, 64)
    net = restoreformer(1, **SMALLEST_FORMER)
    state = state_of(net)
    wanted = net(x_m11)[0]
    again = restoreformer(1, **SMALLEST_FORMER)
    again.load_state_dict(state)
    ours = Restoreformer(again, torch.float32)
    assert float((ours(x_m11) - wanted).abs().max()) <= EXACT
    assert float(wanted.std()) > 0.1


@torch.inference_mode()
def test_restoreformer_in_bfloat16_draws_from_the_same_codes() -> None:
    x_m11 = pictures_m11(2, 64)
    exact = Restoreformer(restoreformer(3, **SMALLEST_FORMER), torch.float32)
    fast = Restoreformer(restoreformer(3, **SMALLEST_FORMER), torch.bfloat16)
    chosen: list[torch.Tensor] = []
    for net in (exact, fast):
        net.nearest.register_forward_hook(lambda _net, _given, found: chosen.append(found))
    wanted, got = exact(x_m11), fast(x_m11)
    assert torch.equal(chosen[0], chosen[1])
    assert 0 < rmse_share(got, wanted) <= 0.01


@torch.inference_mode()
def test_codes_are_looked_up_as_upstream_does() -> None:
    net = restoreformer(2, **SMALLEST_FORMER)
    z = torch.randn(2, 32, 16, 16)
    wanted = net.quantize(z)[0]
    nearest = Restoreformer(net, torch.float32).nearest
    assert torch.equal(nearest(z), wanted)
    entries = net.quantize.embedding.weight.numpy()
    found = nearest(z).permute(0, 2, 3, 1).reshape(-1, 32).numpy()
    apart = np.abs(found[:, None] - entries[None]).max(2).min(1)
    assert apart.max() < 1e-5, "every answer is an entry of the book"


@pytest.mark.reference
@torch.inference_mode()
def test_small_networks_equal_the_official_packages(x_m11: torch.Tensor) -> None:
    from forensics.reference.aliases import supply_missing_modules

    supply_missing_modules()
    from gfpgan.archs.gfpganv1_clean_arch import GFPGANv1Clean

    ours = gfpgan(6)
    official = GFPGANv1Clean(**SMALL, fix_decoder=False).eval()
    official.load_state_dict(state_of(ours), strict=True)
    wanted = official(x_m11, return_rgb=False, randomize_noise=False)[0]
    lean = Gfpgan(ours, torch.float32, True)
    assert float((lean(x_m11, lean.stored_noise()) - wanted).abs().max()) <= EXACT

"""The embedded restorer: keys, facts, determinism, independence of neighbours, failing weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from spandrel.architectures.GFPGAN.__arch.gfpganv1_clean_arch import GFPGANv1Clean

from forensics.errors import IntegrityError
from forensics.models.load import EMBEDDED, LoadedModel, load_embedded
from forensics.models.nets import restorer as nets
from forensics.records import Failure
from forensics.restore.embedded import EmbeddedRestorer

CPU = torch.device("cpu")
U8 = NDArray[np.uint8]


@pytest.fixture(scope="module")
def restorer() -> EmbeddedRestorer:
    return EmbeddedRestorer.load(load_embedded("restorer"), CPU)


@pytest.fixture(scope="module")
def crops() -> U8:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (6, 32, 32, 3)).astype(np.uint8)
    return np.repeat(np.repeat(coarse, 16, 1), 16, 2)


def pictures(results: list[U8 | Failure]) -> list[U8]:
    for result in results:
        assert not isinstance(result, Failure)
    return results  # type: ignore[return-value]  # just checked


def loaded(state: dict[str, torch.Tensor]) -> LoadedModel:
    card = {"name": "fake", "version": "0", "licence": "Apache-2.0"}
    return LoadedModel("restorer", state, "0" * 64, card)


def test_weights_fit_the_published_class_strictly() -> None:
    plain = GFPGANv1Clean(
        out_size=256,
        num_style_feat=128,
        channel_multiplier=1,
        narrow=0.25,
        input_is_latent=True,
        different_w=True,
        sft_half=False,
    )
    plain.load_state_dict(load_embedded("restorer").state, strict=True)


def test_activation_scaling_equals_the_published_convolution() -> None:
    torch.manual_seed(0)
    ours = nets.build().eval()
    plain = GFPGANv1Clean(
        out_size=256, num_style_feat=128, channel_multiplier=1, narrow=0.25, sft_half=False
    ).eval()
    plain.load_state_dict(ours.state_dict(), strict=True)
    x_m11 = torch.randn(2, 3, 256, 256)
    with torch.inference_mode():
        a = nets.residual_m11(ours, x_m11)
        b = plain(x_m11, return_rgb=False, randomize_noise=False)[0]
    assert float((a - b).abs().max()) < 2e-5


def test_noise_has_no_strength() -> None:
    state = load_embedded("restorer").state
    strengths = [v for k, v in state.items() if nets.is_noise_weight(k)]
    assert len(strengths) == 13
    assert all(float(v) == 0.0 for v in strengths)


def test_facts_come_from_card_and_weights(restorer: EmbeddedRestorer) -> None:
    card = json.loads((EMBEDDED / "restorer.json").read_text("utf-8"))
    facts = restorer.facts
    assert (facts.name, facts.version, facts.sha256) == (
        card["name"],
        card["version"],
        card["sha256"],
    )
    assert facts.licence == "Apache-2.0"
    assert facts.deterministic
    assert (facts.dtype, facts.batch_size, facts.noise_mode) == ("float32", 4, "zero")
    assert facts.template_px == 512


def test_the_file_is_small() -> None:
    assert (EMBEDDED / "restorer.safetensors").stat().st_size <= 10_000_000


def test_bytes_do_not_depend_on_neighbours_or_padding(
    restorer: EmbeddedRestorer, crops: U8
) -> None:
    together = pictures(restorer.restore(crops))
    order = [4, 2, 0, 5, 3, 1]
    permuted = pictures(restorer.restore(crops[order]))
    for place, number in enumerate(order):
        assert np.array_equal(permuted[place], together[number])
    alone = pictures(restorer.restore(crops[1:2]))
    assert np.array_equal(alone[0], together[1])


def test_it_changes_the_crop_but_not_its_colour(restorer: EmbeddedRestorer) -> None:
    level = np.linspace(60, 190, 512)[None, :, None]
    crop = np.broadcast_to(level, (512, 512, 3)).astype(np.uint8)
    (out,) = pictures(restorer.restore(crop[None]))
    means = out.reshape(-1, 3).mean(0)
    assert np.abs(means - crop.reshape(-1, 3).mean(0)).max() < 6
    assert not np.array_equal(out, crop)


def test_nan_weights_give_a_failure() -> None:
    state = dict(nets.build().state_dict())
    state["final_conv.bias"] = torch.full_like(state["final_conv.bias"], float("nan"))
    broken = EmbeddedRestorer.load(loaded(state), CPU, batch_size=1)
    (result,) = broken.restore(np.zeros((1, 512, 512, 3), np.uint8))
    assert isinstance(result, Failure)
    assert "not finite" in result.reason


def test_weights_of_another_size_are_refused() -> None:
    with pytest.raises(IntegrityError, match="do not fit"):
        EmbeddedRestorer.load(loaded(dict(nets.build(128).state_dict())), CPU)


def test_weights_that_ask_for_noise_are_refused() -> None:
    state = dict(nets.build().state_dict())
    state["stylegan_decoder.style_conv1.weight"] = torch.ones(1)
    with pytest.raises(IntegrityError, match="noise strengths must be zero"):
        EmbeddedRestorer.load(loaded(state), CPU)

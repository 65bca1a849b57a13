"""The embedded perceptual network: strict, offline, positive, zero for equal pictures, in order."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from forensics.models.load import LoadedModel, load_embedded
from forensics.models.nets.perceptual import PARAMETERS, build_perceptual
from training.perceptual.degrade import FAMILIES, degrade


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    return load_embedded("perceptual")


@pytest.fixture(scope="module")
def net(loaded: LoadedModel) -> torch.nn.Module:
    return build_perceptual(loaded.state)


def x_m11(*pictures_rgb_u8: np.ndarray) -> torch.Tensor:
    x = np.stack(pictures_rgb_u8).astype(np.float32) / 127.5 - 1
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


@pytest.fixture(scope="module")
def picture_rgb_u8() -> np.ndarray:
    cat = skimage.data.chelsea()[20:276, 100:356]
    assert cat.shape == (256, 256, 3)
    return np.ascontiguousarray(cat)


def test_it_is_lpips_alex_with_frozen_weights(net: torch.nn.Module) -> None:
    unique = {id(p): p.numel() for p in net.parameters()}
    assert sum(unique.values()) == PARAMETERS
    assert not any(p.requires_grad for p in net.parameters())
    assert not any(m.training for m in net.modules())


def test_equal_pictures_are_at_zero_and_others_are_not(
    net: torch.nn.Module, picture_rgb_u8: np.ndarray
) -> None:
    one = x_m11(picture_rgb_u8)
    assert float(net(one, one)) == 0.0
    assert float(net(one, x_m11(picture_rgb_u8[:, ::-1]))) > 0.01


@pytest.mark.parametrize("family", list(FAMILIES))
def test_worse_is_further(net: torch.nn.Module, picture_rgb_u8: np.ndarray, family: str) -> None:
    bad = [degrade(picture_rgb_u8, family, s, 3) for s in (0.1, 0.4, 0.9)]
    distance = net(x_m11(picture_rgb_u8).expand(3, -1, -1, -1), x_m11(*bad)).flatten()
    assert 0 < distance[0] < distance[1] < distance[2] < 2


def test_the_order_of_the_two_pictures_does_not_matter(
    net: torch.nn.Module, picture_rgb_u8: np.ndarray
) -> None:
    one = x_m11(picture_rgb_u8)
    two = x_m11(degrade(picture_rgb_u8, "down", 0.5, 0))
    assert float(net(one, two)) == pytest.approx(float(net(two, one)), rel=1e-6)


def test_its_gradient_leads_from_blurred_towards_sharp(
    net: torch.nn.Module, picture_rgb_u8: np.ndarray
) -> None:
    sharp = x_m11(picture_rgb_u8)
    blurred = x_m11(cv2.GaussianBlur(picture_rgb_u8, (0, 0), 3.0)).requires_grad_(True)
    first = net(blurred, sharp).sum()
    first.backward()
    assert blurred.grad is not None
    assert torch.isfinite(blurred.grad).all()
    away = (sharp - blurred).detach()
    assert float((-blurred.grad * away).sum()) > 0  # down the slope is towards the sharp picture
    nearer = (blurred + 0.2 * away).detach()
    assert float(net(nearer, sharp)) < 0.97 * float(first.detach())


def test_altered_states_are_refused(loaded: LoadedModel) -> None:
    without = {k: v for k, v in loaded.state.items() if k != "net.slice1.0.weight"}
    with pytest.raises(RuntimeError, match=r"net\.slice1\.0\.weight"):
        build_perceptual(without)
    negative = {k: v.clone() for k, v in loaded.state.items()}
    negative["lin0.model.1.weight"][0] = -1.0
    with pytest.raises(ValueError, match="negative weight"):
        build_perceptual(negative)


def test_the_card_says_what_it_is(loaded: LoadedModel) -> None:
    card = loaded.card
    assert card["role"] == "perceptual"
    assert card["parameters"] == PARAMETERS
    assert card["licence"] == "Apache-2.0"
    assert any("Not LPIPS" in line for line in card["limits"])
    assert card["bytes"] < 5_200_000
    for size in ("256_px", "512_px"):
        assert card["figures"][size]["all_in_order"] >= 0.98


def test_no_weights_are_fetched(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a download was tried")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    for name, module in list(sys.modules.items()):
        if name.startswith("torchvision") and hasattr(module, "load_state_dict_from_url"):
            monkeypatch.setattr(module, "load_state_dict_from_url", refuse)
    assert build_perceptual(loaded.state) is not None

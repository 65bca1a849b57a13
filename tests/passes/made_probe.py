"""A prober of stubs: other faces drawn as gratings, perceptual network with seeded weights."""

from __future__ import annotations

import warnings
from functools import cache
from types import SimpleNamespace
from typing import Any

import lpips
import numpy as np
import torch

from forensics.passes.probe import Prober
from forensics.restore.restorer import RestorerFacts

SHA = "7" * 64


class Gratings:
    """In place of `VariedRestorer`: the crop with fine gratings, one for each direction."""

    restorer_sha256 = SHA
    directions = 8

    def draw(self, crop_rgb_u8: np.ndarray, weights: np.ndarray) -> np.ndarray:
        x = np.arange(512)[None, :] + 2 * np.arange(512)[:, None]
        waves = np.stack([np.sin((x + 7 * k) * np.pi * (0.8 + 0.02 * k)) for k in range(8)])
        added = 60 * np.einsum("nk,kyx->nyx", weights, waves)[..., None]
        return (crop_rgb_u8 + added).astype(np.float32)


class Steady:
    """A restorer that hands its crops back; says what noise mode it has."""

    def __init__(self, sha256: str = SHA, noise_mode: str = "zero", fails: bool = False) -> None:
        self.facts = RestorerFacts("steady", "1", sha256, "none", True, "uint8", 1, noise_mode)
        self._fails = fails
        self.seeds: list[int] = []

    def restore(self, crops: Any, seeds: Any = ()) -> list[Any]:
        if self._fails:
            raise RuntimeError("not enough memory")
        self.seeds += seeds
        return [np.array(crop) for crop in crops]


@cache
def perceptual() -> lpips.LPIPS:
    """The perceptual network with seeded random weights."""
    torch.manual_seed(6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision's `pretrained`, as the builder explains
        net = lpips.LPIPS(pretrained=False, net="alex", pnet_rand=True, verbose=False)
    for name, value in net.state_dict().items():
        if name.startswith("lin"):
            value.abs_()
    return net.eval().requires_grad_(False)


def prober(restorer: Any) -> Prober:
    """A prober of stubs round a restorer (None: the reference engine)."""
    scorer: Any = SimpleNamespace(perceptual=perceptual(), device=torch.device("cpu"))
    varied: Any = Gratings()
    return Prober(restorer, varied, scorer)

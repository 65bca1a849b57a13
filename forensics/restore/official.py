"""Restore, official: GFPGAN 1.3 and 1.4 and RestoreFormer on verified weights.

Promise: what the published class draws from the same crop, weights and noise, within 1e-4 of
[-1, 1] in float32; rounded to the nearest grey level; a face's bytes do not depend on its
neighbours; a face that fails is a `Failure`, never the crop handed back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from forensics.errors import IntegrityError, UsageError
from forensics.models.load import LoadedModel
from forensics.models.nets import gfpgan, restoreformer
from forensics.models.nets.gfpgan import Gfpgan
from forensics.models.nets.restoreformer import Restoreformer
from forensics.restore.noise import Noise, drawn_noise
from forensics.restore.restorer import (
    F32,
    U8,
    Crops,
    Precision,
    RestorerFacts,
    Result,
    restore_seeded,
)

DTYPES: dict[Precision, torch.dtype] = {"exact": torch.float32, "fast": torch.bfloat16}
BATCHES = {"cpu": 1, "cuda": 8}
"""Rows a pass. A CPU is busy with one face, and more rows only leave its caches."""


class FaceNet(Protocol):
    """A network for aligned faces, with the noise it is given."""

    noise_mode: str

    def __call__(self, x_m11: Tensor, seeds: Sequence[int]) -> Tensor:
        """(B, 3, 512, 512) RGB in [-1, 1] to the same, float32, not clipped."""
        ...


class GfpganNet:
    """GFPGAN under one noise mode."""

    def __init__(self, net: Gfpgan, noise: Noise) -> None:
        self._net, self._noise = net, noise
        self.noise_mode = str(noise)

    def __call__(self, x_m11: Tensor, seeds: Sequence[int]) -> Tensor:
        """See `FaceNet`."""
        return self._net(x_m11, self._fields(seeds, x_m11))  # type: ignore[no-any-return]  # torch's

    def _fields(self, seeds: Sequence[int], x_m11: Tensor) -> list[Tensor] | None:
        if self._noise.mode == "zero":
            return None
        if self._noise.mode == "stored":
            return self._net.stored_noise()
        drawn = drawn_noise(seeds, len(x_m11), self._net.noise_sides)
        return [field.to(x_m11.device) for field in drawn]


class NoiselessNet:
    """A network without noise layers."""

    noise_mode = "none"

    def __init__(self, net: Callable[[Tensor], Tensor]) -> None:
        self._net = net

    def __call__(self, x_m11: Tensor, seeds: Sequence[int]) -> Tensor:
        """See `FaceNet`."""
        return self._net(x_m11)


class OfficialRestorer:
    """A restorer of aligned 512 px faces on one device, at one batch size and precision."""

    def __init__(
        self,
        net: FaceNet,
        model: LoadedModel,
        device: torch.device,
        precision: Precision,
        batch_size: int | None = None,
    ) -> None:
        """``net`` on ``device``, made from ``model``; ``batch_size`` None: `BATCHES`."""
        self.net, self._device = net, device
        self._facts = RestorerFacts(
            name=str(model.card["name"]),
            version=str(model.card["version"]),
            sha256=model.sha256,
            licence=str(model.card["licence"]),
            deterministic=True,
            dtype=str(DTYPES[precision]).removeprefix("torch."),
            batch_size=batch_size or BATCHES[device.type],
            noise_mode=net.noise_mode,
            precision=precision,
            memory_format="channels_last",
        )

    def stating(self, *, deterministic: bool, memory_format: str) -> OfficialRestorer:
        """This restorer with other facts, found out after it was built."""
        self._facts = replace(self._facts, deterministic=deterministic, memory_format=memory_format)
        return self

    @property
    def facts(self) -> RestorerFacts:
        """Name, version, digest, licence and numeric settings."""
        return self._facts

    def restore(self, crops_rgb_u8: Crops, seeds: Sequence[int] = ()) -> list[Result]:
        """Restore N crops (512, 512, 3) uint8 RGB; one result each.

        ``seeds``: one for each crop under noise mode seed:N, none otherwise (``ValueError``).
        """
        wanted = len(crops_rgb_u8) if self._facts.noise_mode.startswith("seed:") else 0
        if len(seeds) != wanted:
            raise ValueError(
                f"noise mode {self._facts.noise_mode} takes {wanted} seeds for "
                f"{len(crops_rgb_u8)} crops, not {len(seeds)}"
            )
        return restore_seeded(crops_rgb_u8, seeds, self._forward, self._facts.batch_size)

    def _forward(self, crops_rgb_u8: U8, seeds: Sequence[int]) -> F32:
        """(B, 512, 512, 3) uint8 to the same in float32 grey levels."""
        with torch.inference_mode():
            x_u8 = torch.from_numpy(crops_rgb_u8).to(self._device).permute(0, 3, 1, 2)
            # In upstream's order of operations, so that the network sees the very same numbers.
            x_m11 = (x_u8.float() / 255.0 - 0.5) / 0.5
            levels = (self.net(x_m11, seeds) + 1) * 127.5
            return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())


def load_gfpgan(
    model: LoadedModel,
    device: torch.device,
    precision: Precision = "exact",
    noise: Noise | None = None,
    batch_size: int | None = None,
) -> OfficialRestorer:
    """GFPGANv1Clean at full size on verified weights; ``noise`` None is the stored one.

    Raises `IntegrityError` when the weights do not fit the class.
    """
    try:
        loaded = gfpgan.published(model.state)
    except RuntimeError as error:
        raise _misfit(model, "GFPGANv1Clean", error) from error
    net = Gfpgan(loaded, DTYPES[precision], folds=device.type == "cpu").to(device)
    return OfficialRestorer(
        GfpganNet(net, noise or Noise("stored")), model, device, precision, batch_size
    )


def load_restoreformer(
    model: LoadedModel,
    device: torch.device,
    precision: Precision = "exact",
    noise: Noise | None = None,
    batch_size: int | None = None,
) -> OfficialRestorer:
    """RestoreFormer on verified weights.

    Raises `IntegrityError` when the weights do not fit the class and `UsageError` for seeded noise.
    """
    refuse_seeds(model, noise)
    try:
        loaded = restoreformer.published(model.state)
    except (RuntimeError, KeyError) as error:
        raise _misfit(model, "RestoreFormer", error) from error
    net = Restoreformer(loaded, DTYPES[precision]).to(device)
    restorer = OfficialRestorer(NoiselessNet(net), model, device, precision, batch_size)
    memory = str(net.memory).removeprefix("torch.").removesuffix("_format")
    return restorer.stating(deterministic=True, memory_format=memory)


def refuse_seeds(model: LoadedModel, noise: Noise | None) -> None:
    """Raise `UsageError` when noise is to be seeded in a network that has none."""
    if noise is not None and noise.mode == "seed":
        raise UsageError(
            f"--noise {noise}: {model.card['name']} has no noise layers, so a seed changes nothing",
            "Leave --noise out.",
        )


def _misfit(model: LoadedModel, network: str, error: Exception) -> IntegrityError:
    return IntegrityError(
        f"the weights of '{model.card['name']}' do not fit {network}: {error}",
        "Fetch the file again: forensics models fetch.",
    )

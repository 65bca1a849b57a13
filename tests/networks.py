"""Official architectures with seeded random weights, small or at full size; no download.

Noise strengths and biases, which start at zero, are random as well, so that every path counts.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from spandrel.architectures.GFPGAN.__arch.gfpganv1_clean_arch import GFPGANv1Clean
from spandrel.architectures.RestoreFormer.__arch.restoreformer_arch import RestoreFormer
from torch import Tensor, nn

from forensics.models.load import LoadedModel

CPU = torch.device("cpu")
SMALL = {
    "out_size": 128,
    "num_style_feat": 24,
    "channel_multiplier": 1,
    "narrow": 0.125,
    "input_is_latent": True,
    "different_w": True,
    "sft_half": True,
}
FULL = {"out_size": 512, "input_is_latent": True, "different_w": True, "sft_half": True} | {
    "num_style_feat": 512,
    "channel_multiplier": 2,
    "narrow": 1,
}
SMALL_FORMER = {"ch": 32, "num_res_blocks": 1, "n_embed": 32} | {
    "ch_mult": (1, 1, 1, 1, 1, 1),  # six levels, from which its loader tells that it is for 512 px
    "z_channels": 32,
    "embed_dim": 32,
}
SMALLEST_FORMER = SMALL_FORMER | {"ch_mult": (1, 1, 1), "resolution": 64}


def seeded(net: nn.Module, seed: int) -> nn.Module:
    """``net`` with every parameter that starts at zero made random, for inference."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        if not bool(parameter.detach().any()):
            parameter.data.normal_(0, 0.1, generator=generator)
    return net.eval().requires_grad_(False)


def gfpgan(seed: int = 0, **sizes: Any) -> GFPGANv1Clean:
    """spandrel's class; ``sizes`` as in `SMALL` (default) or `FULL`."""
    torch.manual_seed(seed)
    return seeded(GFPGANv1Clean(**(sizes or SMALL)), seed)


def restoreformer(seed: int = 0, **sizes: Any) -> RestoreFormer:
    """spandrel's class with a code book on the scale of what is looked up in it."""
    torch.manual_seed(seed)
    net = seeded(RestoreFormer(**sizes), seed)
    net.quantize.embedding.weight.data.normal_(0, 1)
    return net


def state_of(net: nn.Module) -> dict[str, Tensor]:
    """A copy of the tensors of ``net``."""
    return {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}


def loaded(state: dict[str, Tensor], name: str = "made") -> LoadedModel:
    """A model as the loaders give it; its digest is that of its first and last tensors."""
    digest = hashlib.sha256()
    for key in (next(iter(state)), list(state)[-1]):
        digest.update(state[key].contiguous().numpy().tobytes())
    card = {"name": name, "version": "0", "licence": "Apache-2.0", "kind": "official"}
    return LoadedModel("restorer", state, digest.hexdigest(), card)


def pictures_m11(rows: int, px: int, seed: int = 0) -> Tensor:
    """Smooth random pictures with some grain, (rows, 3, px, px) in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(rows, 3, 8, 8, generator=generator) * 1.6 - 0.8
    smooth = nn.functional.interpolate(coarse, size=(px, px), mode="bicubic")
    grain = torch.randn(rows, 3, px, px, generator=generator) * 0.05
    return (smooth + grain).clamp(-1, 1)


def crops_rgb_u8(rows: int, seed: int = 0) -> NDArray[np.uint8]:
    """The same as (rows, 512, 512, 3) uint8."""
    levels = (pictures_m11(rows, 512, seed) + 1) * 127.5
    return np.ascontiguousarray(levels.round().to(torch.uint8).permute(0, 2, 3, 1).numpy())


def rmse_share(given: Tensor, wanted: Tensor) -> float:
    """Root mean square difference over the range of ``wanted``."""
    return float((given - wanted).pow(2).mean().sqrt() / (wanted.max() - wanted.min()))

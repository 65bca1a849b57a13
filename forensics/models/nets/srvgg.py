"""The network of realesr-general-x4v3: plain convolutions at the input's size, then one shuffle.

Promise: the state dict has exactly the keys of realesrgan's ``SRVGGNetCompact`` with PReLU, and
the answer is that network's answer.

Source: Real-ESRGAN (Wang et al. 2021); names of the layers as in realesrgan
``archs/srvgg_arch.py``.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn


class CompactNet(nn.Module):
    """``num_conv`` + 2 convolutions of 3 x 3, each but the last followed by a PReLU."""

    def __init__(self, scale: int = 4, num_feat: int = 64, num_conv: int = 32) -> None:
        super().__init__()
        self.scale = scale
        layers: list[nn.Module] = [nn.Conv2d(3, num_feat, 3, 1, 1), nn.PReLU(num_feat)]
        for _ in range(num_conv):
            layers += [nn.Conv2d(num_feat, num_feat, 3, 1, 1), nn.PReLU(num_feat)]
        layers.append(nn.Conv2d(num_feat, 3 * scale**2, 3, 1, 1))
        self.body = nn.ModuleList(layers)

    @property
    def multiple_px(self) -> int:
        """Any size will do."""
        return 1

    @property
    def reach_px(self) -> int:
        """Input px that can change an output pixel, to each side (34 for x4v3)."""
        return len(self.body) // 2 + 1

    def forward(self, x_01: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) float32 RGB in [0, 1] to (B, 3, scale * H, scale * W) float32, not clipped.

        The layers compute in the dtype of their weights.
        """
        feat = x_01.to(next(self.parameters()).dtype)
        for layer in self.body:
            feat = layer(feat)
        # The network adds to the input enlarged by nearest; the sum is taken in float32.
        base = F.interpolate(x_01, scale_factor=self.scale, mode="nearest")
        return base.add_(F.pixel_shuffle(feat, self.scale))


def build_srvgg(state: Mapping[str, torch.Tensor]) -> CompactNet:
    """The network whose sizes ``state`` tells, with these weights, on the CPU, in evaluation mode.

    Raises ``ValueError`` when the sizes are no such network's and ``RuntimeError`` (torch's) when
    keys are missing, surplus or of another shape.
    """
    numbers = sorted({int(name.split(".")[1]) for name in state if name.startswith("body.")})
    if not numbers or numbers[-1] < 2 or "body.1.weight" not in state:
        raise ValueError("not the weights of a compact network with PReLU")
    num_feat = state["body.0.weight"].shape[0]
    outputs = state[f"body.{numbers[-1]}.weight"].shape[0]
    scale = round((outputs / 3) ** 0.5)
    if 3 * scale**2 != outputs:
        raise ValueError(f"the last layer has {outputs} channels: no whole enlargement")
    net = CompactNet(scale, num_feat, numbers[-1] // 2 - 1)
    net.load_state_dict(dict(state), strict=True)
    return net.eval().requires_grad_(False)

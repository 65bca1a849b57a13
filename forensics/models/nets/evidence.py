"""The evidence network: from the degraded crop alone, what each pixel of the face may have been.

Promise: for a crop at 256 px and its scale it gives, at 256, 128 and 64 px, the mean and a lower
and an upper bound of the true face's sRGB values in [0, 1].  It sees no restoration, no identity
and no neighbouring frame.  Bounds become intervals with a stated level only by the calibration in
``tables/evidence.json``.

A residual U-Net on the picture folded to 128 px: the aligned face always stands in the same place,
so a learned map is added at the two coarsest levels.  The mean is trained by squared error and by
nothing else: a perceptual, adversarial or identity term would move it off the posterior mean.
Bounds are trained by pinball loss (Koenker and Bassett 1978) as distances from the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

INPUT_PX = 256
SIZES_PX = (256, 128, 64)
WIDTHS = (48, 80, 144, 160)  # at 128, 64, 32 and 16 px
SLOPE = 0.1
SCALE_RANGE = (1.0, 32.0)  # 512-template px per native px that the network tells apart


@dataclass(frozen=True)
class Statement:
    """What the footage supports at one size: (B, 3, P, P) float32 each, lower <= mean <= upper."""

    mean: torch.Tensor
    lower: torch.Tensor
    upper: torch.Tensor


class Block(nn.Module):
    """Two 3 x 3 convolutions added to what went in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, 1, 1)
        self.two = nn.Conv2d(width, width, 3, 1, 1)
        nn.init.zeros_(self.two.weight)
        nn.init.zeros_(self.two.bias)  # type: ignore[arg-type] # a bias there is

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, width, H, W) to the same."""
        y = F.leaky_relu(self.one(F.leaky_relu(x, SLOPE)), SLOPE)
        out: torch.Tensor = self.two(y)
        return x + out


class EvidenceNet(nn.Module):
    """The network; about 2.7 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.first = nn.Conv2d(13, a, 3, 1, 1)
        self.down = nn.ModuleList([nn.Conv2d(i, o, 3, 2, 1) for i, o in ((a, b), (b, c), (c, d))])
        self.enter = nn.ModuleList([Block(a), Block(b), Block(c)])
        self.middle = nn.Sequential(Block(d), Block(d))
        self.up = nn.ModuleList([nn.Conv2d(i, o, 1) for i, o in ((d, c), (c, b), (b, a))])
        self.leave = nn.ModuleList([Block(c), Block(b), Block(a)])
        self.place32 = nn.Parameter(torch.zeros(1, c, 32, 32))
        self.place16 = nn.Parameter(torch.zeros(1, d, 16, 16))
        self.head256 = nn.Conv2d(a, 36, 3, 1, 1)
        self.head128 = nn.Conv2d(a, 9, 3, 1, 1)
        self.head64 = nn.Conv2d(b, 9, 3, 1, 1)
        for head in (self.head256, self.head128, self.head64):
            nn.init.normal_(head.weight, std=1e-3)
            nn.init.zeros_(head.bias)  # type: ignore[arg-type] # a bias there is

    def forward(self, x_01: torch.Tensor, log2_scale: torch.Tensor) -> list[torch.Tensor]:
        """(B, 3, 256, 256) in [0, 1] and (B,) to three raw answers (B, 9, P, P), finest first.

        The first three channels of an answer are added to the picture at that size; the others
        are distances of the bounds before they are made positive (`read`).
        """
        folded = F.pixel_unshuffle(x_01 * 2 - 1, 2)
        scale = (log2_scale / 5).to(folded.dtype).view(-1, 1, 1, 1)
        x = self.first(torch.cat([folded, scale.expand(-1, 1, *folded.shape[2:])], 1))
        seen = []
        for block, down in zip(self.enter, self.down, strict=True):
            x = block(x)
            seen.append(x)
            x = down(F.leaky_relu(x, SLOPE))
            if x.shape[-1] == 32:
                x = x + self.place32
        x = self.middle(x + self.place16)
        levels = []
        for up, block, skip in zip(self.up, self.leave, reversed(seen), strict=True):
            x = F.interpolate(up(x), scale_factor=2, mode="bilinear", align_corners=False)
            x = block(x + skip)
            levels.append(F.leaky_relu(x, SLOPE))
        fine, middle = levels[2], levels[1]
        return [
            F.pixel_shuffle(self.head256(fine), 2),
            self.head128(fine),
            self.head64(middle),
        ]


def read(answers: list[torch.Tensor], x_01: torch.Tensor) -> list[Statement]:
    """Raw answers of `EvidenceNet` to statements at 256, 128 and 64 px, in float32."""
    found = []
    for answer in answers:
        raw = answer.float()
        shrink = x_01.shape[-1] // raw.shape[-1]
        base = F.avg_pool2d(x_01, shrink) if shrink > 1 else x_01
        mean = base + raw[:, :3]
        # The bounds learn around the mean and do not pull at it.
        centre = mean.detach()
        # softplus(-2.97) = 0.05 is where an untrained bound stands.
        below = F.softplus(10 * raw[:, 3:6] - 2.97)
        above = F.softplus(10 * raw[:, 6:9] - 2.97)
        found.append(Statement(mean, centre - below, centre + above))
    return found


def log2_scale(scale: torch.Tensor) -> torch.Tensor:
    """log2 of the crop's scale, held within `SCALE_RANGE`."""
    return torch.log2(scale.clamp(*SCALE_RANGE))


def build_evidence(state: dict[str, torch.Tensor]) -> EvidenceNet:
    """The network with these weights, for inference.

    Raises ``RuntimeError`` when the weights do not fit.
    """
    net = EvidenceNet()
    net.load_state_dict(state, strict=True)
    return net.eval().requires_grad_(False)

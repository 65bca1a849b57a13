"""What directions are trained for: answers that differ where the footage decides nothing.

All pictures are RGB in [-1, 1] at the network's 256 px; ``side`` is the face's side in the footage.
The perceptual network appears as a limit alone (an answer may not move away from the truth), never
as what is enlarged: the benchmark measures the spread with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import lpips
import torch
import torch.nn.functional as F
from torch import Tensor

SPREAD = 0.25  # of what two independent true faces would differ by, in the part left open
SLACK = 0.08  # how much further from the truth than the restorer's own answer an answer may be
WEIGHTS = {"spread": 1.0, "cover": 1.0, "near": 4.0}
ROUNDS = 3  # of the projection


def left_open(picture: Tensor, side: int) -> Tensor:
    """The part of pictures (N, 3, 256, 256) that vanishes when they are shrunk to ``side`` px."""
    for _ in range(ROUNDS):
        small = F.adaptive_avg_pool2d(picture, side)
        picture = picture - F.interpolate(
            small, size=picture.shape[-2:], mode="bicubic", align_corners=False
        )
    return picture


def energy(picture: Tensor, mask: Tensor) -> Tensor:
    """Energy (N,) within ``mask`` (256, 256), over three scales: visible change counts most."""
    total = picture.new_zeros(len(picture))
    for level in range(3):
        size = 2**level
        part = F.avg_pool2d(picture, size) if level else picture
        here = F.avg_pool2d(mask[None, None], size)[0, 0] if level else mask
        total = total + size * (part.square().mean(1) * here).sum((1, 2)) / here.sum()
    return total


@dataclass(frozen=True)
class Terms:
    """The parts of the loss of one step, and the share of the spread that was reached."""

    spread: Tensor
    cover: Tensor
    near: Tensor
    reached: float

    @property
    def total(self) -> Tensor:
        """What is minimised."""
        return (
            WEIGHTS["spread"] * self.spread
            + WEIGHTS["cover"] * self.cover
            + WEIGHTS["near"] * self.near
        )


def terms(
    own: Tensor, answers: Tensor, truth: Tensor, side: int, mask: Tensor, judge: lpips.LPIPS
) -> Terms:
    """The loss of one face: its own answer (1, 3, P, P), N others, and the truth (1, 3, P, P)."""
    moved = left_open(answers - own, side)
    missing = left_open(truth - own, side)
    unit = energy(missing, mask)[0].clamp_min(1e-8)
    pairs = [moved[i : i + 1] - moved[j : j + 1] for i, j in combinations(range(len(moved)), 2)]
    ratio = energy(torch.cat(pairs), mask) / (2 * unit)
    spread = F.relu(torch.log(torch.tensor(SPREAD)) - torch.log(ratio + 1e-6)).mean()
    # One of the answers should come near the truth, not all of them: so the directions learn what
    # true faces have and the restorer leaves out.
    cover = (energy(missing - moved, mask) / unit).min()
    drawn = torch.cat([own, own + moved]).clamp(-1, 1)
    distance = judge(drawn, truth.expand_as(drawn)).flatten()
    near = F.relu(distance[1:] / distance[0].detach() - (1 + SLACK)).mean()
    return Terms(spread, cover, near, float(ratio.detach().mean()))

"""Losses that the recipes share: pixel, gradient, adversarial. All take RGB in [-1, 1]."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import nn


def charbonnier(x_m11: torch.Tensor, y_m11: torch.Tensor, eps: float = 1e-3) -> torch.Tensor:
    """Smooth L1: mean of sqrt(d^2 + eps^2) - eps. Range [0, 2]."""
    return ((x_m11 - y_m11).pow(2) + eps * eps).sqrt().mean() - eps


def gradients(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Differences to the right and downward neighbour."""
    return x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]


def gradient_loss(x_m11: torch.Tensor, y_m11: torch.Tensor, levels: int = 3) -> torch.Tensor:
    """L1 between picture gradients at ``levels`` scales, each half the one before."""
    total = x_m11.new_zeros(())
    for level in range(levels):
        if level:
            x_m11, y_m11 = F.avg_pool2d(x_m11, 2), F.avg_pool2d(y_m11, 2)
        for a, b in zip(gradients(x_m11), gradients(y_m11), strict=True):
            total = total + (a - b).abs().mean()
    return total / levels


class PatchDiscriminator(nn.Module):
    """A small patch critic with spectral normalisation: logits (B, 1, h, w)."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        sizes = (3, width, width * 2, width * 4)
        for a, b in itertools.pairwise(sizes):
            conv = nn.Conv2d(a, b, 4, 2, 1)
            layers += [nn.utils.parametrizations.spectral_norm(conv), nn.LeakyReLU(0.2, True)]
        layers += [
            nn.utils.parametrizations.spectral_norm(nn.Conv2d(sizes[-1], sizes[-1], 3, 1, 1)),
            nn.LeakyReLU(0.2, True),
            nn.Conv2d(sizes[-1], 1, 3, 1, 1),
        ]
        self.net = nn.Sequential(*layers)

    def forward(self, x_m11: torch.Tensor) -> torch.Tensor:
        return self.net(x_m11)  # type: ignore[no-any-return]


def generator_loss(fake_logits: torch.Tensor) -> torch.Tensor:
    """Non-saturating: softplus(-D(fake))."""
    return F.softplus(-fake_logits.float()).mean()


def critic_loss(real_logits: torch.Tensor, fake_logits: torch.Tensor) -> torch.Tensor:
    """Non-saturating: softplus(-D(real)) + softplus(D(fake))."""
    return F.softplus(-real_logits.float()).mean() + F.softplus(fake_logits.float()).mean()


def r1_penalty(critic: nn.Module, real_m11: torch.Tensor) -> torch.Tensor:
    """Mean squared gradient norm of the critic at real pictures (Mescheder et al., 2018)."""
    real = real_m11.detach().float().requires_grad_(True)
    (slope,) = torch.autograd.grad(
        critic(real).float().mean((1, 2, 3)).sum(), real, create_graph=True
    )
    return slope.pow(2).sum((1, 2, 3)).mean()

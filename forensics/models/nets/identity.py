"""Face embedding network: one small residual net for `appearance` and for `identity`.

Both roles share this architecture and differ in how they were trained (``training/appearance``).
The input is the ArcFace-like window of an FFHQ-512 crop: rows and columns 56 to 456, shrunk by area
to 112x112, which puts the eyes 35 px apart.  Own layout after the residual design of He et al.
(2016) with the depthwise 7x7 read-out of MobileFaceNet (Chen et al. 2018).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

INPUT_PX = 112
WINDOW_512 = (56, 456)  # rows and columns of the 512 template that the network sees
DIMENSION = 128
MIDDLE = (slice(16, 96), slice(24, 88))  # of the input: hardly anything but face
# The light the networks were trained in: 90 % of their training views have a middle of this mean
# and at least this contrast (``python -m training.appearance.across``).
MEAN_LIGHT = (90.0, 178.0)
LEAST_CONTRAST = 17.0
NO_CONTRAST = 0.5  # grey levels; less is rounding


def light(rgb: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and contrast (standard deviation), grey levels, of the middle of a window."""
    grey = rgb[MIDDLE].mean(2, dtype=np.float64)
    return float(grey.mean()), float(grey.std())


def in_light(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """A face too dark, too bright or too flat for the network, brought into its light.

    (112, 112, 3) float32 0..255 in and out; within the light of the training it comes back as it
    is.  Left in the dark, all faces are one to these networks: at a fifth of the light the cosine
    of two strangers was 0.99.
    """
    mean, contrast = light(rgb)
    level = float(np.clip(mean, *MEAN_LIGHT))
    gain = max(1.0, LEAST_CONTRAST / max(contrast, NO_CONTRAST))
    if gain == 1.0 and level == mean:
        return rgb
    lit = (rgb.astype(np.float64) - mean) * gain + level
    return np.asarray(np.clip(lit, 0.0, 255.0), np.float32)


class Residual(nn.Module):
    """Two 3x3 convolutions with a skip; keeps size and channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same shape."""
        out: torch.Tensor = torch.relu(x + self.body(x))
        return out


def shrink(inner: int, outer: int) -> nn.Sequential:
    """3x3 convolution of stride 2, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inner, outer, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outer),
        nn.ReLU(inplace=True),
    )


class FaceNet112(nn.Module):
    """112x112 RGB in [-1, 1] to a 128-d unit vector; 0.65 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            shrink(3, 24),  # 56
            shrink(24, 48),  # 28
            Residual(48),
            shrink(48, 80),  # 14
            Residual(80),
            Residual(80),
            shrink(80, 112),  # 7
            Residual(112),
        )
        self.readout = nn.Sequential(
            nn.Conv2d(112, 112, 7, groups=112, bias=False), nn.BatchNorm2d(112), nn.Flatten()
        )
        self.embed = nn.Linear(112, DIMENSION, bias=False)
        self.level = nn.BatchNorm1d(DIMENSION, affine=False)

    def forward(self, x_m11: torch.Tensor) -> torch.Tensor:
        """(N, 3, 112, 112) float in [-1, 1] to (N, 128) rows of length 1."""
        features = self.level(self.embed(self.readout(self.trunk(x_m11)).float()))
        return nn.functional.normalize(features, dim=1)


def build_identity(state: Mapping[str, torch.Tensor]) -> FaceNet112:
    """The network with ``state`` loaded strictly, in evaluation mode, without gradients.

    Raises `RuntimeError` (from torch) when keys or shapes do not match.
    """
    net = FaceNet112()
    net.load_state_dict(dict(state), strict=True)
    return net.eval().requires_grad_(False)

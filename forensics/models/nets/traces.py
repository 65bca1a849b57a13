"""The traces network: whether the face of a picture was drawn anew and what is around it was not.

Promise: for a picture with a face, on the picture's own grid, one number; above 0 it has more of a
face that a restorer drew, and it is no probability.  It sees no restoration and no other frame.

Small convolutions at four sizes; at each size every channel's mean and spread are taken inside the
face, on its seam, in the ring of hair, ears and neck around it, and beyond.  What decides is how
these zones differ, so that a sharp, smooth or coded picture as a whole is no trace.  The idea of
taking out a picture's smooth part first is that of steganalysis (Fridrich and Kodovsky 2012).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

WIDTHS = (16, 24, 32, 48)
ZONES = 4  # face, seam, ring, beyond
PLACE = 4  # channels that say where a pixel lies: radius, across, down, eye distance
HIDDEN = 48
SLOPE = 0.1
FINE_GREY = 5.0  # grey levels at which fine detail begins to saturate


@dataclass(frozen=True)
class Placed:
    """A picture as the network is given it; H, W as decoded.

    ``levels`` (1, 3, H, W) grey levels 0 to 255, RGB; ``place`` (1, 4, H, W) the radius from the
    middle of the face's oval (1 on it), the place across and down in half templates, and the log2
    of the eye distance over 32 px; ``zones`` (1, 4, H, W) 1 where a pixel belongs to the zone.
    All float32.
    """

    levels: torch.Tensor
    place: torch.Tensor
    zones: torch.Tensor


class TracesNet(nn.Module):
    """The network; about 0.1 million parameters."""

    soften: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.first = nn.ModuleList([nn.Conv2d(6, a, 3, 1, 1), nn.Conv2d(a, a, 3, 1, 1)])
        self.down = nn.ModuleList(
            nn.Conv2d(i + PLACE, o, 3, 2, 1) for i, o in ((a, b), (b, c), (c, d))
        )
        self.level = nn.ModuleList(nn.Conv2d(o, o, 3, 1, 1) for o in (b, c, d))
        read = sum(WIDTHS) * 2 * ZONES + ZONES + 1
        self.weigh = nn.Linear(read, HIDDEN)
        self.tell = nn.Linear(HIDDEN, 1)
        line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        kernel = (line[:, None] * line[None]).expand(3, 1, 5, 5).clone()
        self.register_buffer("soften", kernel, persistent=False)

    def forward(self, given: Placed) -> torch.Tensor:
        """One picture to one number (1,)."""
        return self.decide(self.read(given))

    def read(self, given: Placed) -> torch.Tensor:
        """What the zones hold at each size: (1, values)."""
        smooth = F.conv2d(F.pad(given.levels, (2, 2, 2, 2), "replicate"), self.soften, groups=3)
        fine = torch.tanh((given.levels - smooth) / FINE_GREY)
        x = torch.cat([(given.levels - 128) / 64, fine], 1)
        x = x.contiguous(memory_format=torch.channels_last)  # twice as fast on a CPU
        for layer in self.first:
            x = F.leaky_relu(layer(x), SLOPE)
        found = [_zone_values(x, given.zones)]
        for down, level in zip(self.down, self.level, strict=True):
            place = F.adaptive_avg_pool2d(given.place, (x.shape[-2], x.shape[-1]))
            x = F.leaky_relu(down(torch.cat([x, place], 1)), SLOPE)
            x = x + F.leaky_relu(level(x), SLOPE)
            zones = F.adaptive_avg_pool2d(given.zones, (x.shape[-2], x.shape[-1]))
            found.append(_zone_values(x, zones))
        share = given.zones.mean((2, 3))
        found += [share, given.place[:, 3, 0, 0][:, None]]
        return torch.cat(found, 1)

    def decide(self, values: torch.Tensor) -> torch.Tensor:
        """(N, values) to (N,)."""
        out: torch.Tensor = self.tell(F.leaky_relu(self.weigh(values), SLOPE))
        return out[:, 0]


def _zone_values(x: torch.Tensor, zones: torch.Tensor) -> torch.Tensor:
    """Mean and standard deviation of each channel in each zone; 0 where a zone is absent."""
    total = zones.sum((2, 3))  # (1, Z)
    some = total.clamp_min(1e-3)[..., None]
    mean = torch.einsum("nchw,nzhw->nzc", x, zones) / some
    square = torch.einsum("nchw,nzhw->nzc", x.square(), zones) / some
    spread = (square - mean.square()).clamp_min(1e-6).sqrt()
    there = (total > 1e-3)[..., None]
    return torch.cat([mean * there, spread * there], 2).flatten(1)


def build_traces(state: Mapping[str, torch.Tensor]) -> TracesNet:
    """The network with these weights, on the CPU, in evaluation mode, without gradients.

    Raises `RuntimeError` (torch's) when keys are missing, surplus or of another shape.
    """
    net = TracesNet()
    net.load_state_dict(dict(state), strict=True)
    return net.eval().requires_grad_(False)

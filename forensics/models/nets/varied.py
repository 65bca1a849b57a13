"""The embedded restorer with its latent moved: other answers of the same network to one crop.

The latent is what the network decides a face by: the style codes of all layers, the summary of
the face at 4 x 4 that its encoder ends in, and the 4 x 4 picture that its decoder starts from.
Promise: with an offset of zero the answer is the restorer's own, up to the rounding of float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from spandrel.architectures.GFPGAN.__arch.gfpganv1_clean_arch import GFPGANv1Clean
from torch import Tensor

from forensics.models.nets.restorer import NUM_STYLE_FEAT

PARTS: Final = ("style", "summary", "start")
SHAPES: Final[Mapping[str, tuple[int, ...]]] = {
    "style": (14, NUM_STYLE_FEAT),
    "summary": (64, 4, 4),
    "start": (128, 4, 4),
}
"""Shape of each part of the latent, without the number of directions before it."""


@dataclass(frozen=True)
class Offset:
    """What is added to the latent, for N answers; each part (N, ...) as in `SHAPES`."""

    style: Tensor
    summary: Tensor
    start: Tensor


def offset(directions: Mapping[str, Tensor], weights: Tensor) -> Offset:
    """The offset that ``weights`` (N, K) along K directions make.

    ``directions``: each part (K, ...).  Raises `ValueError` for parts of another shape.
    """
    check_directions(directions)
    moved = {name: torch.einsum("nk,k...->n...", weights, directions[name]) for name in PARTS}
    return Offset(**moved)


def check_directions(directions: Mapping[str, Tensor]) -> None:
    """Raise ``ValueError`` unless every part is there, in its shape, with the same count."""
    found = {name: tuple(value.shape) for name, value in directions.items()}
    counts = {shape[0] for shape in found.values() if shape}
    if set(found) != set(PARTS) or len(counts) != 1:
        raise ValueError(f"directions must hold {PARTS} with one count, hold {found}")
    for name, shape in found.items():
        if shape[1:] != SHAPES[name]:
            raise ValueError(f"directions {name} must be (K, {SHAPES[name]}), is {shape}")


def varied_residuals(net: GFPGANv1Clean, x_m11: Tensor, moved: Offset) -> Tensor:
    """N answers to one crop: (1, 3, 256, 256) RGB in [-1, 1] to (N, 3, 256, 256), to be added.

    The encoder's way down runs once; what follows it runs for each of the N offsets.
    """
    count = len(moved.style)
    feature = F.leaky_relu(net.conv_body_first(x_m11), 0.2)
    passed: list[Tensor] = []
    for block in net.conv_body_down:
        feature = block(feature)
        passed.append(feature)
    feature = F.leaky_relu(net.final_conv(feature), 0.2)
    style = net.final_linear(feature.flatten(1)).view(1, -1, net.num_style_feat) + moved.style
    feature = feature + moved.summary
    conditions: list[tuple[Tensor, Tensor]] = []
    for block, scale, shift in zip(
        net.conv_body_up, net.condition_scale, net.condition_shift, strict=True
    ):
        feature = block(feature + passed.pop())
        conditions.append((scale(feature), shift(feature)))
    return _decoded(net.stylegan_decoder, style, conditions, moved.start.expand(count, -1, -1, -1))


def _decoded(
    decoder: Any, style: Tensor, conditions: list[tuple[Tensor, Tensor]], start: Tensor
) -> Tensor:
    """The decoder's way from its 4 x 4 start to the picture, as spandrel's class goes it."""
    x = decoder.constant_input.weight + start
    x = decoder.style_conv1(x, style[:, 0])
    rgb: Tensor = decoder.to_rgb1(x, style[:, 1])
    for k, (scale, shift) in enumerate(conditions):
        x = decoder.style_convs[2 * k](x, style[:, 2 * k + 1])
        x = x * scale + shift
        x = decoder.style_convs[2 * k + 1](x, style[:, 2 * k + 2])
        rgb = decoder.to_rgbs[k](x, style[:, 2 * k + 3], rgb)
    return rgb

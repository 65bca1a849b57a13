"""GFPGANv1Clean (GFPGAN 1.2 to 1.4) for inference: the published network, its passes rearranged.

Promise: weights load strictly into the published class (285 keys at full size), and the picture
equals that class's with ``return_rgb=False`` and the same noise up to rounding.

What is done otherwise than upstream (`gfpgan/archs/gfpganv1_clean_arch.py`,
`stylegan2_clean_arch.py`), without changing what is computed:

- modulated convolutions scale activations or fold the kernel (`forensics.models.nets.modulated`);
- noise is an input of the network, never drawn inside it;
- the encoder's side pictures, which only training looks at, are not computed;
- a bilinear halving is the mean of 2 x 2, and a 1 x 1 convolution goes before the enlargement that
  follows it, where it costs a quarter (both are linear, so the order does not matter).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from spandrel.architectures.GFPGAN.__arch.gfpganv1_clean_arch import GFPGANv1Clean
from torch import Tensor, nn

from forensics.models.nets.modulated import (
    GAIN,
    SLOPE,
    ModulatedLayer,
    RectifiedConv,
    cast,
    enlarged_twice,
)

KEYS = 285
FOLD_FROM_PX = 64
"""Side from which a style layer's kernel is folded on a CPU: the picture outweighs the kernel."""


def published(state: Mapping[str, Tensor]) -> GFPGANv1Clean:
    """The published class at full size with ``state`` loaded strictly, on the CPU, for inference.

    Raises RuntimeError (torch's) naming keys that are missing, surplus or of another shape.
    """
    with torch.device("meta"):
        net = GFPGANv1Clean()
    net.load_state_dict(dict(state), strict=True, assign=True)
    return net.eval().requires_grad_(False)


class HalvingBlock(nn.Module):
    """Residual block of the encoder's way down: half the side."""

    def __init__(self, loaded: Any) -> None:
        super().__init__()
        self.conv1, self.conv2 = RectifiedConv(loaded.conv1), RectifiedConv(loaded.conv2)
        self.skip = loaded.skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H/2, W/2)."""
        y: Tensor = self.conv2(F.avg_pool2d(self.conv1(x), 2))
        return y.add_(self.skip(F.avg_pool2d(x, 2)))


class DoublingBlock(nn.Module):
    """Residual block of the encoder's way up: twice the side."""

    def __init__(self, loaded: Any) -> None:
        super().__init__()
        self.conv1, self.conv2 = RectifiedConv(loaded.conv1), RectifiedConv(loaded.conv2)
        self.skip = loaded.skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', 2H, 2W)."""
        y: Tensor = self.conv2(enlarged_twice(self.conv1(x)))
        return y.add_(enlarged_twice(self.skip(x)))


class StyleLayer(nn.Module):
    """Modulated convolution, noise, bias, rectifier."""

    def __init__(self, loaded: Any, dtype: torch.dtype, folds: bool) -> None:
        super().__init__()
        self.conv = ModulatedLayer(loaded.modulated_conv, loaded.bias, GAIN, dtype, folds)
        self.register_buffer("strength", loaded.weight.detach().float())

    strength: Tensor

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        """``noise`` (1 or B, 1, H', W') float32 of unit strength, or None for none."""
        y: Tensor = self.conv(x, style)
        if noise is not None:
            y.add_((noise * self.strength).to(y.dtype))
        return F.leaky_relu_(y, SLOPE)


class Gfpgan(nn.Module):
    """The network, made from a loaded published one, whose tensors it takes over.

    ``dtype``: float32 (exact) or bfloat16 (fast). ``folds``: fold kernels of large pictures (CPU).
    """

    def __init__(self, loaded: GFPGANv1Clean, dtype: torch.dtype, folds: bool) -> None:
        super().__init__()
        self.dtype = dtype
        self.style_feats = int(loaded.num_style_feat)
        self.different_w = bool(loaded.different_w)
        self.first = RectifiedConv(loaded.conv_body_first)
        self.final = RectifiedConv(loaded.final_conv)
        self.down = nn.ModuleList(HalvingBlock(b) for b in loaded.conv_body_down)
        self.up = nn.ModuleList(DoublingBlock(b) for b in loaded.conv_body_up)
        self.scales, self.shifts = (
            nn.ModuleList(nn.Sequential(RectifiedConv(part[0]), part[2]) for part in parts)
            for parts in (loaded.condition_scale, loaded.condition_shift)
        )
        self.to_style = loaded.final_linear
        for part in (self.first, self.final, self.down, self.up, self.scales, self.shifts):
            cast(part, dtype)
        self.to_style.to(dtype=dtype)
        self._take_decoder(loaded, dtype, folds)

    constant: Tensor

    def _take_decoder(self, loaded: GFPGANv1Clean, dtype: torch.dtype, folds: bool) -> None:
        decoder = loaded.stylegan_decoder
        # `sft_half`: the conditions act on the second half of the channels alone.
        self.half_conditioned = bool(decoder.sft_half)
        self.register_buffer("constant", decoder.constant_input.weight.detach().to(dtype))
        self.style1 = StyleLayer(decoder.style_conv1, dtype, False)
        self.rgb1 = _to_rgb(decoder.to_rgb1, dtype, False)
        sides = [2 ** (3 + k // 2) for k in range(len(decoder.style_convs))]
        self.styles = nn.ModuleList(
            StyleLayer(layer, dtype, folds and side >= FOLD_FROM_PX)
            for layer, side in zip(decoder.style_convs, sides, strict=True)
        )
        self.rgbs = nn.ModuleList(
            _to_rgb(layer, dtype, folds and side >= FOLD_FROM_PX)
            for layer, side in zip(decoder.to_rgbs, sides[::2], strict=True)
        )
        self.noise_sides = (4, *sides)
        for number in range(decoder.num_layers):
            stored = getattr(decoder.noises, f"noise{number}").detach().float()
            self.register_buffer(f"noise{number}", stored)

    def stored_noise(self) -> list[Tensor]:
        """The noise that the weight file holds: one (1, 1, side, side) a style layer."""
        return [getattr(self, f"noise{number}") for number in range(len(self.noise_sides))]

    def forward(self, x_m11: Tensor, noise: Sequence[Tensor] | None) -> Tensor:
        """(B, 3, P, P) RGB in [-1, 1] to the same, float32, not clipped.

        ``noise``: one tensor a style layer, (1 or B, 1, side, side) for `noise_sides`; None is
        noise of strength zero.
        """
        style, conditions = self._encode(x_m11)
        fields = [None] * len(self.noise_sides) if noise is None else list(noise)
        x = self.constant.expand(len(x_m11), -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.style1(x, style[:, 0], fields[0])
        rgb = self.rgb1(x, style[:, 1])
        for k, (scale, shift) in enumerate(conditions):
            x = self.styles[2 * k](x, style[:, 2 * k + 1], fields[2 * k + 1])
            x = self._conditioned(x, scale, shift)
            x = self.styles[2 * k + 1](x, style[:, 2 * k + 2], fields[2 * k + 2])
            rgb = self.rgbs[k](x, style[:, 2 * k + 3]).add_(enlarged_twice(rgb))
        picture: Tensor = rgb.float()
        return picture

    def _encode(self, x_m11: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Style codes (B, layers, num_style_feat) float32, and a scale and shift for each side."""
        x = x_m11.to(dtype=self.dtype, memory_format=torch.channels_last)
        x = self.first(x)
        passed: list[Tensor] = []
        for block in self.down:
            x = block(x)
            passed.append(x)
        x = self.final(x)
        # The code was trained on features in channel order, which channels-last memory is not.
        style = self.to_style(x.contiguous().flatten(1)).float()
        style = style.view(len(x), -1, self.style_feats) if self.different_w else style[:, None]
        conditions = []
        for block, scale, shift in zip(self.up, self.scales, self.shifts, strict=True):
            x = block(x.add_(passed.pop()))
            conditions.append((scale(x), shift(x)))
        if not self.different_w:
            style = style.expand(-1, 2 * len(conditions) + 2, -1)
        return style, conditions

    def _conditioned(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """``x * scale + shift``, on the second half of the channels where the network does so."""
        part = x[:, x.shape[1] // 2 :] if self.half_conditioned else x
        torch.addcmul(shift, part, scale, out=part)
        return x


def _to_rgb(loaded: Any, dtype: torch.dtype, folds: bool) -> ModulatedLayer:
    return ModulatedLayer(loaded.modulated_conv, loaded.bias, 1.0, dtype, folds)

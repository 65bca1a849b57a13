"""Modulated convolutions (StyleGAN2) as GFPGAN uses them, in two forms that cost less.

Promise: each form equals spandrel's `ModulatedConv2d` up to the rounding of float32, with the
same parameters under the same names.

The published form builds one kernel a sample, ``W * s``, divides it by its norm and convolves in
groups.  Both forms here keep one shared kernel ``W`` and a table of its energies:

- scaled: ``demod * conv(x * s, W)``, any number of rows at once (the idea is public: GFPGAN
  discussion 184);
- folded: ``conv(x, W * s * demod)``, a row at a time, which costs less where a picture is larger
  than the kernel, because nothing has to pass over the picture again.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from spandrel.architectures.GFPGAN.__arch.stylegan2_clean_arch import ModulatedConv2d
from torch import Tensor, nn

log = logging.getLogger(__name__)

GAIN = 2**0.5  # of every style convolution, before its bias
SLOPE = 0.2  # of every leaky rectifier


def kernel_energies(kernel: Tensor) -> Tensor:
    """Sums of squares over the taps of a kernel (C_out, C, k, k): (C_out, C) float32."""
    return kernel.float().pow(2).sum((2, 3))


def demodulation(scale: Tensor, energies: Tensor, eps: float) -> Tensor:
    """What brings each output channel back to unit strength: (B, C_out) float32.

    ``scale`` (B, C), ``energies`` (C_out, C).  Float32 whatever the network's format is: the sum
    of squares is what keeps a layer's output in range.
    """
    return torch.rsqrt(scale.float().pow(2) @ energies.t() + eps)


class RectifiedConv(nn.Module):
    """A 3 x 3 or 1 x 1 convolution, stride 1, and the leaky rectifier after it."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv, self.padding = conv, conv.kernel_size[0] // 2

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C_out, H, W)."""
        weight, bias = self.conv.weight, self.conv.bias
        if x.device.type == "cpu" and joins_rectifier(x.dtype):
            return _joined(x, weight, bias, self.padding)
        return F.leaky_relu_(F.conv2d(x, weight, bias, padding=self.padding), SLOPE)


@cache
def joins_rectifier(dtype: torch.dtype) -> bool:
    """Whether this torch convolves and rectifies in one pass on a CPU, and does it rightly.

    The operation is torch's own but private (its compiler uses it), so it is tried before use.
    Bits are those of two passes in float32; bfloat16 is rounded once less.
    """
    # The seed of the caller's own numbers is left alone.
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(8, 8, 3, 3, generator=generator).to(dtype) for _ in range(2))
    bias = torch.randn(8, generator=generator).to(dtype)
    wanted = F.leaky_relu(F.conv2d(x.float(), weight.float(), bias.float(), padding=1), SLOPE)
    try:
        got = _joined(x, weight, bias, 1).float()
    except (AttributeError, RuntimeError, TypeError) as error:
        log.warning("convolution and rectifier run apart, which takes longer: %s", error)
        return False
    return bool(torch.allclose(got, wanted, rtol=1e-2, atol=1e-2 * float(wanted.abs().max())))


def _joined(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    pads, ones = [padding, padding], [1, 1]
    joined: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, pads, ones, ones, 1, "leaky_relu", [SLOPE], ""
    )
    return joined


def enlarged_twice(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2H, 2W), bilinear, pixel centres aligned."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def cast(part: nn.Module, dtype: torch.dtype) -> None:
    """Parameters of ``part`` to ``dtype``, its four-dimensional ones to channels-last memory."""
    part.to(dtype=dtype)
    part.to(memory_format=torch.channels_last)


class ScaledConv2d(ModulatedConv2d):  # type: ignore[misc]  # spandrel is untyped
    """The scaled form on spandrel's own parameters, for training and for small networks.

    No parameter is added or renamed.
    """

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Convolve ``x`` (B, C, H, W) under ``style`` (B, num_style_feat): (B, C_out, H', W')."""
        scale = self.modulation(style)  # (B, C)
        kernel = self.weight[0]  # (C_out, C, k, k)
        x = x * scale[:, :, None, None].to(x.dtype)
        if self.sample_mode == "upsample":
            x = enlarged_twice(x)
        y = F.conv2d(x, kernel, padding=self.padding)
        if not self.demodulate:
            return y
        demod = demodulation(scale, kernel_energies(kernel), self.eps)
        return y * demod[:, :, None, None].to(y.dtype)


class ModulatedLayer(nn.Module):
    """One modulated convolution with its bias, made for inference from a loaded published one.

    Its kernel is stored in four dimensions, so that channels-last memory works, and the energies
    are computed once.  Kernel, energies and modulation are float32; what meets the picture is cast
    to the picture's format.
    """

    kernel: Tensor
    energies: Tensor
    bias: Tensor

    def __init__(
        self, loaded: Any, bias: Tensor, gain: float, dtype: torch.dtype, folds: bool
    ) -> None:
        """``loaded``: spandrel's `ModulatedConv2d`; ``gain`` multiplies it, ``bias`` is added.

        ``folds``: whether rows are convolved one by one with a folded kernel.
        """
        super().__init__()
        self.modulation = loaded.modulation
        self.eps, self.padding = float(loaded.eps), int(loaded.padding)
        self.demodulates = bool(loaded.demodulate)
        self.enlarges = loaded.sample_mode == "upsample"
        self.gain, self.folds = gain, folds
        kernel = loaded.weight.detach()[0].float().contiguous(memory_format=torch.channels_last)
        self.register_buffer("energies", kernel_energies(kernel))
        self.register_buffer("bias", bias.detach().reshape(-1).to(dtype))
        # A folded kernel is cast after folding: the product is rounded once, not twice.
        self.register_buffer("kernel", kernel if folds else kernel.to(dtype))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Convolve ``x`` (B, C, H, W) under ``style`` (B, num_style_feat) float32."""
        scale = self.modulation(style)
        out_scale = torch.full_like(scale[:, :1], self.gain)
        if self.demodulates:
            out_scale = demodulation(scale, self.energies, self.eps) * self.gain
        if self.enlarges:
            x = enlarged_twice(x)
        return (
            self._folded(x, scale, out_scale) if self.folds else self._scaled(x, scale, out_scale)
        )

    def _scaled(self, x: Tensor, scale: Tensor, out_scale: Tensor) -> Tensor:
        x = x * scale[:, :, None, None].to(x.dtype)
        y = F.conv2d(x, self.kernel, padding=self.padding)
        return torch.addcmul(self.bias[:, None, None], y, out_scale[:, :, None, None].to(y.dtype))

    def _folded(self, x: Tensor, scale: Tensor, out_scale: Tensor) -> Tensor:
        rows = []
        for row, s, d in zip(torch.split(x, 1), scale, out_scale, strict=True):
            kernel = (self.kernel * (d[:, None] * s)[:, :, None, None]).to(x.dtype)
            rows.append(F.conv2d(row, kernel, self.bias, padding=self.padding))
        return rows[0] if len(rows) == 1 else torch.cat(rows)

"""RestoreFormer for inference: the published network with its training-only work left out.

Promise: weights load strictly into the published class, and the picture equals that class's up to
rounding.  Codes are chosen in float32 whatever the precision is: a code that flips is another face,
not a rounding.

Source: `gfpgan/archs/restoreformer_arch.py`; the class is spandrel's copy.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from spandrel.architectures.RestoreFormer import RestoreFormerArch
from spandrel.architectures.RestoreFormer.__arch.restoreformer_arch import (
    ResnetBlock,
    RestoreFormer,
    VectorQuantizer,
)
from torch import Tensor, nn


def published(state: Mapping[str, Tensor]) -> RestoreFormer:
    """The published class, sized by ``state``, which is loaded strictly; on the CPU, for inference.

    Raises RuntimeError (torch's) naming keys that are missing, surplus or of another shape, and
    KeyError when ``state`` lacks what tells the sizes.
    """
    net = RestoreFormerArch().load(dict(state)).model
    return net.eval().requires_grad_(False)


class LeanBlock(ResnetBlock):  # type: ignore[misc]  # spandrel is untyped
    """Residual block without time embedding or dropout, neither of which inference has."""

    def forward(self, x: Tensor, temb: None) -> Tensor:
        """(B, C, H, W) to (B, C', H, W)."""
        y = self.conv1(F.silu(self.norm1(x), inplace=True))
        y = self.conv2(F.silu(self.norm2(y), inplace=True))
        if self.in_channels != self.out_channels:
            x = self.conv_shortcut(x) if self.use_conv_shortcut else self.nin_shortcut(x)
        summed: Tensor = y.add_(x)
        return summed


class NearestCode(nn.Module):
    """The entry of the code book nearest to each feature, in float32; no loss, no statistics."""

    codes: Tensor

    def __init__(self, loaded: VectorQuantizer) -> None:
        super().__init__()
        self.register_buffer("codes", loaded.embedding.weight.detach().float())

    def forward(self, z: Tensor) -> Tensor:
        """(B, C, H, W) to the same, in float32."""
        rows = z.float().permute(0, 2, 3, 1)
        flat = rows.reshape(-1, rows.shape[-1])
        squares = flat.pow(2).sum(1, keepdim=True) + self.codes.pow(2).sum(1)
        nearest = torch.argmin(squares - 2 * flat @ self.codes.t(), dim=1)
        found = self.codes[nearest].view(rows.shape)
        # Upstream's way of writing it rounds, and so must ours.
        return (rows + (found - rows)).permute(0, 3, 1, 2)


class Restoreformer(nn.Module):
    """The network, made from a loaded published one, whose tensors it takes over.

    ``dtype``: float32 (exact) or bfloat16 (fast) for the decoder. Encoder and code book are float32
    in both, so that both draw from the same codes. Memory is channels-last in bfloat16 alone:
    torch's group norm on a CPU loses three digits of float32 there (largest error 9e-4 against 1e-6
    on 64 channels of 512 x 512).
    """

    def __init__(self, loaded: RestoreFormer, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        exact = dtype == torch.float32
        self.memory = torch.contiguous_format if exact else torch.channels_last
        self.nearest = NearestCode(loaded.quantize)
        self.encoder, self.decoder = loaded.encoder, loaded.decoder
        self.before, self.after = loaded.quant_conv, loaded.post_quant_conv
        for module in (*self.encoder.modules(), *self.decoder.modules()):
            if type(module) is ResnetBlock:
                module.__class__ = LeanBlock
        for part in (self.decoder, self.after):
            part.to(dtype=dtype)
            part.to(memory_format=self.memory)

    def forward(self, x_m11: Tensor) -> Tensor:
        """(B, 3, 512, 512) RGB in [-1, 1] to the same, float32, not clipped."""
        passed = self.encoder(x_m11.float().contiguous())
        codes = self._cast(self.nearest(self.before(passed["out"])))
        # The decoder looks at these alone.
        looked_at = {name: self._cast(y) for name, y in passed.items() if name.endswith("_atten")}
        picture: Tensor = self.decoder(self.after(codes), looked_at).float()
        return picture

    def _cast(self, y: Tensor) -> Tensor:
        return y.to(dtype=self.dtype).contiguous(memory_format=self.memory)

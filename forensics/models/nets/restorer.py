"""The embedded restorer's network: spandrel's GFPGANv1Clean, built small, noise switched off.

Promise: ``build()`` gives a network whose state dict has exactly the keys of the published class,
so any weights saved here load strictly into a plain ``GFPGANv1Clean`` of the same sizes.

Two things differ from the published graph, neither in the weights:

- the modulated convolution scales the activations instead of building one kernel a sample (same
  result up to rounding, 1.7e-6 on outputs of 1.5; 15 to 30 % faster on CPU);
- the noise weights are zero, are not trained and are left out, so no run depends on noise.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from spandrel.architectures.GFPGAN.__arch.gfpganv1_clean_arch import GFPGANv1Clean
from spandrel.architectures.GFPGAN.__arch.stylegan2_clean_arch import ModulatedConv2d, StyleConv

from forensics.models.nets.modulated import ScaledConv2d

NET_PX = 256
NUM_STYLE_FEAT = 128
CHANNEL_MULTIPLIER = 1
NARROW = 0.25
NOISE_SEED = 0


class QuietStyleConv(StyleConv):  # type: ignore[misc]  # spandrel is untyped
    """Style convolution without the noise term, whose strength is zero in every weight file here.

    Adding ``0 * noise`` changes no value, but under autocast it turns every feature into float32.
    """

    def forward(
        self, x: torch.Tensor, style: torch.Tensor, noise: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, C, H, W) and (B, num_style_feat) to (B, C_out, H', W'); ``noise`` is not used."""
        y = self.modulated_conv(x, style) * 2**0.5
        return F.leaky_relu(y + self.bias.to(y.dtype), 0.2)


def build(out_px: int = NET_PX) -> GFPGANv1Clean:
    """The network with random weights (its caller seeds torch), in training mode, fp32, on CPU.

    ``out_px`` is 256 for the shipped model; the recipe starts smaller and widens. Forward:
    ``net(x_m11, return_rgb=False, randomize_noise=False)[0]`` with ``x_m11`` (B, 3, P, P) RGB.
    """
    net = GFPGANv1Clean(
        out_size=out_px,
        num_style_feat=NUM_STYLE_FEAT,
        channel_multiplier=CHANNEL_MULTIPLIER,
        narrow=NARROW,
        input_is_latent=True,
        different_w=True,
        sft_half=False,
    )
    lighten(net)
    generator = torch.Generator().manual_seed(NOISE_SEED)
    for name, buffer in net.named_buffers():
        if ".noises." in name:
            buffer.copy_(torch.randn(buffer.shape, generator=generator))
    for name, parameter in net.named_parameters():
        if is_noise_weight(name):
            parameter.requires_grad_(False)
    return net


def is_noise_weight(name: str) -> bool:
    """Whether a parameter is one of the noise strengths (kept at zero)."""
    return (
        name.startswith("stylegan_decoder.style_conv")
        and name.endswith((".weight",))
        and ".modulated_conv" not in name
    )


def lighten(net: torch.nn.Module) -> None:
    """Switch ``net`` to activation scaling and noiseless style convolutions, in place."""
    for module in net.modules():
        if type(module) is ModulatedConv2d:
            module.__class__ = ScaledConv2d
        elif type(module) is StyleConv:
            module.__class__ = QuietStyleConv


def check_quiet(state: dict[str, torch.Tensor]) -> None:
    """Raise ``ValueError`` when a state dict asks for noise, which this network leaves out."""
    loud = [name for name, value in state.items() if is_noise_weight(name) and bool(value.any())]
    if loud:
        raise ValueError(f"noise strengths must be zero, are not in {', '.join(loud)}")


def residual_m11(net: torch.nn.Module, x_m11: torch.Tensor) -> torch.Tensor:
    """What the network adds to its input: (B, 3, 256, 256) RGB, in units of [-1, 1] pictures."""
    out = net(x_m11, return_rgb=False, randomize_noise=False)[0]
    if not isinstance(out, torch.Tensor):
        raise TypeError(f"the network returned {type(out).__name__}, not a tensor")
    return out

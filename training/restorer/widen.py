"""Widen the network from one output size to the next: what it learnt small, it keeps large."""

from __future__ import annotations

import torch

from forensics.models.nets import restorer


def widen(state: dict[str, torch.Tensor], small_px: int, large_px: int) -> dict[str, torch.Tensor]:
    """State dict at ``large_px`` (twice ``small_px``) from one at ``small_px``.

    The small encoder's blocks move one place down the list (the new first block halves the size);
    decoder, conditions and latents keep their places and gain one at the end. New parts keep the
    fresh initialisation, with the new toRGB scaled down, so the wide net starts as the small one,
    enlarged.
    """
    if large_px != 2 * small_px:
        raise ValueError(f"widening goes one step at a time, not {small_px} -> {large_px}")
    fresh = initial(restorer.build(large_px)).state_dict()
    for name, value in state.items():
        target = name
        if name.startswith("conv_body_down."):
            place, rest = name.removeprefix("conv_body_down.").split(".", 1)
            target = f"conv_body_down.{int(place) + 1}.{rest}"
        elif name.startswith(("conv_body_first.", "stylegan_decoder.noises.")):
            continue
        if name.startswith("final_linear."):
            fresh[name][: value.shape[0]] = value
        else:
            fresh[target].copy_(value)
    last = f"stylegan_decoder.to_rgbs.{int(large_px).bit_length() - 4}.modulated_conv.weight"
    fresh[last] *= 0.1
    return fresh


def initial(net: torch.nn.Module) -> torch.nn.Module:
    """Starting weights for residual learning, in place: small toRGB, SFT scale around one.

    With spandrel's defaults the scale branch starts near zero and switches the decoder's own path
    off.
    """
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if ".to_rgb" in name and name.endswith("modulated_conv.weight"):
                parameter *= 0.1
            if name.startswith("condition_scale.") and name.endswith(".2.bias"):
                parameter.fill_(1.0)
    return net

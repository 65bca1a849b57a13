"""A convolution and the leaky ReLU behind it in one pass, where the CPU library offers it.

Promise: the result of ``leaky_relu(conv2d(x))``; in bfloat16 it is rounded once instead of twice.
On other devices, and where the library cannot, the two run one after the other.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F


def conv_leaky_relu(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    padding: tuple[int, int],
    slope: float,
) -> torch.Tensor:
    """``leaky_relu(conv2d(x, weight, bias, padding=padding), slope)``, stride 1; no gradient."""
    if x.device.type != "cpu" or not _has_fused(x.dtype):
        return F.leaky_relu_(F.conv2d(x, weight, bias, padding=padding), slope)
    # torch's own compiler emits this call (inductor, mkldnn fusion); it has no public name.
    y = torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, list(padding), [1, 1], [1, 1], 1, "leaky_relu", [slope], ""
    )
    if not isinstance(y, torch.Tensor):
        raise TypeError(f"the convolution returned {type(y).__name__}, not a tensor")
    return y


@functools.cache
def _has_fused(dtype: torch.dtype) -> bool:
    """Whether this build of torch has the fused call, and this CPU the number format for it."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call] # torch's
        return False
    if not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32

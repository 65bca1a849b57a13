"""Convolution with its leaky ReLU in one pass equals the two one after the other."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from forensics.models.nets import fused


@pytest.mark.parametrize(("dtype", "bar"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
@pytest.mark.parametrize("padding", [(0, 0), (1, 0), (1, 1)])
def test_one_pass_equals_two(
    dtype: torch.dtype, bar: float, padding: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(2, 8, 9, 11).to(dtype).contiguous(memory_format=torch.channels_last)
    weight, bias = torch.randn(4, 8, 3, 3).to(dtype) / 9, torch.randn(4).to(dtype)
    two = F.leaky_relu(F.conv2d(x.float(), weight.float(), bias.float(), padding=padding), 0.2)
    with torch.inference_mode():
        one = fused.conv_leaky_relu(x, weight, bias, padding, 0.2)
        monkeypatch.setattr(fused, "_has_fused", lambda dtype: False)
        fallback = fused.conv_leaky_relu(x, weight, bias, padding, 0.2)
    for got in (one, fallback):
        assert got.shape == two.shape
        assert got.dtype == dtype
        assert float((got.float() - two).abs().max()) <= bar
    assert float((two < 0).float().mean()) > 0.1, "the slope is put to use"

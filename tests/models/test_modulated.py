"""Layers of the lean networks: one pass or two, the same numbers; a torch without the operation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from forensics.models.nets import modulated
from forensics.models.nets.modulated import RectifiedConv, joins_rectifier


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    joins_rectifier.cache_clear()
    yield
    joins_rectifier.cache_clear()


@pytest.mark.parametrize("taps", [1, 3])
@torch.inference_mode()
def test_convolution_and_rectifier_equal_two_passes(taps: int) -> None:
    conv = nn.Conv2d(5, 7, taps, 1, taps // 2)
    x = torch.randn(2, 5, 9, 11).contiguous(memory_format=torch.channels_last)
    wanted = F.leaky_relu(conv(x), 0.2)
    assert float((RectifiedConv(conv)(x) - wanted).abs().max()) <= 1e-6
    half = RectifiedConv(conv.to(torch.bfloat16))(x.to(torch.bfloat16)).float()
    assert float((half - wanted).abs().max()) <= 0.02 * float(wanted.abs().max())


@pytest.mark.parametrize("fault", [AttributeError("gone"), RuntimeError("another signature")])
@torch.inference_mode()
def test_a_torch_without_the_operation_takes_two_passes(
    fault: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def absent(*_: object) -> torch.Tensor:
        raise fault

    monkeypatch.setattr(modulated, "_joined", absent)
    conv = nn.Conv2d(3, 4, 3, 1, 1)
    x = torch.randn(1, 3, 8, 8)
    assert torch.equal(RectifiedConv(conv)(x), F.leaky_relu(conv(x), 0.2))
    assert "run apart" in caplog.text


@torch.inference_mode()
def test_an_operation_that_answers_wrongly_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modulated, "_joined", lambda x, *_: torch.zeros_like(x))
    assert not joins_rectifier(torch.float32)


def test_asking_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    joins_rectifier(torch.float32)
    assert torch.equal(torch.rand(1), wanted)

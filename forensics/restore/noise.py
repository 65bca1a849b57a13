"""Restore, noise: which noise a network with noise layers is given, as a resolved value.

Upstream draws fresh noise at each call (`stylegan2_clean_arch.py:130-132`), so two runs differ and
every frame of a clip flickers. Here noise is one of three things, and the record says which.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from forensics.errors import UsageError


@dataclass(frozen=True)
class Noise:
    """``stored``: the buffers of the weight file. ``zero``: none. ``seed``: drawn for each face."""

    mode: Literal["stored", "zero", "seed"]
    number: int | None = None

    def __str__(self) -> str:
        return self.mode if self.number is None else f"seed:{self.number}"


def parse_noise(text: str) -> Noise:
    """``stored``, ``zero`` or ``seed:N`` with N >= 0.  Raises `UsageError` for anything else."""
    if text == "stored":
        return Noise("stored")
    if text == "zero":
        return Noise("zero")
    if match := re.fullmatch(r"seed:(\d{1,18})", text):
        return Noise("seed", int(match[1]))
    raise UsageError(
        f"there is no noise mode {text!r}", "Modes: stored (default), zero, seed:N with N >= 0."
    )


def drawn_noise(seeds: Sequence[int], rows: int, sides: Sequence[int]) -> list[Tensor]:
    """Unit noise for faces with ``seeds``: one (rows, 1, side, side) float32 a layer, on the CPU.

    Each face's noise depends on its seed alone, on every device. Rows without a seed are padding
    and get none.
    """
    layers = [torch.zeros(rows, 1, side, side) for side in sides]
    for row, seed in enumerate(seeds):
        generator = torch.Generator().manual_seed(seed)
        for layer in layers:
            layer[row, 0] = torch.randn(layer.shape[2:], generator=generator)
    return layers

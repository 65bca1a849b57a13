"""Reference, loud: errors that upstream swallows come out, as a class it does not catch.

`GFPGANer.enhance` answers a RuntimeError of the network with the *unrestored* crop
(gfpgan/utils.py:124-130), `RealESRGANer.tile_process` with the *previous* tile's pixels
(realesrgan/utils.py:158-180).  torch's OutOfMemoryError is a RuntimeError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

Part = Literal["restore", "background"]


class Heard(Exception):
    """An error inside an official network.  Not a RuntimeError: upstream would swallow that."""

    def __init__(self, part: Part, call: int, cause: Exception) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.part, self.call, self.cause = part, call, cause


class NotFinite(ArithmeticError):
    """A network gave numbers that are not finite; upstream would turn them into pixels."""


@dataclass
class LoudForward:
    """Stands in for a network's ``forward``: the same call, errors re-raised as `Heard`.

    ``calls`` counts the calls since `begin`, so that an error names its face or tile.
    """

    part: Part
    forward: Callable[..., Any]
    fixed: dict[str, Any] = field(default_factory=dict)
    calls: int = 0

    def begin(self) -> None:
        """Start counting anew, for the next frame."""
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call, self.calls = self.calls, self.calls + 1
        try:
            out = self.forward(*args, **{**kwargs, **self.fixed})
            if not bool(torch.isfinite(out[0] if isinstance(out, tuple) else out).all()):
                raise NotFinite("the network gave numbers that are not finite")
        except (RuntimeError, NotFinite, MemoryError) as error:
            raise Heard(self.part, call, error) from error
        return out


def make_loud(network: torch.nn.Module, part: Part, fixed: dict[str, Any]) -> LoudForward:
    """Replace ``network.forward``; ``fixed`` are arguments every call gets."""
    loud = LoudForward(part, network.forward, fixed)
    # Set on the instance: the class, which others may use in this process, stays as it is.
    object.__setattr__(network, "forward", loud)
    return loud

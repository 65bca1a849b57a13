"""Restore, third party: any face restorer whose network spandrel's core recognises by its keys.

Promise: GFPGAN and RestoreFormer weights go the official way (`forensics.restore.official`), since
spandrel's own call of GFPGAN passes [0, 1] where [-1, 1] is meant and draws fresh noise. Every
other network is called through its spandrel descriptor, which takes and gives [0, 1], is tried
twice on one crop before it is used, and its numbers are looked at before spandrel clips them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from spandrel import MAIN_REGISTRY, ImageModelDescriptor
from torch import Tensor

from forensics.errors import IntegrityError, UsageError
from forensics.models.load import LoadedModel
from forensics.records import Failure
from forensics.restore.noise import Noise
from forensics.restore.official import DTYPES, NoiselessNet, OfficialRestorer, refuse_seeds
from forensics.restore.restorer import TEMPLATE_PX, Precision, Result


def architecture_of(keys: Sequence[str] | dict[str, Tensor]) -> str | None:
    """spandrel's name of the network that has these weights (``GFPGAN``), None when unknown."""
    state = keys if isinstance(keys, dict) else dict.fromkeys(keys)
    for support in MAIN_REGISTRY.architectures("detection"):
        if support.architecture.detect(state):
            return str(support.architecture.id)
    return None


class DescribedNet:
    """A network behind its spandrel descriptor, called a row at a time."""

    def __init__(self, descriptor: ImageModelDescriptor[Any], dtype: torch.dtype) -> None:
        self._descriptor, self._dtype = descriptor, dtype
        self._finite = True
        descriptor.model.register_forward_hook(self._watch)

    def _watch(self, _module: object, _given: object, output: object) -> None:
        """Look at the raw output: spandrel's clipping would make white of infinity."""
        first = output[0] if isinstance(output, tuple | list) else output
        if isinstance(first, Tensor):
            self._finite = bool(torch.isfinite(first).all())

    def __call__(self, x_m11: Tensor) -> Tensor:
        """(B, 3, 512, 512) RGB in [-1, 1] to the same, float32; NaN where a row is not finite."""
        return torch.cat([self._row(row) for row in torch.split(x_m11, 1)])

    def _row(self, x_m11: Tensor) -> Tensor:
        y_01: Tensor = self._descriptor(((x_m11 + 1) / 2).to(self._dtype))
        y_m11 = y_01.float() * 2 - 1
        return y_m11 if self._finite else torch.full_like(y_m11, float("nan"))


def load_third_party(
    model: LoadedModel,
    device: torch.device,
    precision: Precision = "exact",
    noise: Noise | None = None,
) -> OfficialRestorer:
    """A restorer that spandrel's core recognises, other than GFPGAN and RestoreFormer.

    Raises `UsageError` when the network is none that restores a picture at its own size, cannot
    run in bfloat16 (fast) or has no noise to seed, and `IntegrityError` when weights do not fit.
    """
    refuse_seeds(model, noise)
    name = model.card["name"]
    descriptor = _descriptor(model)
    if not (descriptor.scale == 1 and descriptor.input_channels == descriptor.output_channels == 3):
        raise UsageError(
            f"{name} ({descriptor.architecture.name}) enlarges pictures or takes no RGB",
            "A face restorer takes and gives an RGB face of 512 x 512 px.",
        )
    if precision == "fast" and not descriptor.supports_bfloat16:
        raise UsageError(
            f"{name} ({descriptor.architecture.name}) cannot run in bfloat16",
            "Use --precision exact.",
        )
    dtype = DTYPES[precision]
    descriptor.model.eval().requires_grad_(False)
    descriptor.model.to(device=device, dtype=dtype)
    net = NoiselessNet(DescribedNet(descriptor, dtype))
    restorer = OfficialRestorer(net, model, device, precision, batch_size=1)
    return restorer.stating(deterministic=repeats(restorer), memory_format="contiguous")


def repeats(restorer: OfficialRestorer) -> bool:
    """Whether two passes over one crop give the same bytes (some networks draw noise)."""
    rng = np.random.default_rng(0)
    crop = rng.integers(0, 256, (1, TEMPLATE_PX, TEMPLATE_PX, 3), dtype=np.uint8)
    return _bytes(restorer.restore(crop)) == _bytes(restorer.restore(crop))


def _bytes(results: list[Result]) -> bytes | str:
    (result,) = results
    if isinstance(result, Failure):
        return result.error
    return result.tobytes() if isinstance(result, np.ndarray) else result.rgb_u8.tobytes()


def _descriptor(model: LoadedModel) -> ImageModelDescriptor[Any]:
    name = model.card["name"]
    if architecture_of(model.state) is None:
        raise UsageError(
            f"{name}: no network that spandrel's core knows has these weights",
            "Known networks: those of spandrel, without its extra architectures.",
        )
    try:
        descriptor = MAIN_REGISTRY.load(dict(model.state))
    except (RuntimeError, KeyError, ValueError) as error:
        raise IntegrityError(f"the weights of {name} do not fit their network: {error}") from error
    if not isinstance(descriptor, ImageModelDescriptor):
        raise UsageError(f"{name} fills holes under a mask; it is no face restorer")
    return descriptor

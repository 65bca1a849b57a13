"""Restore, embedded: the small network that travels with this tool, a demonstration model.

Promise: deterministic (noise weights are zero), fp32 by default, never more than what its weights
say.

restored = crop + enlarged(net(shrunk crop)): the network sees the crop shrunk to 256 px and answers
with what to add, so pixels of large faces are kept and only the addition is limited to 256 px.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from forensics.errors import IntegrityError
from forensics.models.load import LoadedModel
from forensics.models.nets import restorer as nets
from forensics.models.nets.gfpgan import Gfpgan
from forensics.restore.restorer import (
    F32,
    TEMPLATE_PX,
    U8,
    Crops,
    Precision,
    RestorerFacts,
    Result,
    restore_batched,
)

ROLE = "restorer"
BATCH = 4
Residual = Callable[[torch.Tensor], torch.Tensor]
"""Crops (B, 3, 256, 256) in [-1, 1] to what is to be added to them, float32."""


class EmbeddedRestorer:
    """The embedded restorer on one device with one batch size and one precision."""

    def __init__(
        self,
        model: LoadedModel,
        device: torch.device,
        batch_size: int = BATCH,
        precision: Precision = "exact",
    ) -> None:
        """Build the network from verified weights.

        Raises `IntegrityError` when the weights do not fit the network.
        """
        self._device = device
        net = nets.build()
        try:
            nets.check_quiet(model.state)
            net.load_state_dict(model.state, strict=True)
        except (RuntimeError, ValueError) as error:
            raise IntegrityError(
                f"the weights of '{ROLE}' do not fit its network: {error}",
                "Install the wheel again; do not use this copy.",
            ) from error
        net.eval().requires_grad_(False)
        self._residual: Residual
        if precision == "exact":
            net.to(device)
            self._residual = lambda x_m11: nets.residual_m11(net, x_m11)
        else:
            lean = Gfpgan(net, torch.bfloat16, folds=device.type == "cpu").to(device)
            self._residual = lambda x_m11: lean(x_m11, None)
        self._facts = RestorerFacts(
            name=str(model.card["name"]),
            version=str(model.card["version"]),
            sha256=model.sha256,
            licence=str(model.card["licence"]),
            deterministic=True,
            dtype="float32" if precision == "exact" else "bfloat16",
            batch_size=batch_size,
            noise_mode="zero",
            precision=precision,
            memory_format="contiguous" if precision == "exact" else "channels_last",
        )

    @classmethod
    def load(
        cls,
        model: LoadedModel,
        device: torch.device,
        batch_size: int = BATCH,
        precision: Precision = "exact",
    ) -> EmbeddedRestorer:
        """As the constructor, under the name that every network of a run is loaded by."""
        return cls(model, device, batch_size, precision)

    @property
    def facts(self) -> RestorerFacts:
        """Name, version, digest, licence and numeric settings."""
        return self._facts

    def restore(self, crops_rgb_u8: Crops, seeds: Sequence[int] = ()) -> list[Result]:
        """Restore N crops (512, 512, 3) uint8 RGB on the 512 template; one result each.

        Raises ``ValueError`` for seeds: this network has no noise to seed.
        """
        if seeds:
            raise ValueError("the embedded restorer has no noise to seed")
        return restore_batched(crops_rgb_u8, self._forward, self._facts.batch_size)

    def _forward(self, crops_rgb_u8: U8) -> F32:
        """(B, 512, 512, 3) uint8 to the same in float32 grey levels."""
        with torch.inference_mode():
            x_u8 = torch.from_numpy(crops_rgb_u8).to(self._device).permute(0, 3, 1, 2)
            # Rows in memory: spandrel's class flattens by `view`, which channels-last cannot.
            crop_m11 = x_u8.contiguous().float() / 127.5 - 1
            restored = crop_m11 + enlarged_residual(self._residual, crop_m11)
            levels = (restored + 1) * 127.5
            return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())


def enlarged_residual(residual: Residual, crop_m11: torch.Tensor) -> torch.Tensor:
    """What to add to crops (B, 3, 512, 512) in [-1, 1]: the residual at 256 px, enlarged bicubic.

    Shrinking is the mean of 2 x 2 pixels and the enlargement is centre-aligned, so nothing moves.
    """
    added = residual(F.avg_pool2d(crop_m11, TEMPLATE_PX // nets.NET_PX))
    return F.interpolate(
        added, size=(TEMPLATE_PX, TEMPLATE_PX), mode="bicubic", align_corners=False
    )

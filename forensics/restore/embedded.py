"""Restore, embedded: the small network that travels with this tool, a demonstration model.

Promise: deterministic (noise weights are zero), fp32 by default, never more than what its weights
say.

restored = crop + enlarged(net(shrunk crop)): the network sees the crop shrunk to 256 px and answers
with what to add, so pixels of large faces are kept and only the addition is limited to 256 px.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from forensics.errors import IntegrityError
from forensics.models.load import LoadedModel
from forensics.models.nets import restorer as nets
from forensics.records import Failure
from forensics.restore.restorer import (
    F32,
    TEMPLATE_PX,
    U8,
    Crops,
    Restoration,
    RestorerFacts,
    restore_batched,
)

ROLE = "restorer"
BATCH = 4
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class EmbeddedRestorer:
    """The embedded restorer on one device with one batch size and one number format."""

    def __init__(
        self,
        model: LoadedModel,
        device: torch.device,
        batch_size: int = BATCH,
        dtype: str = "float32",
    ) -> None:
        """Build the network from verified weights.

        ``dtype`` is float32 (exact) or bfloat16 (autocast).  Raises ``KeyError`` for another one
        and `IntegrityError` when the weights do not fit the network.
        """
        self._autocast = DTYPES[dtype]
        self._device = device
        self._net = nets.build()
        try:
            nets.check_quiet(model.state)
            self._net.load_state_dict(model.state, strict=True)
        except (RuntimeError, ValueError) as error:
            raise IntegrityError(
                f"the weights of '{ROLE}' do not fit its network: {error}",
                "Install the wheel again; do not use this copy.",
            ) from error
        self._net.eval().requires_grad_(False).to(device)
        self._facts = RestorerFacts(
            name=str(model.card["name"]),
            version=str(model.card["version"]),
            sha256=model.sha256,
            licence=str(model.card["licence"]),
            deterministic=True,
            dtype=dtype,
            batch_size=batch_size,
            noise_mode="zero",
        )

    @classmethod
    def load(
        cls,
        model: LoadedModel,
        device: torch.device,
        batch_size: int = BATCH,
        dtype: str = "float32",
    ) -> EmbeddedRestorer:
        """As the constructor, under the name that every network of a run is loaded by."""
        return cls(model, device, batch_size, dtype)

    @property
    def facts(self) -> RestorerFacts:
        """Name, version, digest, licence and numeric settings."""
        return self._facts

    def restore(self, crops_rgb_u8: Crops) -> list[Restoration | Failure]:
        """Restore N crops (512, 512, 3) uint8 RGB on the 512 template; one result each."""
        return restore_batched(crops_rgb_u8, self._forward, self._facts.batch_size)

    def _forward(self, crops_rgb_u8: U8) -> F32:
        """(B, 512, 512, 3) uint8 to the same in float32 grey levels."""
        with torch.inference_mode():
            x_u8 = torch.from_numpy(crops_rgb_u8).to(self._device).permute(0, 3, 1, 2)
            # Rows in memory: spandrel's class flattens by `view`, which channels-last cannot.
            crop_m11 = x_u8.contiguous().float() / 127.5 - 1
            restored = crop_m11 + enlarged_residual(self._net, crop_m11, self._autocast)
            levels = (restored + 1) * 127.5
            return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())


def enlarged_residual(
    net: torch.nn.Module, crop_m11: torch.Tensor, dtype: torch.dtype
) -> torch.Tensor:
    """What to add to crops (B, 3, 512, 512) in [-1, 1]: the residual at 256 px, enlarged bicubic.

    Shrinking is the mean of 2 x 2 pixels and the enlargement is centre-aligned, so nothing moves.
    """
    small = F.avg_pool2d(crop_m11, TEMPLATE_PX // nets.NET_PX)
    with torch.autocast(small.device.type, dtype, enabled=dtype != torch.float32):
        residual = nets.residual_m11(net, small)
    return F.interpolate(
        residual.float(), size=(TEMPLATE_PX, TEMPLATE_PX), mode="bicubic", align_corners=False
    )

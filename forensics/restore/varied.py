"""Restore, varied: the embedded restorer asked again, its latent moved along trained directions.

Promise: deterministic; the directions are used with the restorer they were trained for and with no
other.  The noise weights of this network are zero, so there is no noise to vary.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from forensics.errors import IntegrityError
from forensics.models.load import LoadedModel
from forensics.models.nets import restorer as nets
from forensics.models.nets.varied import check_directions, offset, varied_residuals
from forensics.restore.restorer import F32, TEMPLATE_PX, U8, check_crops

ROLE = "directions"
AT_ONCE = 4  # answers in one pass of the decoder


class VariedRestorer:
    """The embedded restorer and its directions on one device, float32."""

    def __init__(self, model: LoadedModel, directions: LoadedModel, device: torch.device) -> None:
        """Build from verified weights.

        Raises `IntegrityError` when the directions were trained for another restorer or do not fit
        this one.
        """
        if directions.card["restorer_sha256"] != model.sha256:
            raise IntegrityError(
                "the embedded directions belong to another restorer: "
                f"{directions.card['restorer_sha256']}, not {model.sha256}",
                "Install the wheel again; do not use this copy.",
            )
        try:
            check_directions(directions.state)
        except ValueError as error:
            raise IntegrityError(str(error), "Install the wheel again.") from error
        net = nets.build()
        net.load_state_dict(model.state, strict=True)
        self._net = net.eval().requires_grad_(False).to(device)
        self._directions = {name: part.to(device) for name, part in directions.state.items()}
        self._device = device
        self.amount = float(directions.card["amount"])
        """How far along the directions a weight of one goes, chosen on people of ``fit``."""
        self.restorer_sha256 = model.sha256

    @property
    def directions(self) -> int:
        """How many directions there are."""
        return len(self._directions["style"])

    def draw(self, crop_rgb_u8: U8, weights: F32) -> F32:
        """N answers to a crop (512, 512, 3) uint8: (N, 512, 512, 3) float32 grey levels.

        ``weights`` (N, K) along the directions; a row of zeros is the restorer's own answer.
        """
        check_crops([crop_rgb_u8])
        with torch.inference_mode():
            x_u8 = torch.from_numpy(crop_rgb_u8).to(self._device).permute(2, 0, 1)[None]
            crop_m11 = x_u8.contiguous().float() / 127.5 - 1
            small = F.avg_pool2d(crop_m11, TEMPLATE_PX // nets.NET_PX)
            amounts = torch.from_numpy(weights).to(self._device) * self.amount
            parts = [
                varied_residuals(self._net, small, offset(self._directions, group))
                for group in torch.split(amounts, AT_ONCE)
            ]
            added = F.interpolate(
                torch.cat(parts),
                size=(TEMPLATE_PX, TEMPLATE_PX),
                mode="bicubic",
                align_corners=False,
            )
            levels = (crop_m11 + added + 1) * 127.5
            return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())

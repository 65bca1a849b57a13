"""Face embeddings: aligned 512 px crops to unit vectors, the same in any company.

Serves two roles with two sets of weights: `appearance` (tracking) and `identity`
(`identity_drift`). The network always sees a batch of one fixed size, filled up with grey, so that
a face's vector does not depend on which faces came with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.faces.tracklets import Decision
from forensics.models.nets.identity import (
    DIMENSION,
    INPUT_PX,
    WINDOW_512,
    build_identity,
    in_light,
)

BATCH = 4  # clips mostly show one to four faces at once
CROP_PX = 512


class Embedder:
    """Wraps one embedding network. Not thread-safe with a device shared by others."""

    dimension = DIMENSION

    def __init__(self, state: Mapping[str, torch.Tensor], device: str = "cpu") -> None:
        self._device = torch.device(device)
        self._net = build_identity(state).to(self._device)

    def embed(self, crops_rgb_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Crops (N, 512, 512, 3) RGB on the FFHQ template to (N, 128) float32 rows of length 1.

        N may be 0.  Raises `ValueError` for another shape or type.
        """
        crops = np.asarray(crops_rgb_u8)
        if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1:] != (CROP_PX, CROP_PX, 3):
            raise ValueError(f"expected (N, 512, 512, 3) uint8, got {crops.shape} {crops.dtype}")
        rows = np.empty((len(crops), DIMENSION), np.float32)
        for begin in range(0, len(crops), BATCH):
            some = crops[begin : begin + BATCH]
            batch = np.zeros((BATCH, 3, INPUT_PX, INPUT_PX), np.float32)
            for k, crop in enumerate(some):
                batch[k] = network_input(crop)
            with torch.inference_mode():
                out = self._net(torch.from_numpy(batch).to(self._device))
            rows[begin : begin + BATCH] = out[: len(some)].float().cpu().numpy()
        return rows


def network_input(crop_rgb_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The network's window of one (512, 512, 3) crop, in its light: (3, 112, 112) in [-1, 1]."""
    low, high = WINDOW_512
    window = crop_rgb_u8[low:high, low:high].astype(np.float32)  # in the dark, a level is much
    small = cv2.resize(window, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)
    x: NDArray[np.float32] = in_light(np.asarray(small, np.float32)).transpose(2, 0, 1) / 127.5 - 1
    return x


def decision_of(card: Mapping[str, Any]) -> Decision:
    """The tracker's same-person rule that belongs to the weights of an appearance card.

    Raises `KeyError` when the card has none.
    """
    rule = card["decision"]
    return Decision(
        tuple(rule["eye_px"]),
        tuple(rule["threshold"]),
        tuple(rule["slope"]),
        across=float(rule["across"]),
    )

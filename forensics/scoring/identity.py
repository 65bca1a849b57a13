"""Scoring, `identity_drift`: is the restored face further from the footage than an accurate one?

Delta = d(restored, crop) - d0(q): the distance of the two embeddings less what true faces at this
input quality score (from the reference table).  The recogniser is the embedded identity network,
which was not distilled from any judge used in validation.  It says nothing about who somebody is.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from forensics.models.nets.identity import INPUT_PX, WINDOW_512, light
from forensics.scoring.baseline import as_m11
from forensics.scoring.measure import F32, U8, FaceInput, turned

BATCH = 8  # crops the network sees at once
MIN_INTEROCULAR_PX = 16.0
# Grey levels, standard deviation over the middle of the face. Of 341 faces of `fit` with at least
# this one whole exchange stayed below the limit, of 170 with less 19 did
# (``python -m benchmarks.drift_in_the_dark``).
MIN_CONTRAST = 12.0


def gate(face: FaceInput) -> str | None:
    """Why the measure abstains for this face, or None."""
    if face.interocular_px < MIN_INTEROCULAR_PX:
        return f"under {MIN_INTEROCULAR_PX:.0f} px between the eyes a recogniser reads noise"
    if (reason := turned(face.yaw_deg)) is not None:
        return reason
    if too_flat(face.crop_rgb_u8):
        return "the face is too dark or too flat: to a recogniser such faces are all alike"
    return None


def too_flat(crop_rgb_u8: U8) -> bool:
    """Whether a face (512, 512, 3) is too dark or too flat to be told from others, or placed."""
    return light(window_112(crop_rgb_u8))[1] < MIN_CONTRAST


def window_112(template_rgb_u8: U8) -> U8:
    """The part of a template crop (512, 512, 3) that the network sees, at 112 px."""
    low, high = WINDOW_512
    part = template_rgb_u8[low:high, low:high]
    return np.asarray(
        cv2.resize(part, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA), np.uint8
    )


def embed(net: torch.nn.Module, template_rgb_u8: Sequence[U8], device: torch.device) -> F32:
    """Unit vectors of template crops (512, 512, 3): (N, D) float32, (0, 0) for none.

    The network always sees `BATCH` crops, the last one repeated: with other counts it sums in
    another order, and a face's last digits would depend on how many others came with it.
    """
    small = [window_112(picture) for picture in template_rgb_u8]
    rows = []
    with torch.inference_mode():
        for start in range(0, len(small), BATCH):
            part = small[start : start + BATCH]
            filled = [*part, *[part[-1]] * (BATCH - len(part))]
            rows.append(net(as_m11(filled, device))[: len(part)])
    if not rows:
        return np.zeros((0, 0), np.float32)
    return np.asarray(torch.cat(rows).cpu().numpy(), np.float32)


def distances(
    net: torch.nn.Module, a_rgb_u8: Sequence[U8], b_rgb_u8: Sequence[U8], device: torch.device
) -> F32:
    """d = 1 - cos of the embeddings of pairs of template crops: (N,) float32 in 0..2."""
    rows = embed(net, [*a_rgb_u8, *b_rgb_u8], device)
    half = len(a_rgb_u8)
    return np.asarray(1.0 - (rows[:half] * rows[half:]).sum(1), np.float32)

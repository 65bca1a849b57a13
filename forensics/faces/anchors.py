"""Anchors of the detector: prior boxes, their encoding and decoding, and suppression of doubles.

Equal to facexlib's ``PriorBox``, ``decode``, ``decode_landm`` and ``py_cpu_nms`` (tested), but the
priors are vectorised and cached per frame size. Everything is relative: 1.0 is the frame's side.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
import torchvision

STEPS_PX = (8, 16, 32)
MIN_SIZES_PX = ((16, 32), (64, 128), (256, 512))
VARIANCES = (0.1, 0.2)


@lru_cache(maxsize=32)
def prior_boxes(height_px: int, width_px: int) -> npt.NDArray[np.float32]:
    """Priors of one frame size: (N, 4) float32 rows cx, cy, w, h, relative to the frame.

    Read-only, because it is shared by every frame of this size.
    """
    levels = []
    for step, sizes in zip(STEPS_PX, MIN_SIZES_PX, strict=True):
        rows, columns = -(-height_px // step), -(-width_px // step)
        cy = (np.arange(rows, dtype=np.float64) + 0.5) * step / height_px
        cx = (np.arange(columns, dtype=np.float64) + 0.5) * step / width_px
        level = np.empty((rows, columns, len(sizes), 4), np.float64)
        level[..., 0] = cx[None, :, None]
        level[..., 1] = cy[:, None, None]
        level[..., 2] = np.asarray(sizes, np.float64) / width_px
        level[..., 3] = np.asarray(sizes, np.float64) / height_px
        levels.append(level.reshape(-1, 4))
    priors = np.concatenate(levels).astype(np.float32)
    priors.setflags(write=False)
    return priors


def decode_boxes(offsets: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """Boxes (..., N, 4) x0 y0 x1 y1, relative, from the network's offsets (..., N, 4)."""
    centre = priors[..., :2] + offsets[..., :2] * VARIANCES[0] * priors[..., 2:]
    size = priors[..., 2:] * torch.exp(offsets[..., 2:] * VARIANCES[1])
    corner = centre - size / 2
    return torch.cat((corner, size + corner), dim=-1)


def decode_points(offsets: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """Landmarks (..., N, 5, 2) x y, relative, from the network's offsets (..., N, 10)."""
    pairs = offsets.reshape(*offsets.shape[:-1], 5, 2)
    return priors[..., None, :2] + pairs * VARIANCES[0] * priors[..., None, 2:]


def encode_boxes(boxes: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """The inverse of ``decode_boxes``: (..., N, 4) offsets; widths and heights must be > 0."""
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2 - priors[..., :2]
    ratio = (boxes[..., 2:] - boxes[..., :2]) / priors[..., 2:]
    return torch.cat(
        (centre / (VARIANCES[0] * priors[..., 2:]), torch.log(ratio) / VARIANCES[1]), dim=-1
    )


def encode_points(points: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """The inverse of ``decode_points``: (..., N, 10) offsets from (..., N, 5, 2) points."""
    offsets = (points - priors[..., None, :2]) / (VARIANCES[0] * priors[..., None, 2:])
    return offsets.flatten(-2)


def suppress_doubles(boxes: torch.Tensor, scores: torch.Tensor, iou_max: float) -> torch.Tensor:
    """Indices kept by greedy suppression, best score first; (N, 4) boxes, (N,) scores."""
    kept: torch.Tensor = torchvision.ops.nms(boxes, scores, iou_max)
    return kept

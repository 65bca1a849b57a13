"""Answers of a detector: what it may be given, and what it found as records.

Shared by the embedded and the official detector, which differ in everything between.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from forensics.records import Detection

FrameU8 = npt.NDArray[np.uint8]


def check_frame(frame: FrameU8, side_min_px: int, side_max_px: int) -> None:
    """Raise ``ValueError`` unless the frame is (H, W, 3) uint8 with sides in the given range."""
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8:
        kind = getattr(frame, "dtype", type(frame).__name__)
        raise ValueError(f"a frame is uint8 RGB with values 0..255, not {kind}")
    if frame.ndim != 3 or frame.shape[2] != 3:
        raise ValueError(f"a frame has shape (H, W, 3), not {frame.shape}")
    if not side_min_px <= min(frame.shape[:2]) <= max(frame.shape[:2]) <= side_max_px:
        raise ValueError(
            f"a frame's sides lie in {side_min_px}..{side_max_px} px, not {frame.shape[:2]}"
        )


def as_detections(boxes_px: Tensor, five_px: Tensor, scores: Tensor) -> list[Detection]:
    """Records of boxes (N, 4), points (N, 5, 2) and scores (N,), in their order."""
    rows = zip(boxes_px.cpu().tolist(), five_px.cpu().tolist(), scores.cpu().tolist(), strict=True)
    return [
        Detection(
            (box[0], box[1], box[2], box[3]),
            (
                (p[0][0], p[0][1]),
                (p[1][0], p[1][1]),
                (p[2][0], p[2][1]),
                (p[3][0], p[3][1]),
                (p[4][0], p[4][1]),
            ),
            float(score),
        )
        for box, p, score in rows
    ]

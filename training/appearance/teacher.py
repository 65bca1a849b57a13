"""MobileFace: teacher of `appearance`, judge of both embeddings, never a teacher of `identity`.

MIT (becauseofAI/MobileFace), ONNX, RGB 0..255, 112x112 in ArcFace alignment, 256-d.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

MODEL = "MobileFace_Identification_V2.onnx"


class MobileFace:
    """The ONNX network under onnxruntime, one thread."""

    def __init__(self, data: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(data / "models" / "mobileface" / MODEL), options
        )

    def embed(self, windows_rgb_u8: np.ndarray) -> np.ndarray:
        """(N, 112, 112, 3) uint8 RGB to (N, 256) float32 rows of length 1."""
        rows = []
        for k in range(0, len(windows_rgb_u8), 32):
            x = windows_rgb_u8[k : k + 32].astype(np.float32).transpose(0, 3, 1, 2)
            rows.append(self._session.run(None, {"data": np.ascontiguousarray(x)})[0])
        out = np.concatenate(rows)
        return out / np.linalg.norm(out, axis=1, keepdims=True)

"""Views for networks that come later: crop and true face at the evidence model's 256 px."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from forensics.models.load import LoadedModel
from forensics.models.nets.evidence import INPUT_PX, build_evidence
from forensics.scoring.evidence import EvidenceModel, shipped_evidence
from forensics.scoring.measure import U8, FaceInput

SAYS = f"views of {INPUT_PX} px"  # part of the recipe's digest: rows without views are made again


class Views:
    """(N, 2, 256, 256, 3) uint8 on disk, crop and true face, written one after the other."""

    def __init__(self, path: Path, count: int) -> None:
        shape = (count, 2, INPUT_PX, INPUT_PX, 3)
        self._pictures = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
        self._next = 0

    def add(self, face: FaceInput) -> dict[str, float]:
        """Keep a face; what its row needs to be asked later."""
        for k, picture in enumerate((face.crop_rgb_u8, face.restored_rgb_u8)):
            small = cv2.resize(picture, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)
            self._pictures[self._next, k] = small
        self._next += 1
        return {"scale": face.scale}


def add_evidence(rows: Sequence[dict[str, Any]], model: LoadedModel, path: Path) -> None:
    """`interval_violation` and `mean_distance` of true faces, where the gate is open.

    The evidence model averages every picture to 256 px, so that views whose pixels are doubled give
    what whole crops would.
    """
    net = build_evidence(model.state)
    held = EvidenceModel(net, model.sha256, shipped_evidence(), torch.device("cpu"))
    pictures = np.load(path, mmap_mode="r")
    if len(pictures) != len(rows):
        raise ValueError(f"{path.name} holds {len(pictures)} views of {len(rows)} faces")
    for row, (crop, truth) in zip(rows, pictures, strict=True):
        face = FaceInput(
            crop_rgb_u8=_doubled(crop),
            restored_rgb_u8=_doubled(truth),
            native_rgb_u8=_doubled(crop),
            scale=row["scale"],
            interocular_px=row["interocular_px"],
        )
        (reading,) = held.read([face])
        row.update(reading.values)


def _doubled(view_u8: U8) -> U8:
    """(256, 256, 3) to (512, 512, 3), each pixel four times."""
    return np.ascontiguousarray(view_u8.repeat(2, axis=0).repeat(2, axis=1))

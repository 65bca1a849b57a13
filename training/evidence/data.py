"""Samples of the evidence network: degraded crop, its scale, and the truth, by sample number."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from training import degrade
from training.evidence.config import CLEAN, FACTORS, SEED, SHARP, USUAL_FACTORS
from training.restorer.data import Portraits, augment


class Faces(Dataset[tuple[torch.Tensor, float, bool, torch.Tensor]]):
    """Sample number -> (crop uint8 (3, 256, 256), scale, whether the truth is sharp, truth)."""

    def __init__(self, portraits: Portraits, count: int) -> None:
        self.portraits, self.count = portraits, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> tuple[torch.Tensor, float, bool, torch.Tensor]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng([SEED, number])
        sharp = bool(rng.random() < SHARP)
        pool = self.portraits.sharp if sharp else self.portraits.soft
        truth = augment(pool[int(rng.integers(len(pool)))], rng)
        if rng.random() < CLEAN:
            plan = degrade.draw_clean(rng)
        else:
            plan = degrade.draw_any(rng, USUAL_FACTORS if rng.random() < 0.85 else FACTORS)
        crop = degrade.apply(truth, plan)
        return _planes(crop), plan.factor, sharp, _planes(truth)


def _planes(rgb_u8: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(rgb_u8)).permute(2, 0, 1)

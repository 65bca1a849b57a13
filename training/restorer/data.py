"""Samples of the restorer: a truth from the train packs and its degraded twin, by sample number."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from training import degrade

U8 = NDArray[np.uint8]
SAMPLE_PX = 256
SHARP_IOD_PX = 100.0


class Portraits:
    """Truths at 256 px of the ``train`` people, sharp ones (native eyes >= 100 px) apart."""

    def __init__(self, packs: Path) -> None:
        everything = np.load(packs / "train_256.npy", mmap_mode="r")
        rows = json.loads((packs / "train_256.json").read_text("utf-8"))
        large = np.load(packs / "train_512.npy", mmap_mode="r")
        # The 512 crop shrunk by area is sharper than a 256 crop made by interpolation.
        self.sharp = np.stack(
            [cv2.resize(c, (256, 256), interpolation=cv2.INTER_AREA) for c in large]
        )
        soft = [i for i, row in enumerate(rows) if row["iod_native_px"] < SHARP_IOD_PX]
        self.soft = everything[soft]
        self.people = len({row["person"] for row in rows})


def augment(crop_rgb_u8: U8, rng: np.random.Generator) -> U8:
    """Flip, small turn, scale, shift (as a detector errs), exposure, gamma, white balance."""
    size = crop_rgb_u8.shape[0]
    out = crop_rgb_u8[:, ::-1] if rng.random() < 0.5 else crop_rgb_u8
    turn, scale = rng.normal(0, 3.0), np.exp(rng.normal(0, 0.04))
    matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), turn, scale)
    matrix[:, 2] += rng.normal(0, 0.012 * size, 2)
    out = cv2.warpAffine(
        np.ascontiguousarray(out),
        matrix,
        (size, size),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    x = out.astype(np.float32) / 255
    if rng.random() < 0.7:
        gain = np.exp(rng.normal(0, 0.06, 3)) * np.exp(rng.normal(-0.08, 0.22))
        x = np.clip(x * gain.astype(np.float32), 0, 1) ** np.float32(np.exp(rng.normal(0, 0.12)))
        grey = x.mean(-1, keepdims=True)
        x = grey + (x - grey) * np.float32(np.clip(rng.normal(1.0, 0.2), 0, 1.5))
    return np.clip(np.rint(x * 255), 0, 255).astype(np.uint8)


class Pairs(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Sample number -> (degraded, truth), uint8 (3, px, px); same number, same sample."""

    def __init__(
        self,
        portraits: Portraits,
        px: int,
        sharp_share: float,
        clean_share: float,
        factors: tuple[float, float],
        seed: int,
        count: int,
    ) -> None:
        self.portraits, self.px, self.sharp_share = portraits, px, sharp_share
        self.clean_share, self.factors, self.seed, self.count = clean_share, factors, seed, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng([self.seed, number])
        pool = self.portraits.sharp if rng.random() < self.sharp_share else self.portraits.soft
        truth = augment(pool[int(rng.integers(len(pool)))], rng)
        factors = self.factors if rng.random() < 0.85 else (1.0, 2.5)
        # Drawn only where asked, so that stages without it keep their samples.
        clean = self.clean_share > 0 and rng.random() < self.clean_share
        plan = degrade.draw_clean(rng) if clean else degrade.draw_any(rng, factors)
        given = degrade.apply(truth, plan)
        if self.px != SAMPLE_PX:
            side = (self.px, self.px)
            truth = cv2.resize(truth, side, interpolation=cv2.INTER_AREA)
            given = cv2.resize(given, side, interpolation=cv2.INTER_AREA)
        return torch.from_numpy(given).permute(2, 0, 1), torch.from_numpy(truth).permute(2, 0, 1)


def m11(batch_u8: torch.Tensor) -> torch.Tensor:
    """uint8 (B, 3, P, P) to float32 in [-1, 1]."""
    return batch_u8.float() / 127.5 - 1

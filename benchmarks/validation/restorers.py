"""Restorers of the validation, beside the embedded one: some good, some wrong on purpose.

To add one: a function that gives a `Draws`, and a row in `RESTORERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.calibration.sampling import Draws, drawing
from forensics.models.load import load_embedded
from forensics.models.nets.evidence import INPUT_PX, build_evidence
from forensics.restore.embedded import EmbeddedRestorer
from forensics.scoring.evidence import support
from forensics.scoring.measure import FaceInput

U8 = NDArray[np.uint8]
SUBSET = 40  # people whose faces the wrong priors know
DETAIL_PX = 6.0  # blur that parts coarse from fine, template px


def embedded(packs: Path) -> Draws:
    """The restorer that travels with the tool."""
    return drawing(EmbeddedRestorer.load(load_embedded("restorer"), torch.device("cpu"), 1))


def sharpened(packs: Path) -> Draws:
    """The bicubic crop under a common unsharp mask: it invents nothing."""
    return lambda face: unsharp(face.crop_rgb_u8, 3.0, 1.0)


def over_sharpened(packs: Path) -> Draws:
    """Unsharp masks far beyond what a viewer would call good: rings and hard edges."""
    return lambda face: unsharp(unsharp(face.crop_rgb_u8, 5.0, 2.5), 1.5, 2.0)


def evidence_mean(packs: Path) -> Draws:
    """The mean of the evidence model: the safest guess there is, and too smooth for a face.

    It stands at the middle of what two measures are held against: `mean_distance` is 0 by making.
    """
    net, cpu = build_evidence(load_embedded("evidence").state), torch.device("cpu")

    def draw(face: FaceInput) -> U8:
        (said,) = support(net, [face.crop_rgb_u8], [face.scale], cpu)
        large = cv2.resize(said[INPUT_PX].mean, (512, 512), interpolation=cv2.INTER_CUBIC)
        return np.clip(np.rint(255 * large), 0, 255).astype(np.uint8)

    return draw


def other_faces(packs: Path) -> Draws:
    """A wrong prior: coarse structure of the crop, fine detail of the most alike of 40 people."""
    faces = list(_subset(packs))
    keys = np.stack([_key(face) for face in faces])

    def draw(face: FaceInput) -> U8:
        crop_rgb_u8 = face.crop_rgb_u8
        nearest = faces[int(np.argmax(keys @ _key(crop_rgb_u8)))]
        return _with_detail_of(nearest.astype(np.float32), crop_rgb_u8)

    return draw


def eigenfaces(packs: Path) -> Draws:
    """A wrong prior that was trained: whatever it is shown is a mixture of the same 40 people.

    Principal components of their faces (Turk and Pentland 1991; own code); the crop's projection
    gives the fine detail, the crop itself the coarse structure.
    """
    faces = _subset(packs).reshape(SUBSET, -1).astype(np.float32)
    mean = faces.mean(0)
    apart = faces - mean
    # 40 faces of 786,432 numbers: the components by the small matrix of their products.
    powers, mixed = np.linalg.eigh(apart @ apart.T)
    kept = powers > 1e-6 * powers[-1]
    components = (mixed[:, kept] / np.sqrt(powers[kept])).T @ apart

    def draw(face: FaceInput) -> U8:
        crop = face.crop_rgb_u8
        share = components @ (crop.reshape(-1).astype(np.float32) - mean)
        return _with_detail_of((mean + share @ components).reshape(crop.shape), crop)

    return draw


def _subset(packs: Path) -> U8:
    """The faces that the wrong priors know, (40, 512, 512, 3)."""
    return np.ascontiguousarray(np.load(packs / "train_512.npy", mmap_mode="r")[:SUBSET])


def _with_detail_of(other_rgb: NDArray[np.float32], crop_rgb_u8: U8) -> U8:
    coarse = cv2.GaussianBlur(crop_rgb_u8.astype(np.float32), (0, 0), DETAIL_PX)
    fine = other_rgb - cv2.GaussianBlur(other_rgb, (0, 0), DETAIL_PX)
    return np.clip(np.rint(coarse + fine), 0, 255).astype(np.uint8)


def unsharp(rgb_u8: U8, sigma_px: float, amount: float) -> U8:
    """``amount`` times what a blur of ``sigma_px`` takes away is added."""
    x = rgb_u8.astype(np.float32)
    sharp = x + amount * (x - cv2.GaussianBlur(x, (0, 0), sigma_px))
    return np.clip(np.rint(sharp), 0, 255).astype(np.uint8)


def _key(rgb_u8: U8) -> NDArray[np.float64]:
    """The middle of a face at 32 px, mean free, length 1."""
    grey = cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY)[128:448, 96:416]
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    small -= small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-9))


RESTORERS: dict[str, Callable[[Path], Draws]] = {
    "embedded": embedded,
    "evidence mean": evidence_mean,
    "sharpened": sharpened,
    "over-sharpened": over_sharpened,
    "other faces": other_faces,
    "eigenfaces": eigenfaces,
}

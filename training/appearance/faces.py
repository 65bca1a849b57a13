"""Faces for the embeddings: train portraits, invented people between them, and views of them.

An invented person is a blend of two train portraits with a symmetric warp, fixed by its number, so
that few people give many identities.  A view is what a camera might make of a face: another light,
background, framing, and in degraded views few pixels, blur, noise and JPEG.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

RGB = np.ndarray
FRAME = 144  # side of a kept crop: the whole 512 template shrunk by 0.28125
SIDE = 112
EDGE = 15.75  # where the network's window begins in a kept crop (56 / 512 * 144)
EYES = 35.4  # eye distance in the window


@dataclass(frozen=True)
class Faces:
    """Kept crops (N, 144, 144, 3) uint8 RGB and their person index."""

    rgb_u8: RGB
    person: np.ndarray
    iod_native_px: np.ndarray
    people: tuple[str, ...]
    photos_of: tuple[np.ndarray, ...]


def load(packs: Path, group: str = "train") -> Faces:
    """One group's 256 px pack, shrunk by area to 144."""
    crops = np.load(packs / f"{group}_256.npy")
    rows = json.loads((packs / f"{group}_256.json").read_text("utf-8"))
    people = sorted({row["person"] for row in rows})
    person = np.array([people.index(row["person"]) for row in rows])
    small = [cv2.resize(c, (FRAME, FRAME), interpolation=cv2.INTER_AREA) for c in crops]
    return Faces(
        np.stack(small),
        person,
        np.array([row["iod_native_px"] for row in rows]),
        tuple(people),
        tuple(np.flatnonzero(person == k) for k in range(len(people))),
    )


def invent(faces: Faces, seed: int) -> RGB:
    """The invented person number ``seed``: (144, 144, 3) uint8, always the same picture."""
    rng = np.random.default_rng([seed, 77])
    first, second = faces.rgb_u8[rng.choice(len(faces.rgb_u8), 2, replace=False)]
    if rng.random() < 0.5:
        second = second[:, ::-1]
    y, x = np.mgrid[0:FRAME, 0:FRAME].astype(np.float32)
    kind = rng.integers(3)
    if kind == 0:
        mix = np.full((FRAME, FRAME), rng.uniform(0.3, 0.7), np.float32)
    else:  # upper and lower face from two people, or one face's middle in the other's outline
        edge = (y - rng.uniform(70, 100)) / 8 if kind == 1 else inside(x, y, 0.75, 0.85) * 6 - 3
        mix = 1 / (1 + np.exp(-edge))
    out = first * mix[..., None] + second * (1 - mix[..., None])
    coarse = rng.standard_normal((2, 5, 5)).astype(np.float32) * rng.uniform(0.5, 2.5)
    coarse[0] = (coarse[0] - coarse[0][:, ::-1]) / 2  # mirrored: faces stay symmetric
    coarse[1] = (coarse[1] + coarse[1][:, ::-1]) / 2
    shift = [cv2.resize(c, (FRAME, FRAME), interpolation=cv2.INTER_CUBIC) for c in coarse]
    warped = cv2.remap(
        out.astype(np.float32),
        x + shift[0],
        y + shift[1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.clip(np.rint(warped), 0, 255).astype(np.uint8)


def inside(x: np.ndarray, y: np.ndarray, wide: float = 1.0, high: float = 1.0) -> np.ndarray:
    """Soft face oval in a kept crop: 1 inside, 0 outside."""
    radius = ((x - 72) / (42 * wide)) ** 2 + ((y - 80) / (54 * high)) ** 2
    return np.clip((1.25 - radius) / 0.5, 0, 1)


OVAL = inside(*np.mgrid[0:FRAME, 0:FRAME][::-1].astype(np.float32))[..., None]


def relight(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gain, gamma, colour cast, and light from one side; float32 0..255 in and out."""
    x = 255 * (np.clip(x, 0, 255) / 255) ** np.float32(np.exp(rng.uniform(-0.35, 0.35)))
    if rng.random() < 0.1:
        x = np.repeat(x.mean(2, keepdims=True), 3, axis=2)
    cast = rng.uniform(0.8, 1.15) * rng.uniform(0.9, 1.1, 3)
    x = (x - 110) * np.float32(rng.uniform(0.75, 1.2)) + 110
    if rng.random() < 0.4:
        angle = rng.uniform(0, 2 * np.pi)
        ramp = np.linspace(-1, 1, x.shape[0], dtype=np.float32)
        side = np.cos(angle) * ramp[None, :, None] + np.sin(angle) * ramp[:, None, None]
        x = x * (1 + rng.uniform(0.1, 0.35) * side)
    return np.clip(x * cast.astype(np.float32), 0, 255)


def spoil(x: np.ndarray, iod_px: float, rng: np.random.Generator) -> np.ndarray:
    """Few pixels: blur, shrink to ``iod_px`` between the eyes, noise, JPEG, and back to 112."""
    if rng.random() < 0.5:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.3, 1.6))
    small = max(16, round(SIDE * iod_px / EYES))
    if small < SIDE:
        x = cv2.resize(x, (small, small), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.7:
        x = x + rng.standard_normal(x.shape).astype(np.float32) * rng.uniform(0.5, 9)
    if rng.random() < 0.75:
        quality = int(rng.integers(25, 95))
        coded = cv2.imencode(
            ".jpg",
            np.clip(x, 0, 255).astype(np.uint8),
            [cv2.IMWRITE_JPEG_QUALITY, quality],
        )[1]
        x = cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(np.float32)
    if small < SIDE:
        x = cv2.resize(x, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.clip(x, 0, 255)


def view(
    face: RGB, rng: np.random.Generator, spoilt: bool, backdrops: RGB | None = None
) -> np.ndarray:
    """One view (112, 112, 3) float32 0..255 of a kept crop.

    ``backdrops``: kept crops to take another background from (half of the time).
    """
    iod_px = float(np.exp(rng.uniform(np.log(8), np.log(45)))) if spoilt else EYES
    x = face.astype(np.float32)
    if rng.random() < 0.5:
        x = x[:, ::-1]
    if backdrops is not None and rng.random() < 0.5:
        other = backdrops[rng.integers(len(backdrops))].astype(np.float32)
        if rng.random() < 0.5:
            other = np.full_like(other, 0) + rng.uniform(0, 255, 3).astype(np.float32)
        x = x * OVAL + other * (1 - OVAL)
    # The detector's points are off by about a pixel of the footage, whatever its size.
    loose = 1.0 + EYES / max(iod_px, 8.0)
    turn = rng.normal(0, 1.5 * loose)
    size = np.exp(rng.normal(0, 0.02 * loose))
    matrix = cv2.getRotationMatrix2D((FRAME / 2, FRAME / 2), turn, size)
    matrix[:, 2] += rng.normal(0, 0.8 * loose, 2) - EDGE
    x = cv2.warpAffine(
        x, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    x = relight(x, rng)
    if spoilt:
        x = spoil(x, iod_px, rng)
    if rng.random() < 0.1:  # a hand, a microphone
        top, left = rng.integers(0, 80, 2)
        tall, wide = rng.integers(15, 45, 2)
        x[top : top + tall, left : left + wide] = rng.uniform(0, 255, 3)
    return x


def to_m11(batch: list[np.ndarray]) -> np.ndarray:
    """Stack (112, 112, 3) 0..255 to (N, 3, 112, 112) float32 in [-1, 1]."""
    x = np.stack(batch).astype(np.float32) / 127.5 - 1.0
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def window(face: RGB) -> RGB:
    """The network's window of a kept crop without any change: (112, 112, 3) uint8."""
    matrix = np.array([[1, 0, -EDGE], [0, 1, -EDGE]], np.float32)
    return cv2.warpAffine(face, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)

"""Training pictures of the perceptual network: train portraits and face-free pictures.

Faces come from the packs of ``training.portraits`` (group ``train`` only); face-free pictures come
inside scikit-image.  Its astronaut (a test person), its cameraman, coins and LFW faces stay out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import skimage.data

FACE_FREE = (
    "brick.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "grass.png",
    "gravel.png",
    "horse.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)
RGB = np.ndarray


@dataclass(frozen=True)
class Pictures:
    """Faces (N, 256, 256, 3) uint8 RGB with their person, and face-free pictures of any size."""

    faces_rgb_u8: RGB
    person: np.ndarray  # (N,) int, index into people
    sharp: np.ndarray  # (N,) bool: >= 80 px between the eyes in the photo
    others_rgb_u8: tuple[RGB, ...]
    photos_of: tuple[np.ndarray, ...]  # per person the rows of faces_rgb_u8


def face_free() -> tuple[RGB, ...]:
    """The face-free pictures that ship inside scikit-image, RGB uint8, longest side <= 1024."""
    folder = Path(skimage.data.__file__).parent
    pictures = []
    for name in FACE_FREE:
        bgr = cv2.imread(str(folder / name), cv2.IMREAD_COLOR)
        if bgr is None:
            raise FileNotFoundError(f"scikit-image does not hold {name}")
        shrink = min(1.0, 1024 / max(bgr.shape[:2]))
        if shrink < 1:
            bgr = cv2.resize(bgr, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        pictures.append(np.ascontiguousarray(bgr[:, :, ::-1]))
    return tuple(pictures)


def load(packs: Path, group: str = "train") -> Pictures:
    """Read one group's 256 px pack and the face-free pictures."""
    faces = np.load(packs / f"{group}_256.npy")
    rows = json.loads((packs / f"{group}_256.json").read_text("utf-8"))
    people = sorted({row["person"] for row in rows})
    person = np.array([people.index(row["person"]) for row in rows])
    return Pictures(
        faces,
        person,
        np.array([row["iod_native_px"] >= 80 for row in rows]),
        face_free(),
        tuple(np.flatnonzero(person == k) for k in range(len(people))),
    )


def cut(picture: RGB, size: int, share: float, rng: np.random.Generator) -> tuple[RGB, np.ndarray]:
    """A square window of ``share`` of the shorter side, resized to ``size``: (size, size, 3).

    Second value: where it lies, (centre x, centre y, log2 share), centres in [-1, 1].
    """
    height, width = picture.shape[:2]
    side = max(32, round(share * min(height, width)))
    x = int(rng.integers(0, width - side + 1))
    y = int(rng.integers(0, height - side + 1))
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    window = cv2.resize(picture[y : y + side, x : x + side], (size, size), interpolation=how)
    place = np.array(
        [
            (2 * x + side) / width - 1,
            (2 * y + side) / height - 1,
            np.log2(side / min(height, width)),
        ]
    )
    return window, place.astype(np.float32)


def recolour(window: RGB, rng: np.random.Generator) -> np.ndarray:
    """Random light: gain per channel, contrast, brightness, sometimes grey. float32 0..255."""
    x = window.astype(np.float32)
    if rng.random() < 0.15:
        x = np.repeat(x.mean(2, keepdims=True), 3, axis=2)
    gain = rng.uniform(0.6, 1.4) * rng.uniform(0.88, 1.12, 3)
    mean = x.mean()
    x = (x - mean) * gain.astype(np.float32) + mean + rng.uniform(-40, 40)
    return np.clip(x, 0, 255)


def to_m11(batch: list[np.ndarray]) -> np.ndarray:
    """Stack (H, W, 3) 0..255 to (N, 3, H, W) float32 in [-1, 1]."""
    x = np.stack(batch).astype(np.float32) / 127.5 - 1.0
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))

"""Material: folders of small clips and pictures, some broken, for whole batches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

BROKEN = {
    "cut.jpg": "it ends early or is garbled",
    "empty.mp4": "is empty (0 bytes)",
    "words.mp4": "is a text file, not footage",
    "header.mp4": "header.mp4",
    "zeros.mkv": "is of a kind that is not read, not footage",
}
"""Names of broken items and what their reason must hold."""


def frames_of(clip: Path, first: int, count: int) -> list[NDArray[np.uint8]]:
    """``count`` frames of a clip from number ``first`` (0-based), RGB (H, W, 3)."""
    with av.open(clip) as box:
        decoded: Iterator[av.VideoFrame] = box.decode(video=0)
        return [f.to_ndarray(format="rgb24") for f in islice(decoded, first, first + count)]


def write_clip(path: Path, frames: list[NDArray[np.uint8]], height: int) -> Path:
    """The frames at 10 a second as H.264, ``height`` px high."""
    with av.open(path, "w") as box:
        stream = box.add_stream("libx264", rate=10)
        shape = frames[0].shape
        stream.height = height // 2 * 2
        stream.width = round(shape[1] * height / shape[0]) // 2 * 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, 10)
        for number, frame in enumerate(frames):
            picture = Image.fromarray(frame).resize((stream.width, stream.height), Image.BICUBIC)
            made = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            made.pts = number
            box.mux(stream.encode(made))
        box.mux(stream.encode(None))
    return path


def plain(path: Path, number: int) -> Path:
    """A small picture of nobody, different for each number."""
    picture = Image.radial_gradient("L").resize((96, 64)).convert("RGB")
    picture.putpixel((number % 96, number // 96), (255, 0, 0))
    picture.save(path)
    return path


def face(path: Path, frame: NDArray[np.uint8], number: int) -> Path:
    """The right part of a frame as a picture 200 px high, shifted by ``number`` px."""
    height, width = frame.shape[:2]
    part = Image.fromarray(frame).crop((width * 2 // 5 + number % 7, 0, width, height))
    part.resize((round(part.width * 200 / part.height), 200), Image.BICUBIC).save(path)
    return path


def broken(folder: Path, names: list[str], picture: Path) -> None:
    """Write the broken items of these names; ``picture`` is a good JPEG to cut.

    No two are the same bytes, apart from empty ones.
    """
    for number, name in enumerate(names):
        made = {
            "cut.jpg": picture.read_bytes()[: 900 + number],
            "empty.mp4": b"",
            "words.mp4": b"no footage at all\n" * (number + 1),
            "header.mp4": b"\0\0\0\x18ftypisom" + bytes(200 + number),
            "zeros.mkv": bytes(4000 + number),
        }
        base = name.partition("-")[2] or name
        (folder / name).write_bytes(made[base])


def noise(shape: tuple[int, ...], number: int) -> NDArray[np.uint8]:
    """A picture of nothing, RGB (H, W, 3), another for each number."""
    dice = np.random.default_rng(number)
    return dice.integers(0, 256, shape, np.uint8)


def seeded(seed: int) -> random.Random:
    """Random numbers that are the same in every run."""
    return random.Random(seed)

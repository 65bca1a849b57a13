"""Replay, pictures: the pixels of a picture that a bundle holds, for comparison."""

from __future__ import annotations

import io
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forensics.evidence.tree import Tree

MAX_BYTES: Final = 2**30
MAX_PX: Final = 200_000_000
_SIGN: Final = b"\x89PNG\r\n\x1a\n"


class Unreadable(Exception):
    """The stored file is no picture of ours."""


def stored_pixels(tree: Tree, path: str) -> NDArray[np.uint8]:
    """RGB (H, W, 3) uint8 of a PNG in a bundle, without alpha. Raises `Unreadable`."""
    raw = tree.read(path, MAX_BYTES)
    if len(raw) > MAX_BYTES or not raw.startswith(_SIGN) or len(raw) < 33:
        raise Unreadable("it is no PNG that this tool writes")
    width, height = struct.unpack(">II", raw[16:24])
    if not 0 < width * height <= MAX_PX:
        raise Unreadable(f"{width} x {height} px is too large")
    try:
        with Image.open(io.BytesIO(raw), formats=("PNG",)) as picture:
            if picture.mode not in {"RGB", "RGBA"}:
                raise Unreadable(f"mode {picture.mode} instead of RGB")
            samples = np.asarray(picture, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's ways to say that it is broken
        raise Unreadable(f"it cannot be decoded ({type(error).__name__})") from error
    return np.ascontiguousarray(samples[..., :3])


def largest_step(one_u8: NDArray[np.uint8], other_u8: NDArray[np.uint8]) -> int:
    """Largest absolute difference of two pictures of one shape, 0..255."""
    if np.array_equal(one_u8, other_u8):
        return 0
    return int(np.abs(one_u8.astype(np.int16) - other_u8.astype(np.int16)).max())

"""Pairs made on the spot: real frames of the committed clip, and what somebody else made of them.

The restoration is a sharpened enlargement that PyAV codes again: no network is needed to make one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

U8 = NDArray[np.uint8]
RATE = 15


def frames_of(clip: Path, first: int, count: int) -> list[U8]:
    """Frames ``first`` .. of a clip, counted from 1, as RGB (H, W, 3) uint8."""
    found: list[U8] = []
    with av.open(str(clip)) as box:
        for number, frame in enumerate(box.decode(video=0), 1):
            if number >= first:
                found.append(frame.to_ndarray(format="rgb24"))
            if len(found) == count:
                break
    return found


def write_clip(
    path: Path, frames: Sequence[U8], rate: int = RATE, qp: int = 16, pts: Sequence[int] = ()
) -> Path:
    """Code frames as H.264; ``pts`` in units of 1/rate, 0, 1, 2 ... by default."""
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=rate, options={"qp": str(qp)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.pts, frame.time_base = (pts or range(len(frames)))[number], Fraction(1, rate)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return path


def enlarged(rgb: U8, scale: float = 1.5) -> U8:
    """An enlargement that was sharpened, as a restorer without faces would make it."""
    size = (round(rgb.shape[1] * scale) // 2 * 2, round(rgb.shape[0] * scale) // 2 * 2)
    large = cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(large, (0, 0), 1.5)
    return np.asarray(cv2.addWeighted(large, 1.6, soft, -0.6, 0), np.uint8)


def write_pictures(folder: Path, frames: Sequence[U8], name: Callable[[int], str]) -> Path:
    """Frames as PNG files of a folder; ``name`` gives the stem of each, from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, rgb in enumerate(frames, 1):
        Image.fromarray(rgb).save(folder / f"{name(number)}.png")
    return folder

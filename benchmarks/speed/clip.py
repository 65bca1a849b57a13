"""The same clip for everybody: the committed clip at another size, as MP4 and as PNG frames.

Faces are forced, so that both sides see the same ones: their places lie on a grid, eyes 60 px
apart at 720 lines.  Each side still runs its own detector; only what that finds is replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.media.probe import probe
from forensics.media.reader import DecodedFrame, read_frames
from forensics.records import Detection

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures/two_people.mp4"
SIZES = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080), "tiny": (160, 96)}
EYES_AT_720_PX = 60.0
PERSON_COLUMNS = 4


@dataclass(frozen=True)
class Clip:
    """A clip of ``frames`` frames, its PNG frames and the faces every side is to use."""

    path: Path
    pictures: tuple[Path, ...]
    faces: tuple[Detection, ...]
    size: tuple[int, int]

    @property
    def frames(self) -> int:
        return len(self.pictures)


def forced_faces(size: tuple[int, int], count: int) -> tuple[Detection, ...]:
    """``count`` level faces on a grid of the picture (width, height)."""
    width, height = size
    columns = min(PERSON_COLUMNS, count)
    rows = -(-count // PERSON_COLUMNS)
    eyes = EYES_AT_720_PX * height / 720
    out = []
    for k in range(count):
        x = width * (k % columns + 0.5) / columns
        y = height * (k // columns + 0.5) / rows
        offsets = ((-0.5, -0.3), (0.5, -0.3), (0, 0.3), (-0.45, 0.75), (0.45, 0.75))
        a, b, c, d, e = ((x + eyes * u, y + eyes * v) for u, v in offsets)
        box = (x - eyes, y - 1.2 * eyes, x + eyes, y + 1.4 * eyes)
        out.append(Detection(box, (a, b, c, d, e), 0.99))
    return tuple(out)


def make_clip(folder: Path, size_name: str, faces: int, frames: int, fps: int = 25) -> Clip:
    """Write the clip and its frames as they decode, so that both sides start from equal pixels.

    A clip of fewer frames a second than the committed one leaves out frames, so that its people
    move at their own pace and a short clip shows what a long one does.
    """
    size = SIZES[size_name]
    stem = f"{size_name}-{faces}-{frames}"
    path = folder / f"{stem}.mp4"
    _encode(path, size, frames, fps)
    pictures = []
    target = folder / stem
    target.mkdir(exist_ok=True)
    for item in read_frames(probe(path)):
        if not isinstance(item, DecodedFrame):
            raise RuntimeError(f"frame {item.frame} of the made clip cannot be read")
        pictures.append(target / f"{item.frame:06d}.png")
        cv2.imwrite(str(pictures[-1]), item.rgb_u8[..., ::-1])
    return Clip(path, tuple(pictures), forced_faces(size, faces), size)


def _encode(path: Path, size: tuple[int, int], frames: int, fps: int) -> None:
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=fps, options={"crf": "18", "threads": "2"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, fps)
        for number, picture in enumerate(_source(size, frames, fps)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))


def _source(size: tuple[int, int], frames: int, fps: int) -> Iterator[NDArray[np.uint8]]:
    """Frames of the committed clip at ``size``, from its start and, past its end, over again."""
    media = probe(FIXTURE)
    step = max(1.0, float(media.frame_rate_hint or fps) / fps)
    given, passed = 0, 0  # frames given, frames of the committed clip gone by
    while given < frames:
        for item in read_frames(media):
            if given == frames:
                return
            if passed >= given * step and isinstance(item, DecodedFrame):
                sized = cv2.resize(item.rgb_u8, size, interpolation=cv2.INTER_CUBIC)
                yield np.asarray(sized, np.uint8)
                given += 1
            passed += 1

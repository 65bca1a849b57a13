"""Ours: the native engine's stages on a clip, from the file to the file.

Decode > detect > align > restore > background > mask > paste > encode, with the pictures of faces
that upstream's loop writes as well.  Encoding and writing run beside the networks, as in an audit;
measuring and sealing, which upstream does not do, are left out.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.speed.clip import Clip
from benchmarks.speed.weights import BISENET, DETECTOR, GFPGAN, X2PLUS, Weights
from forensics.faces.align import Aligned, align_face, landmarks_array
from forensics.faces.retinaface import OfficialDetector, OfficialDetectorConfig
from forensics.media.probe import probe
from forensics.media.reader import DecodedFrame, read_frames
from forensics.media.writer import Writer, open_writer
from forensics.passes.relay import Relay
from forensics.records import Detection, Failure
from forensics.restore.background import Background, LanczosBackground
from forensics.restore.choose import load_restorer
from forensics.restore.parsing import FaceParser, PartsParser
from forensics.restore.paste import FaceMask, PlacedFace, paste_into
from forensics.restore.realesrgan import RealEsrganBackground
from forensics.restore.restorer import FallenBack, Restorer
from forensics.runtime import make_repeatable

Precision = Literal["exact", "fast"]
U8 = NDArray[np.uint8]
T = TypeVar("T")
UPSCALE = 2
FRAMES_AT_ONCE = 4


@dataclass
class Ours:
    """The native networks, loaded; ``stage_s`` adds up what was waited for in each stage."""

    detector: OfficialDetector
    restorer: Restorer
    background: Background
    parser: FaceParser
    device: torch.device
    stage_s: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(
        cls, weights: Weights, with_background: bool, precision: Precision, device: torch.device
    ) -> Ours:
        """The networks of the profile gfpgan-1.4 at their official size."""
        background: Background = LanczosBackground()
        if with_background:
            background = RealEsrganBackground.load(
                weights.load(X2PLUS), device, precision=precision
            )
        return cls(
            detector=OfficialDetector.load(
                weights.load(DETECTOR), device, OfficialDetectorConfig(precision=precision)
            ),
            restorer=load_restorer(
                weights.load(GFPGAN), device, precision=precision, noise="stored"
            ),
            background=background,
            parser=PartsParser("bisenet", weights.load(BISENET), device, precision=precision),
            device=device,
        )

    def run(self, clip: Clip, numbers: Sequence[int], out: Path) -> float:
        """The whole clip (``numbers`` are all its frames); seconds for all of them."""
        if list(numbers) != list(range(clip.frames)):
            raise ValueError("ours runs whole clips")
        make_repeatable()
        shutil.rmtree(out, ignore_errors=True)
        self.stage_s.clear()
        media = probe(clip.path)  # hashing and counting belong to the audit, not to restoration
        start = time.perf_counter()
        writer = open_writer(media, out, UPSCALE * clip.size[0], UPSCALE * clip.size[1])
        with Relay(2 * FRAMES_AT_ONCE) as relay:
            waiting: list[DecodedFrame] = []
            for item in read_frames(media):
                if not isinstance(item, DecodedFrame):
                    raise RuntimeError(f"frame {item.frame} was not decoded")
                waiting.append(item)
                if len(waiting) == FRAMES_AT_ONCE:
                    self._frames(waiting, clip, writer, relay, out)
                    waiting = []
            if waiting:
                self._frames(waiting, clip, writer, relay, out)
        writer.close()
        seconds = time.perf_counter() - start
        self.stage_s["rest"] = seconds - sum(self.stage_s.values())
        return seconds

    def _frames(
        self, frames: list[DecodedFrame], clip: Clip, writer: Writer, relay: Relay, out: Path
    ) -> None:
        pictures = [frame.rgb_u8 for frame in frames]
        with self._stage("detect"):
            self.detector.detect(pictures)
        aligned = [self._aligned(picture, clip.faces) for picture in pictures]
        crops = [face.crop_rgb_u8 for faces in aligned for face in faces]
        with self._stage("restore"):
            answers = self.restorer.restore(crops)
        drawn: list[U8] = [_made(answer) for answer in answers]
        with self._stage("mask"):
            masks: list[FaceMask] = [_made(mask) for mask in self.parser.masks(drawn)]
        rest = iter(zip(drawn, masks, strict=True))
        for frame, faces in zip(frames, aligned, strict=True):
            with self._stage("background"):
                enlarged = self.background.enlarge(frame.rgb_u8, UPSCALE)
            if enlarged.fallen_back:
                raise RuntimeError(f"the background fell back: {enlarged.fallen_back}")
            own = [next(rest) for _ in faces]
            placed = [
                PlacedFace(face, where.affine, k, mask)
                for k, (where, (face, mask)) in enumerate(zip(faces, own, strict=True))
            ]
            relay.put(partial(_finish, frame, enlarged.rgb_u8, placed, clip.size, writer))
            relay.put(partial(_pictures, out, frame.frame, faces, [face for face, _ in own]))

    def _aligned(self, picture: U8, faces: tuple[Detection, ...]) -> list[Aligned]:
        return [align_face(picture, landmarks_array(face.landmarks_px)) for face in faces]

    def _stage(self, name: str) -> _Stage:
        return _Stage(self, name)


@dataclass
class _Stage:
    """Adds the time inside it to a stage."""

    ours: Ours
    name: str
    start: float = 0.0

    def __enter__(self) -> None:
        self.start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        if self.ours.device.type == "cuda":
            torch.cuda.synchronize(self.ours.device)
        took = time.perf_counter() - self.start
        self.ours.stage_s[self.name] = self.ours.stage_s.get(self.name, 0.0) + took


def _made(answer: T | FallenBack | Failure) -> T:
    """What a network drew; a benchmark with failures in it measures nothing."""
    if isinstance(answer, FallenBack | Failure):
        raise RuntimeError(f"a face failed or fell back: {answer}")
    return answer


def _finish(
    frame: DecodedFrame,
    picture: U8,
    placed: Sequence[PlacedFace],
    size: tuple[int, int],
    writer: Writer,
) -> None:
    """Paste and encode, beside the networks."""
    paste_into(picture, placed, size)
    writer.write(frame, picture)


def _pictures(out: Path, frame: int, faces: Sequence[Aligned], drawn: Sequence[U8]) -> None:
    """The three pictures of a face that upstream's loop writes too."""
    for k, (face, answer) in enumerate(zip(faces, drawn, strict=True)):
        name = f"{frame:06d}_{k:02d}.png"
        for folder, picture in (
            ("cropped_faces", face.crop_rgb_u8),
            ("restored_faces", answer),
            ("cmp", np.hstack([face.crop_rgb_u8, answer])),
        ):
            (out / folder).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(out / folder / name), picture[..., ::-1])

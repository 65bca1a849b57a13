"""Footage to choose the detector's views and threshold by; it belongs to no test.

Three parts: photographs of ``degraded_faces``, scenes of people of the list ``fit``, and the
training clips.  Photographs and scenes are filmed by a camera that drifts and trembles, in the
light and in the dark, sharp and blurred; everything is coded as H.264 at a drawn quality, as
footage is.  One frame of a filmed picture is shown, every fifth of a clip.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.detection import EYES_MIN_PX, Judge, frames, judged, train_clips
from training.detector.backgrounds import clip_frames, pictures
from training.detector.degrade import darkened
from training.detector.scenes import Painter, read_portraits

SEED = 20261130
FILMED, SHOWN = 11, 5  # frames of a filmed picture, and the one that is looked at
CLIP_STEP = 5
SCENES, SCENE_PX = 240, 320
CLIP_SCALES = (1.0, 0.4)
ENDINGS = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Shown:
    """rgb (H, W, 3) uint8; present (N, 4) faces to be found; known (M, 4) faces of any judge."""

    part: str
    rgb_u8: np.ndarray
    present_px: np.ndarray
    known_px: np.ndarray


def footage(data: Path, packs: Path) -> Iterator[Shown]:
    """All of it, in an order that does not change."""
    judges = (Judge(data, "yunet_s"), Judge(data, "yunet_n"))
    yield from photographs(data, judges)
    yield from scenes(data, packs, judges)
    yield from clips(data, judges)


def photographs(data: Path, judges: tuple[Judge, Judge]) -> Iterator[Shown]:
    """Photographs at several sizes; where they are only dark, the judges see the light one."""
    paths = [p for p in (data / "degraded_faces").rglob("*") if p.suffix.lower() in ENDINGS]
    for number, path in enumerate(sorted(paths)):
        rgb = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        long = max(rgb.shape[:2])
        for side in (640, 400, 256):
            if side > long:
                continue
            scale = side / long
            small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            for kind in range(4):
                draw = np.random.default_rng((SEED, 1, number, side, kind))
                dark, poor = bool(kind & 1), bool(kind & 2)
                filmed, matrix = _filmed(draw, small, dark=dark, poor=poor)
                light = _seen_by(cv2.GaussianBlur(small, (0, 0), 1.0) if poor else small, matrix)
                height, width = filmed.shape[:2]
                plain, in_light = judged(light[:height, :width], judges)
                hard, as_shown = judged(filmed, judges)
                yield Shown(
                    "photographs",
                    filmed,
                    hard if poor else plain,
                    np.concatenate((in_light, as_shown)),
                )


def scenes(data: Path, packs: Path, judges: tuple[Judge, Judge]) -> Iterator[Shown]:
    """Painted scenes of people of ``fit``; what is present is known from the painting."""
    images, stretches = pictures(), clip_frames(data, every=30)
    painter = Painter(read_portraits(data, packs, "fit_256.json"), images, stretches, SCENE_PX)
    for k in range(SCENES):
        draw = np.random.default_rng((SEED, 2, k))
        scene = painter.scene(draw, crowd=k % 3 == 2)
        dark, poor = bool(draw.random() < 0.5), bool(draw.random() < 0.4)
        filmed, matrix = _filmed(draw, scene.rgb_u8, dark=dark, poor=poor)
        corners = scene.boxes_px.reshape(-1, 2, 2) @ matrix[:, :2].T + matrix[:, 2]
        boxes = corners.reshape(-1, 4)
        points = scene.points_px.reshape(-1, 5, 2)
        eyes = np.linalg.norm(points[:, 0] - points[:, 1], axis=1)
        known = judged(filmed, judges)[1]
        present = boxes[scene.face & (eyes >= EYES_MIN_PX)]
        yield Shown("scenes", filmed, present, np.concatenate((boxes, known)))


def clips(data: Path, judges: tuple[Judge, Judge]) -> Iterator[Shown]:
    """The training clips, whole and small, light and dark; the judges see them as they came."""
    for number, (path, _) in enumerate(train_clips(data)):
        whole = list(frames(path, 1))
        truth = {k: judged(whole[k], judges) for k in range(0, len(whole), CLIP_STEP)}
        for kind in range(4):
            draw = np.random.default_rng((SEED, 3, number, kind))
            scale = CLIP_SCALES[kind >> 1]
            way = cv2.INTER_AREA
            shown = [cv2.resize(f, None, fx=scale, fy=scale, interpolation=way) for f in whole]
            light = int(draw.integers(1 << 31))  # the same light in every frame
            if kind & 1:
                shown = [darkened(np.random.default_rng(light), f) for f in shown]
                shown = [grained(draw, f, 3) for f in shown]
            for k, rgb in enumerate(coded(shown, int(draw.integers(20, 37)))):
                if k in truth:
                    yield Shown("clips", rgb, *(boxes * scale for boxes in truth[k]))
        # as they came, too
        for k, boxes in truth.items():
            yield Shown("clips as they came", whole[k], *boxes)


def _filmed(
    draw: np.random.Generator, rgb_u8: np.ndarray, *, dark: bool, poor: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The frame that is shown, and picture px -> its px (2, 3)."""
    base = darkened(draw, rgb_u8) if dark else rgb_u8
    if poor:
        base = cv2.GaussianBlur(base, (0, 0), float(draw.uniform(0.6, 4)))
    grain = float(draw.uniform(0, 6)) if dark or poor else 0.0
    path = _camera(draw, rgb_u8.shape)
    film = [grained(draw, _seen_by(base, matrix), grain) for matrix in path]
    return coded(film, int(draw.integers(18, 37)))[SHOWN], path[SHOWN]


def _camera(draw: np.random.Generator, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Drift of about a pixel a frame, a little zoom, and tremble: an affine for each frame."""
    centre = np.array([shape[1] / 2, shape[0] / 2])
    drift, zoom = draw.normal(0, 1.0, 2), draw.normal(0, 0.006)
    path = []
    for k in range(FILMED):
        scale = np.exp(zoom * (k - SHOWN))
        at = drift * (k - SHOWN) + draw.normal(0, 0.35, 2)
        path.append(np.hstack([np.eye(2) * scale, (centre - scale * centre + at)[:, None]]))
    return path


def _seen_by(rgb_u8: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    size = (rgb_u8.shape[1], rgb_u8.shape[0])
    way, rim = cv2.INTER_CUBIC, cv2.BORDER_REFLECT
    return cv2.warpAffine(rgb_u8, matrix, size, flags=way, borderMode=rim)


def grained(draw: np.random.Generator, rgb_u8: np.ndarray, sigma: float) -> np.ndarray:
    grain = draw.standard_normal(rgb_u8.shape, np.float32) * sigma
    return np.clip(rgb_u8 + grain, 0, 255).astype(np.uint8)


def coded(film: list[np.ndarray], crf: int) -> list[np.ndarray]:
    """Through H.264 in one thread; an odd row or column is cut off.

    x264 did not always repeat itself here (one of 30 codings differed by a few grey levels), so the
    counts of `choose` may move by one.
    """
    height, width = (n - n % 2 for n in film[0].shape[:2])
    held = io.BytesIO()
    with av.open(held, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
        stream.thread_count = 1
        for rgb in film:
            cut = np.ascontiguousarray(rgb[:height, :width])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(cut, format="rgb24")))
        out.mux(stream.encode())
    held.seek(0)
    with av.open(held) as back:
        return [frame.to_ndarray(format="rgb24") for frame in back.decode(video=0)]

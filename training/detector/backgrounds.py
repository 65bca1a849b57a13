"""Backgrounds of the detector's scenes: pictures and textures without faces, and clip frames.

Pictures come from scikit-image's own data. Left out: ``astronaut`` (the project's fixture),
``camera`` (a person) and ``coins`` (heads in relief), because they would teach that a face is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import skimage
import torch
from facexlib.detection.retinaface import RetinaFace

from training.portraits import LISTS, detect, yunet

PICTURES = (
    "brick.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "color.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "logo.png",
    "moon.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)


@dataclass(frozen=True)
class Frame:
    """A clip frame with the teachers' faces: boxes (N, 4) x0 y0 x1 y1, points (N, 5, 2), px.

    ``sure`` (N,) bool: two teachers agree; the others are ignored, neither face nor background.
    """

    clip: str
    rgb_u8: np.ndarray
    boxes_px: np.ndarray
    points_px: np.ndarray
    sure: np.ndarray


def pictures() -> list[np.ndarray]:
    """The face-free pictures, RGB uint8."""
    folder = Path(skimage.__file__).parent / "data"
    found = []
    for name in PICTURES:
        bgr = cv2.imread(str(folder / name), cv2.IMREAD_COLOR)
        if bgr is None:
            raise SystemExit(f"{name} is not in scikit-image's data folder")
        found.append(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    return found


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Overlap of boxes (N, 4) and (M, 4), x0 y0 x1 y1: (N, M) in 0..1."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area_a = np.prod(a[:, 2:] - a[:, :2], axis=1)
    area_b = np.prod(b[:, 2:] - b[:, :2], axis=1)
    return shared / np.maximum(area_a[:, None] + area_b[None] - shared, 1e-9)


def official(data: Path) -> RetinaFace:
    """The official mobile0.25 weights as a teacher (MIT, facexlib release); never shipped."""
    net = RetinaFace(network_name="mobile0.25", phase="train", device=torch.device("cpu"))
    path = data / "models" / "retinaface" / "detection_mobilenet0.25_Final.pth"
    state = torch.load(path, map_location="cpu", weights_only=True)
    net.load_state_dict({k.removeprefix("module."): v for k, v in state.items()}, strict=True)
    return net.eval().requires_grad_(False)


def clip_frames(data: Path, every: int = 3) -> list[Frame]:
    """Frames of the clips in ``lists/clips_train.txt`` with YuNet's and RetinaFace's faces."""
    names = [
        line
        for line in (LISTS / "clips_train.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    teacher = official(data)
    small, normal = yunet(data, 0.3, "yunet_s"), yunet(data, 0.3, "yunet_n")
    frames = []
    for name in names:
        with av.open(str(data / "clips" / "intel" / "asl_gestures" / name)) as container:
            for k, frame in enumerate(container.decode(video=0)):
                if k % every:
                    continue
                rgb = frame.to_ndarray(format="rgb24")
                bgr = np.ascontiguousarray(rgb[..., ::-1])
                frames.append(_judged(name, rgb, bgr, (small, normal), teacher))
    return frames


def _judged(
    name: str,
    rgb: np.ndarray,
    bgr: np.ndarray,
    judges: tuple[cv2.FaceDetectorYN, cv2.FaceDetectorYN],
    teacher: RetinaFace,
) -> Frame:
    """Faces of one frame; sure where YuNet (n) and one other teacher agree at IoU 0.5."""
    found = []
    for judge in judges:
        rows = detect(judge, bgr)
        boxes = np.concatenate((rows[:, :2], rows[:, :2] + rows[:, 2:4]), axis=1)
        found.append((boxes, rows[:, 4:14].reshape(-1, 5, 2), rows[:, 14]))
    with torch.inference_mode():
        teacher.phase = "test"
        rows = teacher.detect_faces(bgr, 0.5)
        teacher.phase = "train"
    found.append((rows[:, :4], rows[:, 5:].reshape(-1, 5, 2), rows[:, 4]))
    (s_boxes, s_points, s_score), (n_boxes, n_points, n_score), (r_boxes, r_points, _) = found
    agree_s = iou(n_boxes, s_boxes[s_score > 0.6]).max(axis=1, initial=0) > 0.5
    agree_r = iou(n_boxes, r_boxes).max(axis=1, initial=0) > 0.5
    sure = (n_score > 0.6) & (agree_s | agree_r)
    rest_s = iou(s_boxes, n_boxes).max(axis=1, initial=0) < 0.5
    rest_r = iou(r_boxes, n_boxes).max(axis=1, initial=0) < 0.5
    boxes = np.concatenate((n_boxes, s_boxes[rest_s], r_boxes[rest_r])).astype(np.float32)
    points = np.concatenate((n_points, s_points[rest_s], r_points[rest_r])).astype(np.float32)
    flags = np.concatenate((sure, np.zeros(len(boxes) - len(sure), bool)))
    return Frame(name, rgb, boxes, points, flags)


def procedural(draw: np.random.Generator, size: int) -> np.ndarray:
    """A texture (size, size, 3) uint8: cloud noise or a gradient, with shapes on it."""
    if draw.random() < 0.6:
        grid = int(draw.choice((2, 4, 8, 16, 40)))
        base = draw.normal(0, 1, (grid, grid, 3)) * draw.uniform(5, 60)
        base += draw.uniform(20, 235, 3)
        canvas = cv2.resize(base.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    else:
        ends = draw.uniform(0, 255, (2, 2, 3)).astype(np.float32)
        canvas = cv2.resize(ends, (size, size), interpolation=cv2.INTER_LINEAR)
    canvas = np.clip(canvas, 0, 255).astype(np.uint8)
    for _ in range(int(draw.integers(0, 14))):
        shape(draw, canvas, skin=bool(draw.random() < 0.35))
    return canvas


def skin_rgb(draw: np.random.Generator) -> tuple[int, int, int]:
    """A colour in the range of human skin, light to dark, under warm to neutral light."""
    light = draw.uniform(40, 240)
    return (
        int(light),
        int(light * draw.uniform(0.6, 0.88)),
        int(light * draw.uniform(0.42, 0.8)),
    )


def shape(draw: np.random.Generator, canvas: np.ndarray, *, skin: bool) -> None:
    """Draw one ellipse, rectangle, line or word on ``canvas`` in place; it is no face."""
    size = canvas.shape[0]
    colour = skin_rgb(draw) if skin else tuple(int(v) for v in draw.integers(0, 256, 3))
    x, y = (int(v) for v in draw.integers(0, size, 2))
    a, b = (int(v) for v in np.exp(draw.uniform(np.log(4), np.log(size / 3), 2)))
    kind = draw.integers(0, 4)
    if kind == 0 or skin:
        b = int(np.clip(b, a * 0.5, a * 2.2))
        cv2.ellipse(canvas, (x, y), (a, b), float(draw.uniform(0, 180)), 0, 360, colour, -1, 16)
        if skin and draw.random() < 0.4:  # knuckles, shadows
            for _ in range(int(draw.integers(1, 5))):
                shade = tuple(int(c * 0.7) for c in colour)
                at = (int(x + draw.normal(0, a / 2)), int(y + draw.normal(0, b / 2)))
                cv2.ellipse(canvas, at, (max(1, a // 6), max(1, b // 10)), 0, 0, 360, shade, -1, 16)
    elif kind == 1:
        cv2.rectangle(canvas, (x, y), (x + a, y + b), colour, -1)
    elif kind == 2:
        cv2.line(canvas, (x, y), (x + a, y - b), colour, int(draw.integers(1, 9)), 16)
    else:
        cv2.putText(canvas, "forensics"[: 2 + a % 7], (x, y), 0, a / 40 + 0.2, colour, 2, 16)

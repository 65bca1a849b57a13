"""Photographs outside every test, to choose weights and the score threshold by.

``python -m training.detector.stills --data DIR --weights FILE [FILE ...]`` prints recall and extra
boxes on the pictures of ``degraded_faces`` at every threshold. Each is seen at several sizes: as it
is, in the dark, and blurred and compressed in both lights. A face is present and a box is extra by
the rules of ``benchmarks.detection``; the judges see what the detector sees, except in the dark
pictures of the plain part, where they see the light one. Nothing here is trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import safetensors.torch
import torch

from benchmarks.detection import EYES_MIN_PX, OVERLAP, PRESENT_SCORE, Judge, overlap
from forensics.faces.detector import Detector, DetectorConfig
from training.detector.degrade import darkened

THRESHOLDS = (0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
SEED = 15
ENDINGS = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class View:
    """rgb (H, W, 3) uint8; present (N, 4) faces to be found; known (M, 4) faces of any judge."""

    part: str
    rgb_u8: np.ndarray
    present_px: np.ndarray
    known_px: np.ndarray


def views(data: Path) -> Iterator[View]:
    """All views, in an order that does not change."""
    judges = (Judge(data, "yunet_s"), Judge(data, "yunet_n"))
    paths = [p for p in (data / "degraded_faces").rglob("*") if p.suffix.lower() in ENDINGS]
    for number, path in enumerate(sorted(paths)):
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if bgr is None:
            continue
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        long = max(rgb.shape[:2])
        for side in (640, 400, 256):
            if side > long:
                continue
            scale = side / long
            small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            draw = np.random.default_rng((SEED, number, side))
            faces = _judged(small, judges)
            yield View("plain", small, *faces)
            yield View("plain", darkened(draw, small), *faces)
            for k in range(3 if side > 256 else 0):
                seen = _poor(draw, darkened(draw, small) if k else small)
                yield View("poor", seen, *_judged(seen, judges))


def _poor(draw: np.random.Generator, rgb_u8: np.ndarray) -> np.ndarray:
    """Blurred, and in six of ten cases compressed."""
    soft = cv2.GaussianBlur(rgb_u8, (0, 0), float(draw.uniform(0.6, 5)))
    if draw.random() < 0.6:
        coded = cv2.imencode(".jpg", soft, [cv2.IMWRITE_JPEG_QUALITY, int(draw.integers(25, 80))])
        soft = cv2.imdecode(coded[1], cv2.IMREAD_COLOR)
    return soft


def _judged(rgb_u8: np.ndarray, judges: tuple[Judge, Judge]) -> tuple[np.ndarray, np.ndarray]:
    small, normal = (judge.faces(rgb_u8) for judge in judges)
    eyes = np.linalg.norm(small[:, 4:6] - small[:, 6:8], axis=1)
    present = small[(small[:, 14] >= PRESENT_SCORE) & (eyes >= EYES_MIN_PX), :4]
    return present, np.concatenate((small, normal))[:, :4]


def table(state: dict[str, torch.Tensor], shown: list[View]) -> list[str]:
    """A line for each part and threshold."""
    config = DetectorConfig(score_min=min(THRESHOLDS), looks_px=())
    answers = Detector.load(state, config=config).detect([v.rgb_u8 for v in shown])
    lines = []
    for part in ("plain", "poor", "both"):
        chosen = [k for k, v in enumerate(shown) if part in (v.part, "both")]
        for threshold in THRESHOLDS:
            present = found = boxes = extra = 0
            for k in chosen:
                kept = [d.box_px for d in answers[k] if d.score >= threshold]
                mine = np.array(kept).reshape(-1, 4)
                hits = overlap(shown[k].present_px, mine).max(axis=1, initial=0) >= OVERLAP
                strange = overlap(mine, shown[k].known_px).max(axis=1, initial=0) < OVERLAP
                present, found = present + len(hits), found + int(hits.sum())
                boxes, extra = boxes + len(mine), extra + int(strange.sum())
            lines.append(
                f"{part:5s} score>={threshold:.2f}  recall {found}/{present}="
                f"{found / max(present, 1):.1%}  extra {extra}/{boxes}={extra / max(boxes, 1):.1%}"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    shown = list(views(args.data))
    for path in args.weights:
        for line in table(safetensors.torch.load_file(path), shown):
            print(path.name, line, flush=True)


if __name__ == "__main__":
    main()

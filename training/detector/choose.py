"""Choice of the score threshold and of the enlargement rule, on training material alone.

``python -m training.detector.choose --data DIR --packs DIR --run OUT [--weights FILE]`` prints, for
each threshold, recall and extra boxes on fresh scenes (seed apart from the training scenes',
degraded as in training) and on the training clips at several sizes, as they are and enlarged.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import cv2
import numpy as np
import safetensors.torch
import torch

from benchmarks.detection import Judge, frames, overlap, train_clips
from forensics.faces.detector import Detector, DetectorConfig
from forensics.records import Detection
from training.detector.backgrounds import clip_frames, pictures
from training.detector.config import Config
from training.detector.degrade import darkened, degrade
from training.detector.scenes import Painter, Scene, read_portraits

THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
EYES_PX = ((7, 12), (12, 20), (20, 40), (40, 200))


def fresh_scenes(data: Path, packs: Path, count: int) -> list[Scene]:
    """Scenes that no shard of the training holds, degraded as the student saw them."""
    config = Config()
    painter = Painter(
        read_portraits(data, packs), pictures(), clip_frames(data, every=30), config.scene_px
    )
    found = []
    for k in range(count):
        draw = np.random.default_rng((config.seed, 999, k))
        # every third as the crowd shard is to the others, and dark ones as the last cycle saw them
        scene = painter.scene(draw, crowd=k % 3 == 2)
        dark = draw.random() < config.darker
        rgb = darkened(draw, scene.rgb_u8) if dark else scene.rgb_u8
        found.append(dataclasses.replace(scene, rgb_u8=degrade(draw, rgb)))
    return found


def scene_table(detector: Detector, scenes: list[Scene]) -> None:
    """Recall by eye distance and extra boxes a scene, at every threshold."""
    answers = detector.detect([s.rgb_u8 for s in scenes])
    for threshold in THRESHOLDS:
        hits = {bounds: [0, 0] for bounds in EYES_PX}
        extra = boxes = 0
        for scene, found in zip(scenes, answers, strict=True):
            mine = _boxes(found, threshold)
            best = overlap(scene.boxes_px, mine).max(axis=1, initial=0)
            points = scene.points_px.reshape(-1, 5, 2)
            eyes = np.linalg.norm(points[:, 0] - points[:, 1], axis=1)
            for k in np.flatnonzero(scene.face):
                for bounds in EYES_PX:
                    if bounds[0] <= eyes[k] < bounds[1]:
                        hits[bounds][0] += int(best[k] >= 0.5)
                        hits[bounds][1] += 1
            extra += int((overlap(mine, scene.boxes_px).max(axis=1, initial=0) < 0.3).sum())
            boxes += len(mine)
        parts = "  ".join(
            f"{b[0]}-{b[1]} px {h}/{n}={h / max(n, 1):.0%}" for b, (h, n) in hits.items()
        )
        print(f"scenes  score>={threshold:.2f}  recall {parts}  extra {extra} of {boxes}")


def clip_table(state: dict[str, torch.Tensor], data: Path, every: int) -> None:
    """Recall and extra boxes on the training clips, shrunk, without and with enlargement."""
    small_judge, judge = Judge(data, "yunet_s"), Judge(data, "yunet_n")
    whole = [f for path, _ in train_clips(data) for f in frames(path, every)]
    for shrink in (1.0, 0.5, 0.25):
        seen = [
            cv2.resize(f, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) for f in whole
        ]
        truth = [small_judge.faces(f) for f in whole]
        known = [np.concatenate((t, judge.faces(f))) for t, f in zip(truth, whole, strict=True)]
        for enlarge in (False, True):
            limit = 10_000 if enlarge else 0
            config = DetectorConfig(score_min=min(THRESHOLDS), enlarge_up_to_px=limit, looks_px=())
            if enlarge and shrink == 1.0:
                continue
            answers = Detector.load(state, config=config).detect(seen)
            for threshold in THRESHOLDS:
                present = found = boxes = extra = 0
                for ours, rows, all_rows in zip(answers, truth, known, strict=True):
                    mine = _boxes(ours, threshold) / shrink
                    faces = rows[rows[:, 14] >= 0.7, :4]
                    present += len(faces)
                    found += int((overlap(faces, mine).max(axis=1, initial=0) >= 0.5).sum())
                    boxes += len(mine)
                    best = overlap(mine, all_rows[:, :4]).max(axis=1, initial=0)
                    extra += int((best < 0.5).sum())
                print(
                    f"clips x{shrink} enlarged {enlarge!s:5}  score>={threshold:.2f}  "
                    f"recall {found}/{present}={found / max(present, 1):.1%}  extra {extra}/{boxes}"
                )


def _boxes(found: list[Detection], threshold: float) -> np.ndarray:
    return np.array([d.box_px for d in found if d.score >= threshold]).reshape(-1, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=150)
    parser.add_argument("--every", type=int, default=15)
    args = parser.parse_args()
    torch.set_num_threads(1)
    state = safetensors.torch.load_file(args.weights)
    config = DetectorConfig(score_min=min(THRESHOLDS), enlarge_up_to_px=0, looks_px=())
    scene_table(
        Detector.load(state, config=config), fresh_scenes(args.data, args.packs, args.scenes)
    )
    clip_table(state, args.data, args.every)


if __name__ == "__main__":
    main()

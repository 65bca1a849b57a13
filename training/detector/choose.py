"""Choice of the detector's views, its threshold and its enlargement of small frames.

``python -m training.detector.choose --data DIR --packs DIR [--weights FILE]`` prints, on footage of
no test (`footage`), recall and extra boxes for each set of views at the threshold of the rule: the
lowest at which at most 1.5 % of the boxes are extra.  A face is present and a box is extra by the
rules of ``benchmarks.detection``.  Then, on the training clips shrunk, with and without
enlargement, recall and extra boxes at the shipped settings.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import safetensors.torch
import torch

from benchmarks.detection import OVERLAP, Judge, frames, overlap, train_clips
from forensics.faces.detector import Detector, DetectorConfig, View
from forensics.models.load import load_embedded
from forensics.records import Detection
from training.detector.footage import Shown, footage

THRESHOLDS = np.arange(0.2, 0.955, 0.01)
EXTRA_MAX = 0.015
PLAIN, MIRRORED = View(), View(mirrored=True)
VIEW_SETS: dict[str, tuple[View, ...]] = {
    "alone": (PLAIN,),
    "mirrored": (PLAIN, MIRRORED),
    "0.5 mirrored": (PLAIN, View(0.5, mirrored=True)),
    "0.7": (PLAIN, View(0.7)),
    "0.7 mirrored": (PLAIN, View(0.7, mirrored=True)),
    "1.4 mirrored": (PLAIN, View(1.4, mirrored=True)),
    "0.7, 0.5 mirrored": (PLAIN, View(0.7, mirrored=True), View(0.5, mirrored=True)),
    "0.7, each mirrored too": (PLAIN, MIRRORED, View(0.7), View(0.7, mirrored=True)),
}


@dataclass(frozen=True)
class Count:
    """Faces present and found, boxes and extra ones, at one threshold."""

    present: int
    found: int
    boxes: int
    extra: int

    def __str__(self) -> str:
        recall, extra = self.found / max(self.present, 1), self.extra / max(self.boxes, 1)
        return (
            f"recall {self.found}/{self.present}={recall:.1%}  "
            f"extra {self.extra}/{self.boxes}={extra:.2%}"
        )


def counted(shown: list[Shown], answers: list[list[Detection]], threshold: float) -> Count:
    """What is kept at a threshold against what is there."""
    present = found = boxes = extra = 0
    for one, ours in zip(shown, answers, strict=True):
        mine = np.array([d.box_px for d in ours if d.score >= threshold]).reshape(-1, 4)
        hits = overlap(one.present_px, mine).max(axis=1, initial=0) >= OVERLAP
        strange = overlap(mine, one.known_px).max(axis=1, initial=0) < OVERLAP
        present, found = present + len(hits), found + int(hits.sum())
        boxes, extra = boxes + len(mine), extra + int(strange.sum())
    return Count(present, found, boxes, extra)


def by_rule(shown: list[Shown], answers: list[list[Detection]]) -> float:
    """The threshold of the rule; the highest tried where none keeps it."""
    for threshold in THRESHOLDS:
        count = counted(shown, answers, threshold)
        if count.extra <= EXTRA_MAX * count.boxes:
            return float(threshold)
    return float(THRESHOLDS[-1])


def view_table(state: Mapping[str, torch.Tensor], shown: list[Shown]) -> Iterator[str]:
    """Lines for each set of views: all parts together, then each."""
    for name, views in VIEW_SETS.items():
        config = DetectorConfig(views=views, score_min=float(THRESHOLDS[0]), looks_px=())
        answers = Detector.load(state, config=config).detect([s.rgb_u8 for s in shown])
        threshold = by_rule(shown, answers)
        cost = sum(view.scale**2 for view in views)
        yield f"{name:22s} cost {cost:.2f}  score>={threshold:.2f}  " + str(
            counted(shown, answers, threshold)
        )
        for part in dict.fromkeys(s.part for s in shown):
            rows = [k for k, s in enumerate(shown) if s.part == part]
            count = counted([shown[k] for k in rows], [answers[k] for k in rows], threshold)
            yield f"    {part:18s} {count}"


def enlargement_table(
    state: Mapping[str, torch.Tensor], data: Path, every: int = 15
) -> Iterator[str]:
    """The training clips, shrunk, without and with enlargement."""
    judges = (Judge(data, "yunet_s"), Judge(data, "yunet_n"))
    whole = [f for path, _ in train_clips(data) for f in frames(path, every)]
    truth = []
    for frame in whole:
        small, normal = (judge.faces(frame) for judge in judges)
        truth.append((small[small[:, 14] >= 0.7, :4], np.concatenate((small, normal))[:, :4]))
    for shrink in (0.5, 0.25):
        way = cv2.INTER_AREA
        seen = [cv2.resize(f, None, fx=shrink, fy=shrink, interpolation=way) for f in whole]
        shown = [
            Shown("clips", f, present * shrink, known * shrink)
            for f, (present, known) in zip(seen, truth, strict=True)
        ]
        for limit in (0, 10_000):
            config = dataclasses.replace(DetectorConfig(), enlarge_up_to_px=limit, looks_px=())
            answers = Detector.load(state, config=config).detect(seen)
            count = counted(shown, answers, config.score_min)
            yield f"clips x{shrink} enlarged {bool(limit)!s:5}  {count}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="instead of the embedded weights")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    state = (
        safetensors.torch.load_file(args.weights)
        if args.weights
        else load_embedded("detector").state
    )
    for line in view_table(state, list(footage(args.data, args.packs))):
        print(line, flush=True)
    for line in enlargement_table(state, args.data):
        print(line, flush=True)


if __name__ == "__main__":
    main()

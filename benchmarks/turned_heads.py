"""Recall by the turn of the head, on rendered heads of held-out people.

``python -m benchmarks.turned_heads --data ../shared/data --packs DIR [--weights FILE]``: portraits
of the people of ``val``, turned by the geometry of ``training.detector.heads`` (a picture of a
turned head, no photograph of one), on a grey ground, as they are and in the dark. A face is found
where a box overlaps the geometry's by IoU 0.5. ``DIR`` holds ``meshes_val.npz`` (``mesh_teacher``).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import safetensors.torch
import torch

from benchmarks.detection import Find, overlap
from forensics.faces.detector import Detector, DetectorConfig
from forensics.models.load import load_embedded
from training.detector import heads
from training.detector.degrade import darkened
from training.detector.turned import read_head

YAWS_DEG = (0, 20, 35, 50, 65, 80)
EYES_PX = 24.0  # eye distance were the head not turned
SIDE_PX = 256
OVERLAP = 0.5
GROUND = (96, 102, 110)
SEED = 4
EVERY = 2  # every second photo of val


def view(head: heads.Head, yaw_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """The head turned to ``yaw_deg`` in the middle of a picture, and its box."""
    turned = heads.render(head, yaw_deg - head.yaw_deg, 0.0, 0.0)
    scale = EYES_PX / turned.eyes_px
    small = cv2.resize(turned.rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    box = turned.box_px * scale
    shift = SIDE_PX / 2 - (box[:2] + box[2:]) / 2
    affine = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    layer = cv2.warpAffine(small, affine, (SIDE_PX, SIDE_PX)).astype(np.float32)
    alpha = layer[..., 3:] / 255
    picture = np.array(GROUND, np.float32) * (1 - alpha) + layer[..., :3] * alpha
    return picture.astype(np.uint8), box + np.tile(shift, 2)


def by_turn(find: Find, data: Path, packs: Path) -> dict[str, dict[int, tuple[int, int]]]:
    """Found and shown, by light and by turn; every portrait is turned to both sides in turn."""
    rows = json.loads((packs / "val_256.json").read_text("utf-8"))
    counts = {light: dict.fromkeys(YAWS_DEG, (0, 0)) for light in ("as it is", "dark")}
    with np.load(packs / "meshes_val.npz") as shapes:
        usable = np.flatnonzero(shapes["found"])[::EVERY].tolist()
        mesh, person = shapes["mesh"], shapes["person"]
    for k in usable:
        row = rows[k]
        head = read_head(data, row, mesh[k], person[k])
        for number, yaw in enumerate(YAWS_DEG):
            picture, box = view(head, yaw if (k + number) % 2 else -yaw)
            dark = darkened(np.random.default_rng((SEED, k, number)), picture)
            for light, found in zip(counts, find([picture, dark]), strict=True):
                mine = np.array([d.box_px for d in found]).reshape(-1, 4)
                hit = overlap(box[None], mine).max(initial=0) >= OVERLAP
                hits, shown = counts[light][yaw]
                counts[light][yaw] = (hits + int(hit), shown + 1)
    return counts


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
    detector = Detector.load(state, config=DetectorConfig(looks_px=()))  # boxes alone count here
    for light, turns in by_turn(detector.detect, args.data, args.packs).items():
        line = "  ".join(f"{y} deg {h}/{n}={h / n:.1%}" for y, (h, n) in turns.items())
        print(f"{light:9s} {line}", flush=True)


if __name__ == "__main__":
    main()

"""Contact sheet of the detector: held-out people, turned by rendering, with what was found.

``python -m training.detector.sheet --data DIR --packs PACKS [--weights FILE]`` writes
``training/detector/contact_sheet.jpg``: people of ``val`` from ``us_congress_118`` (public domain),
every third row in the dark; box and points of the detector in yellow and green, the geometry's box
in red where nothing was found.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import safetensors.torch
import torch

from benchmarks.turned_heads import view
from forensics.faces.detector import Detector
from forensics.models.load import load_embedded
from training.detector import heads
from training.detector.degrade import darkened
from training.detector.turned import read_head

SHEET = Path(__file__).parent / "contact_sheet.jpg"
YAWS_DEG = (-80, -60, -40, -20, 20, 40, 60, 80)
ROWS = 6
TILE_PX = 144


def tile(detector: Detector, head: heads.Head, yaw_deg: float, dark: int | None) -> np.ndarray:
    """One view with its detections drawn; ``dark`` seeds the darkness."""
    picture, box = view(head, yaw_deg)
    if dark is not None:
        picture = darkened(np.random.default_rng((4, dark)), picture)
    found = detector.detect([picture])[0]
    shown = picture.copy()
    for one in found:
        x0, y0, x1, y1 = (round(v) for v in one.box_px)
        cv2.rectangle(shown, (x0, y0), (x1, y1), (255, 220, 0), 1)
        for x, y in one.landmarks_px:
            cv2.circle(shown, (round(x), round(y)), 1, (0, 255, 0), -1)
    if not found:
        x0, y0, x1, y1 = (round(v) for v in box)
        cv2.rectangle(shown, (x0, y0), (x1, y1), (255, 0, 0), 1)
    rim = (shown.shape[0] - TILE_PX) // 2
    return shown[rim : rim + TILE_PX, rim : rim + TILE_PX]


def sheet(detector: Detector, data: Path, packs: Path) -> np.ndarray:
    """The first ``ROWS`` photos of the set, each at all turns: (H, W, 3) uint8."""
    rows = json.loads((packs / "val_256.json").read_text("utf-8"))
    with np.load(packs / "meshes_val.npz") as shapes:
        mesh, person = shapes["mesh"], shapes["person"]
        usable = [
            k
            for k, row in enumerate(rows)
            if row["set"] == "us_congress_118" and shapes["found"][k]
        ]
    lines = []
    for number, k in enumerate(usable[:ROWS]):
        head = read_head(data, rows[k], mesh[k], person[k])
        dark = number if number % 3 == 2 else None
        lines.append(np.hstack([tile(detector, head, yaw, dark) for yaw in YAWS_DEG]))
    return np.vstack(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="instead of the embedded weights")
    parser.add_argument("--out", type=Path, default=SHEET)
    args = parser.parse_args()
    torch.set_num_threads(1)
    state = (
        safetensors.torch.load_file(args.weights)
        if args.weights
        else load_embedded("detector").state
    )
    picture = sheet(Detector.load(state), args.data, args.packs)
    cv2.imwrite(str(args.out), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()

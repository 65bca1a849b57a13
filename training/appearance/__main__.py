"""``python -m training.appearance --mode appearance|identity``: train one embedding."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import torch

from training.appearance.faces import load
from training.appearance.learn import Plan, learn
from training.appearance.teacher import MobileFace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=("appearance", "identity"), required=True)
    parser.add_argument("--data", type=Path, required=True, help="data folder, for the teacher")
    parser.add_argument("--packs", type=Path, required=True, help="packs of training.portraits")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--invented", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    plan = Plan(args.mode, args.steps, args.invented, args.seed, args.out, args.device)
    # Identity never sees MobileFace: not its outputs, not its weights.
    teacher = MobileFace(args.data) if args.mode == "appearance" else None
    curve = learn(load(args.packs), plan, teacher)
    with (args.out / "curve.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(curve[0]))
        writer.writeheader()
        writer.writerows({k: round(v, 5) for k, v in row.items()} for row in curve)


if __name__ == "__main__":
    main()

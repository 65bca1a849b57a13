"""``python -m training.perceptual``: train, export fp16 safetensors and write the card."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import torch

from training.perceptual.backbone import blank, pretrain, start
from training.perceptual.data import load
from training.perceptual.heads import rank


def write_curve(path: Path, rows: list[dict[str, float]]) -> None:
    """One CSV row per logged step."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows({k: round(v, 5) for k, v in row.items()} for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=Path, required=True, help="packs of training.portraits")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pretext-steps", type=int, default=1500)
    parser.add_argument("--rank-steps", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    pictures = load(args.packs)
    model = blank()
    start(model, pictures, args.seed)
    model.to(args.device)
    curve = pretrain(model, pictures, args.pretext_steps, args.seed, args.out, args.device)
    write_curve(args.out / "pretext.csv", curve)
    curve = rank(model, pictures, args.rank_steps, args.seed, args.out, args.device)
    write_curve(args.out / "rank.csv", curve)


if __name__ == "__main__":
    main()

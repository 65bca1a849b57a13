"""``python -m training.perceptual``: train backbone and heads; then run ``.export``."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import torch

from training.perceptual.backbone import blank, pretrain, start
from training.perceptual.data import load
from training.perceptual.heads import fit, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=Path, required=True, help="packs of training.portraits")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pretext-steps", type=int, default=1200)
    parser.add_argument("--ladders", type=int, default=700)
    parser.add_argument("--head-steps", type=int, default=1500)
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
    pretext = pretrain(model, pictures, args.pretext_steps, args.seed, args.out, args.device)
    table = measure(model, pictures, args.ladders, args.seed, args.out, args.device)
    heads = fit(model.cpu(), table, args.head_steps)
    torch.save(
        {
            "model": model.state_dict(),
            "curves": {"pretext": pretext, "heads": heads},
            "steps": {
                "pretext": args.pretext_steps,
                "ladders": args.ladders,
                "heads": args.head_steps,
            },
        },
        args.out / "net.pt",
    )


if __name__ == "__main__":
    main()

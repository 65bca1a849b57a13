"""``python -m training.detector --data DIR --packs DIR --out DIR``: scenes, training, weights."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import cv2
import torch

from training.detector.config import Config
from training.detector.shards import pack_scenes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--packs", type=Path, required=True, help="output of training.portraits")
    parser.add_argument("--out", type=Path, required=True, help="scenes, checkpoints, curves")
    parser.add_argument("--export", type=Path, help="also write EMA weights (.safetensors) here")
    parser.add_argument("--start", type=Path, help="weights after the fourth cycle: begin there")
    parser.add_argument("--scenes-only", action="store_true", help="make the scenes and stop")
    parser.add_argument("--steps", type=int, default=Config.steps)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    config = dataclasses.replace(Config(), steps=args.steps)
    pack_scenes(args.data, args.packs, args.out / "scenes", config)
    if args.scenes_only:
        return
    from training.detector.train import train

    train(args.data, args.out, config, torch.device(args.device), args.export, args.start)


if __name__ == "__main__":
    main()

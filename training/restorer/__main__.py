"""``python -m training.restorer --data DIR --packs DIR --out DIR``: train the embedded restorer."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.restorer.train import train


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.restorer", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the shared data folder")
    parser.add_argument(
        "--packs", type=Path, required=True, help="output of training.portraits pack"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="checkpoints, log; resumed from there"
    )
    parser.add_argument(
        "--hours", type=float, default=2.0, help="stop after so long; a rerun goes on"
    )
    parser.add_argument(
        "--threads", type=int, default=0, help="torch threads; 0 leaves the default"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    run = train(args.packs, args.out, torch.device(args.device), args.hours)
    print(f"stage {run.stage}, step {run.step}, {run.seconds / 60:.1f} min")


if __name__ == "__main__":
    main()

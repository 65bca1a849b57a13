"""``python -m training.evidence train|export``: see the package's docstring."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.evidence import config
from training.evidence.export import export
from training.evidence.train import train


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.evidence", description=__doc__)
    parser.add_argument("step", choices=("train", "export"))
    parser.add_argument("--packs", type=Path, required=True, help="training.portraits pack's")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints and log")
    parser.add_argument("--hours", type=float, default=3.0, help="stop after so long")
    parser.add_argument("--steps", type=int, default=config.STEPS, help="length of the schedule")
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0: the default")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.step == "train":
        run = train(args.packs, args.out, torch.device(args.device), args.hours, args.steps)
        print(f"step {run.step}, {run.seconds / 60:.1f} min")
    else:
        export(args.packs, args.out)


if __name__ == "__main__":
    main()

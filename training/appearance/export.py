"""``python -m training.appearance.export --mode MODE``: checkpoint to weights, curve and card.

The card of `appearance` is whole after ``python -m training.appearance.across --write``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.appearance.faces import load
from training.appearance.threshold import fit
from training.perceptual.card import PORTRAITS, Facts, write

HERE = Path(__file__).parent
ARCHITECTURE = "forensics.models.nets.identity.FaceNet112"
INPUT = "rows, columns 56 to 456 of the FFHQ-512 crop, area-resized to 112x112, "
LIGHT = "brought into the light of the training (forensics.models.nets.identity.in_light), "
FEW = (
    "Learnt from 724 portraits of 604 people, mostly US politicians looking at the camera, and "
    "from 4,000 invented faces between them; profiles, children and strong expressions are hardly "
    "known."
)
LIMITS = {
    "appearance": (
        "For following people within one clip only; it says nothing about who somebody is.",
        FEW,
        "Distilled from MobileFace and inherits its weaknesses; below 16 px between the eyes "
        "motion has to carry the track.",
    ),
    "identity": (
        "A weak recogniser: few people to learn from. It can hint that a face changed; it can "
        "never confirm that two pictures show one person.",
        FEW,
        "MobileFace had no part in its training and only judges it.",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=("appearance", "identity"), required=True)
    parser.add_argument("--run", type=Path, required=True, help="--out of the training")
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=20261122)
    args = parser.parse_args()
    saved = torch.load(args.run / "last.pt", map_location="cpu", weights_only=True)
    curve = HERE / f"curve_{args.mode}.csv"
    lines = [f"{row['step']},{row['loss']:.5g}" for row in saved["curve"]]
    curve.write_text("\n".join(["step,loss", *lines]) + "\n", "utf-8")
    data = PORTRAITS
    if args.mode == "appearance":
        teacher = {"name": "teacher: MobileFace_Identification_V2", "licence": "MIT"}
        data = (*PORTRAITS, teacher)
    facts = Facts(
        role=args.mode,
        name=f"embedded-{args.mode}",
        version="0.1.0",
        architecture=ARCHITECTURE,
        arguments={
            "input": f"{INPUT}{LIGHT if args.mode == 'appearance' else ''}RGB -1..1",
            "dimension": 128,
        },
        data=data,
        command=(
            f"python -m training.appearance --mode {args.mode} --data ../shared/data --packs packs "
            f"--out runs/{args.mode} --steps {saved['step']} --seed {args.seed}"
        ),
        seed=args.seed,
        steps={args.mode: saved["step"]},
        curves=(f"training/appearance/{curve.name}",),
        limits=LIMITS[args.mode],
    )
    rule = fit(saved["net"], load(args.packs)) if args.mode == "appearance" else None
    print(write(saved["net"], facts, args.packs, {"decision": rule} if rule else {}))


if __name__ == "__main__":
    main()

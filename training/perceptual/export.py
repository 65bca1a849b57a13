"""``python -m training.perceptual.export``: checkpoint to embedded weights, curves, card."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.perceptual.card import PORTRAITS, Facts, write
from training.perceptual.data import FACE_FREE
from training.perceptual.degrade import FAMILIES

HERE = Path(__file__).parent
LIMITS = (
    "Not LPIPS: never fitted to human judgements, only to degradations of known order; its values "
    "cannot be compared with published LPIPS values.",
    "Trained on 724 portraits of 604 people, mostly middle-aged people in suits, and 16 face-free "
    "pictures; other subjects are outside what it knows.",
    "Order is learnt within a family of degradations; between families only a common scale was set "
    "by hand (blur and lost detail weigh most): which of a blurred and a noisy picture is worse is "
    "a convention.",
    "Backbone trained on 96 px views, heads on 192 px windows; used at 256 and 512 px, where the "
    "figures were measured.",
    "The learning rate of the first stage was planned for 1,600 steps and led to its end over "
    "1,200 from step 901 on, so a run of the command gives close but not equal weights.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="--out of the training")
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=20261122)
    args = parser.parse_args()
    saved = torch.load(args.run / "net.pt", map_location="cpu", weights_only=True)
    curves = []
    for stage, rows in saved["curves"].items():
        path = HERE / f"curve_{stage}.csv"
        keys = list(rows[0])
        lines = [",".join(f"{row[k]:.5g}" for k in keys) for row in rows]
        path.write_text("\n".join([",".join(keys), *lines]) + "\n", "utf-8")
        curves.append(f"training/perceptual/{path.name}")
    steps = saved["steps"]
    facts = Facts(
        role="perceptual",
        name="embedded-perceptual (lpips alex layout, own weights)",
        version="0.1.0",
        architecture="lpips.LPIPS",
        arguments={"net": "alex", "pnet_rand": True, "pretrained": False, "version": "0.1"},
        data=(
            *PORTRAITS,
            {"name": "scikit-image data: " + ", ".join(FACE_FREE), "licence": "see scikit-image"},
        ),
        command=(
            "python -m training.perceptual --packs packs --out runs/perceptual --pretext-steps "
            f"{steps['pretext']} --ladders {steps['ladders']} --head-steps {steps['heads']} "
            f"--seed {args.seed}"
        ),
        seed=args.seed,
        steps=steps,
        curves=tuple(curves),
        limits=(*LIMITS, "Ranked families: " + ", ".join(FAMILIES) + "."),
    )
    print(write(saved["model"], facts, args.packs))


if __name__ == "__main__":
    main()

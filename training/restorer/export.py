"""``python -m training.restorer.export --run DIR --packs DIR [--figures F]``: weights and card.

Writes ``forensics/models/embedded/restorer.safetensors`` (fp16, the running mean of the weights)
and its card ``restorer.json``.  Figures are those of ``benchmarks.restoration --out``; a card whose
figures were measured on other weights is refused.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from forensics.models.load import EMBEDDED
from forensics.models.nets import restorer
from training.degrade import WEIGHTS
from training.restorer.config import EMA_DECAY, SEED, STAGES
from training.restorer.data import Portraits
from training.restorer.widen import widen

VERSION = "0.1.0"


def final_state(run: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The running mean of the weights in fp16 at 256 px, and where training stood."""
    checkpoint = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    stage = STAGES[checkpoint["stage"]]
    state = checkpoint["ema"]
    px = stage.px
    while px < restorer.NET_PX:
        state, px = widen(state, px, 2 * px), 2 * px
    where = {
        "stage": stage.name,
        "step": checkpoint["step"],
        "seconds": round(checkpoint["seconds"]),
    }
    # The mean of a frozen zero stays zero; of the noise buffers, rounding aside, the buffer.
    fixed = restorer.build().state_dict()
    for name, value in state.items():
        if ".noises." in name or restorer.is_noise_weight(name):
            state[name] = fixed[name] if ".noises." in name else torch.zeros_like(value)
    return {name: value.half().contiguous() for name, value in state.items()}, where


def commit() -> str:
    """The commit that the recipe stood at."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def card(run: Path, packs: Path, sha256: str, where: dict[str, Any]) -> dict[str, Any]:
    """What the model is, what it was made of and what it must not be used for."""
    people = Portraits(packs)
    return {
        "name": "embedded-restorer",
        "version": VERSION,
        "role": "restorer",
        "sha256": sha256,
        "licence": "Apache-2.0",
        "network": {
            "class": "spandrel.architectures.GFPGAN GFPGANv1Clean",
            "out_size": restorer.NET_PX,
            "num_style_feat": restorer.NUM_STYLE_FEAT,
            "channel_multiplier": restorer.CHANNEL_MULTIPLIER,
            "narrow": restorer.NARROW,
            "sft_half": False,
            "parameters": sum(p.numel() for p in restorer.build().parameters()),
            "use": "restored = crop + bicubic_512(net(mean_2x2(crop))), RGB in [-1, 1]; "
            "noise weights are zero, so the stored noise has no effect",
        },
        "data": {
            "people": people.people,
            "photos": len(people.sharp) + len(people.soft),
            "photos_100_px_between_the_eyes": len(people.sharp),
            "packs_sha256": {n: digest(packs / n) for n in ("train_256.npy", "train_512.npy")},
            "lists_left_out": ["val", "fit", "cal"],
            "source": "portraits/index.csv of the data folder, split train (us_congress_118, "
            "us_congress_2015_225x275: public domain; london: CC BY 4.0; two CC0 one-person sets)",
        },
        "recipe": {
            "command": "python -m training.restorer --data ../shared/data --packs PACKS --out OUT",
            "commit": commit(),
            "seed": SEED,
            "ema_decay": EMA_DECAY,
            "stages": [asdict(stage) for stage in STAGES],
            "stood_at": where,
            "as_run": "The first 250 steps of pixel128 ran with batch 8, then 4. Shrink factors "
            "were drawn from 1.5 to 10 until balance256, from 2 to 10 in it. near256 was planned "
            "longer (5,000, 8,000, then 7,000 steps) and cut at 3,207. Rates and stage "
            "lengths were set while training ran: a rerun gives a model of the same kind, not "
            "the same bits.",
            "losses": "Charbonnier, gradients at 3 scales, distance by the embedded perceptual "
            "network (the one it is measured with), patch critic with R1 in sharp256",
            "degradation_families": WEIGHTS,
            "machine": "2 CPU cores shared with other work, one thread, bf16 autocast",
        },
        "limits": [
            "A demonstration model: small, trained for some hours on a CPU and on few people.",
            "It draws what faces in its training photos have in common: mostly middle-aged people "
            "in formal dress, lit frontally. On other faces it pulls towards them.",
            "What it adds is not evidence. It never shows who somebody is.",
            "Seen on the contact sheet: outlines, hair and teeth come back at 4x; at 8x eyes stay "
            "unsure and may be drawn closed or askew; thin diagonal strokes appear on skin.",
            "It adds nothing finer than 256 px on the template; profiles were not trained.",
        ],
        "contact_sheet": "training/restorer/contact_sheet.jpg",
        "figures": None,
    }


def attach_figures(text: dict[str, Any], figures: Path) -> None:
    """Put the benchmark's summary into the card."""
    measured = json.loads(figures.read_text("utf-8"))
    if measured["weights_sha256"] != text["sha256"]:
        raise SystemExit(f"{figures} was measured on other weights")
    text["figures"] = {
        "measured_by": "python -m benchmarks.restoration --packs PACKS",
        "on": "val people, never trained on; blur 0.35 x factor px, area shrink, noise 3 grey "
        "levels, then JPEG 75 or H.264 QP 28, against the truth at 512 px",
        "summary": measured["summary"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.restorer.export", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="output folder of the training")
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--figures", type=Path, help="JSON of benchmarks.restoration")
    args = parser.parse_args()
    path = EMBEDDED / "restorer.safetensors"
    if args.figures:
        text = json.loads((EMBEDDED / "restorer.json").read_text("utf-8"))
        attach_figures(text, args.figures)
    else:
        state, where = final_state(args.run)
        raw = safetensors.torch.save(state)
        path.write_bytes(raw)
        text = card(args.run, args.packs, hashlib.sha256(raw).hexdigest(), where)
    (EMBEDDED / "restorer.json").write_text(json.dumps(text, indent=1) + "\n", "utf-8")
    print(f"{path}: {path.stat().st_size} bytes, {text['sha256']}")


if __name__ == "__main__":
    main()

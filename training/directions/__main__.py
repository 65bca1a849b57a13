"""Train and embed the directions of the embedded restorer's latent.

``python -m training.directions --data ../shared/data --packs PACKS --out OUT``, where OUT is
``forensics/models/embedded`` for the set that is shipped.

Needs the packs of `training.portraits` and the embedded restorer and perceptual network; takes
about four minutes on one core.  ``--amount`` keeps the directions that are embedded and writes the
card again with another amount (see `benchmarks.alternatives --list fit`, which it is chosen with).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from forensics.models.load import load_embedded
from forensics.models.nets.varied import PARTS
from training.directions import losses, train
from training.portraits import LISTS, read_list

AMOUNT = 1.0
VERSION = "1.0.0"
NAME = "directions.safetensors"


def sha256(path: Path) -> str:
    """Digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_people(packs: Path) -> int:
    """How many people the packs hold; stops when one of them is not in ``train``."""
    people: set[str] = set()
    for name in ("train_256", "train_512"):
        rows = json.loads((packs / f"{name}.json").read_text("utf-8"))
        people |= {row["person"] for row in rows}
    held = people & (read_list("fit") | read_list("cal"))
    if held:
        raise SystemExit(f"people held out of every training: {sorted(held)}")
    return len(people)


SOURCE = (
    "portraits/index.csv of the data folder, split train (us_congress_118,"
    " us_congress_2015_225x275: public domain; london: CC BY 4.0; two CC0 one-person sets)"
)
LIMITS = (
    "valid for the embedded restorer of restorer_sha256 alone",
    "trained for a few minutes; the shipped ones were made by this recipe's functions step by step,"
    " not yet by its one command",
    "the amount was chosen by looking at faces of three fit people, not by a search",
    "moves lids, brows, lips, teeth, skin and sharpness, hardly the shape of the face: a small"
    " spread does not say that a face is known",
    "some faces show a smear or a red patch on a cheek that no true face has",
)


def card(
    weights: Path, packs: Path, data: Path, trained: train.Trained, amount: float
) -> dict[str, object]:
    """The model card: what it is, what it holds for, how it was made."""
    return {
        "name": "embedded-directions",
        "version": VERSION,
        "role": "directions",
        "sha256": sha256(weights),
        "licence": "Apache-2.0",
        "says": "directions of the embedded restorer's latent along which it draws other faces",
        "restorer_sha256": load_embedded("restorer").sha256,
        "perceptual_sha256": load_embedded("perceptual").sha256,
        "directions": train.COUNT,
        "parts": {name: list(trained.directions[name].shape[1:]) for name in PARTS},
        "amount": amount,
        "amount_says": "length of a step along the directions; chosen on people of fit",
        "data": {
            "list": "train",
            "people": check_people(packs),
            "index_sha256": sha256(data / "portraits" / "index.csv"),
            "packs_sha256": {
                name: sha256(packs / name) for name in ("train_256.npy", "train_512.npy")
            },
            "source": SOURCE,
            "lists_left_out": {n: sha256(LISTS / f"{n}.txt") for n in ("fit", "cal")},
        },
        "recipe": {
            "command": "python -m training.directions --data DATA --packs PACKS --out OUT",
            "seed": train.SEED,
            "steps": train.STEPS,
            "rate": train.RATE,
            "answers_a_step": train.ANSWERS,
            "factors": list(train.FACTORS),
            "start": train.START,
            "spread": losses.SPREAD,
            "slack": losses.SLACK,
            "weights": losses.WEIGHTS,
            "seconds": round(trained.seconds, 1),
            "torch": str(torch.__version__),
        },
        "curve": tenths(trained.log),
        "figures": {},
        "limits": list(LIMITS),
    }


def tenths(log: list[dict[str, float]]) -> list[dict[str, float]]:
    """The log as means of ten steps each."""
    out = []
    for start in range(0, len(log), 10):
        part = log[start : start + 10]
        out.append({name: round(sum(row[name] for row in part) / len(part), 4) for name in part[0]})
    return out


def main() -> None:
    """Train, write weights and card."""
    parser = argparse.ArgumentParser(prog="python -m training.directions", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--amount", type=float, default=None)
    parser.add_argument("--figures", type=Path, help="with --amount: JSON of what was measured")
    args = parser.parse_args()
    torch.set_num_threads(1)
    weights, path = args.out / NAME, args.out / "directions.json"
    if args.amount is not None and path.is_file():
        found = json.loads(path.read_text("utf-8"))
        if found["sha256"] != sha256(weights):
            raise SystemExit("the card beside the weights is not theirs")
        found |= {"amount": args.amount, "limits": list(LIMITS)}
        if args.figures is not None:
            found["figures"] = json.loads(args.figures.read_text("utf-8"))
    else:
        trained = train.train(args.packs)
        half = {name: part.half().contiguous() for name, part in trained.directions.items()}
        save_file(half, weights)
        found = card(weights, args.packs, args.data, trained, args.amount or AMOUNT)
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    size = weights.stat().st_size
    count = len(load_file(weights)["style"])
    print(f"{weights}: {count} directions, {size / 1024:.0f} KiB, amount {found['amount']}")


if __name__ == "__main__":
    main()

"""Numbers of the key-face tier that flags and strips turn on, measured on people of ``fit``.

``python -m training.directions.limits --packs PACKS [--faces N]`` films one portrait of each person
at a drawn size and quality (`forensics.calibration.filmed`), restores it with the embedded
restorer, and prints: how much the answer moves under small changes of the input, as a ratio to what
the changes alone cost (``unstable_ratio``), and how far coding the answer again as JPEG 90 moves it
(``alternatives_least``).  The numbers stand in ``scoring/tables/thresholds.json``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from forensics.calibration.filmed import Known, draw, make
from forensics.models.load import load_embedded
from forensics.models.nets.perceptual import build_perceptual
from forensics.restore.embedded import EmbeddedRestorer
from forensics.scoring.measure import U8
from forensics.scoring.stability import (
    brought_back,
    inner,
    mean_pair,
    pair_distances,
    perturb,
)
from training.degrade import jpeg_pass
from training.portraits import read_list

SEED = 20261123
BANDS = 5  # of the six bands of eye distances: the largest leaves nothing to restore


def plan(rows: Sequence[dict[str, str]], faces: int) -> list[Known]:
    """One draw a person, in a seeded order; the bands of size in turn."""
    first: dict[str, int] = {}
    for k, row in enumerate(rows):
        first.setdefault(row["person"], k)
    rng = np.random.default_rng(SEED)
    people = rng.permutation(sorted(first))[:faces]
    return [draw(first[str(person)], k % BANDS, rng) for k, person in enumerate(people)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=100)
    args = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device("cpu")
    rows = json.loads((args.packs / "fit_512.json").read_text("utf-8"))
    if {row["person"] for row in rows} - read_list("fit"):
        raise SystemExit("the pack holds people outside the fit list")
    pack = np.load(args.packs / "fit_512.npy", mmap_mode="r")
    restorer = EmbeddedRestorer.load(load_embedded("restorer"), device)
    net = build_perceptual(load_embedded("perceptual").state)
    found: list[dict[str, float]] = []
    for known in plan(rows, args.faces):
        face = make(np.ascontiguousarray(pack[known.photo]), known)
        changed = perturb(face)
        crops = [face.crop_rgb_u8, *(one.crop_rgb_u8 for one in changed)]
        answers = [a for a in restorer.restore(crops) if isinstance(a, np.ndarray)]
        if len(answers) < len(crops):
            raise SystemExit("the restorer failed")
        pairs = list(zip(answers[1:], changed, strict=True))
        drawn: list[U8] = [inner(brought_back(a, one)) for a, one in pairs]
        moved = [inner(brought_back(one.crop_rgb_u8, one)) for one in changed]
        value = mean_pair(pair_distances(net, drawn, device))
        usual = mean_pair(pair_distances(net, moved, device))
        again = [inner(answers[0]), inner(jpeg_pass(answers[0], 90))]
        row = {"px": known.interocular_px, "value": value, "usual": usual}
        row |= {"ratio": value / usual, "jpeg90": float(pair_distances(net, again, device)[0, 1])}
        found.append(row)
        print(
            json.dumps({k: round(v, 5) for k, v in row.items()} | {"of": known.family}), flush=True
        )
    for name in ("value", "usual", "ratio", "jpeg90"):
        values = np.array([row[name] for row in found])
        shown = ", ".join(f"{q}: {np.percentile(values, q):.4f}" for q in (50, 90, 95, 99, 100))
        print(f"{name} (n = {len(values)}) {shown}")


if __name__ == "__main__":
    main()

"""Does `identity_drift` still see an exchanged face where there is little light?

``python -m benchmarks.drift_in_the_dark --packs DIR`` films people of `fit` as the reference table
does, in less and less light, and holds two faces against each crop: the true one and another
person's in the same light. Printed by the contrast of the crop: how many true faces lie over the
limit (1 in 100 by design) and how many exchanged ones. The gate of the measure
(`forensics.scoring.identity.MIN_CONTRAST`) was set by it.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from forensics.calibration.filmed import SIZES_PX, draw, make
from forensics.models.load import load_embedded
from forensics.models.nets.identity import build_identity, light
from forensics.scoring import identity
from forensics.scoring.information import measure_information
from forensics.scoring.references import IDENTITY_DISTANCE, shipped_references

GAINS = (1.0, 0.7, 0.5, 0.4, 0.3, 0.2)
EDGES = (0, 4, 6, 8, 10, 12, 14, 17, 25, 60)  # grey levels
FACES = 130
SEED = 5


def readings(packs: Path, gain: float) -> np.ndarray:
    """(N, 3): contrast of the crop, and what true and exchanged face are over their limit."""
    net = build_identity(load_embedded("identity").state)
    table = shipped_references()
    truths = np.load(packs / "fit_512.npy", mmap_mode="r")
    who = [row["person"] for row in json.loads((packs / "fit_512.json").read_text("utf-8"))]
    rng = np.random.default_rng(SEED)
    rows = []
    for k in range(FACES):
        one, other = (int(v) for v in rng.integers(len(truths), size=2))
        while who[one] == who[other]:
            other = int(rng.integers(len(truths)))
        lit = [np.rint(truths[i] * gain).astype(np.uint8) for i in (one, other)]
        face = make(lit[0], draw(one, k % (len(SIZES_PX) - 1), rng))
        facts = measure_information(face).values
        expected = table.look_up(IDENTITY_DISTANCE, facts)
        too_small = face.interocular_px < identity.MIN_INTEROCULAR_PX
        if too_small or expected is None:
            continue
        pictures = [face.restored_rgb_u8, lit[1]]
        crops = [face.crop_rgb_u8] * 2
        far = identity.distances(net, pictures, crops, torch.device("cpu"))
        contrast = light(identity.window_112(face.crop_rgb_u8))[1]
        rows.append((contrast, *(far - expected.p99)))
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = np.concatenate([readings(args.packs, gain) for gain in GAINS])
    print("contrast   faces  true over the limit  exchanged over it")
    for low, high in pairwise(EDGES):
        some = rows[(rows[:, 0] >= low) & (rows[:, 0] < high)]
        over = (some[:, 1:] > 0).sum(0)
        print(f"{low:3d} to {high:2d}  {len(some):5d}  {over[0]:5d}                {over[1]:5d}")


if __name__ == "__main__":
    main()

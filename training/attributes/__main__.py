"""Fit the glasses cue on people of the `train` list and test it on people of the `fit` list.

``python -m training.attributes --packs PACKS --out forensics/scoring/tables/glasses.json``

Takes about a minute on one core.  Labels: ``glasses_train.txt`` and ``glasses_fit.txt`` (seen by
eye).  Each portrait is filmed small at known quality; people without glasses also appear with
painted ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from forensics.calibration.coding import add_noise, jpeg_pass
from forensics.scoring.attributes import band_features
from training.attributes.paint import paint

HERE = Path(__file__).parent
SEED = 20261124
DRAWS = 5
PENALTY = 3e-4
SIZES_PX = (14.0, 60.0)
U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]


def labels(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """``set/file`` of portraits with glasses, and of those that cannot be told."""
    lines = (HERE / f"glasses_{name}.txt").read_text("utf-8").splitlines()
    rows = [line for line in lines if line and not line.startswith("#")]
    unsure = frozenset(line[2:] for line in rows if line.startswith("? "))
    return frozenset(line for line in rows if not line.startswith("? ")), unsure


def film(face_rgb_u8: U8, interocular_px: float, rng: np.random.Generator) -> U8:
    """A template face as small footage (h, h, 3): misplaced a little, blurred, noisy, coded."""
    side = face_rgb_u8.shape[0]
    turn, size = rng.normal(0, 1.2), float(np.exp(rng.normal(0, 0.02)))
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), turn, size)
    matrix[:, 2] += rng.normal(0, 0.004, 2) * side
    moved = cv2.warpAffine(face_rgb_u8, matrix, (side, side), borderMode=cv2.BORDER_REFLECT_101)
    if rng.random() < 0.5:
        moved = moved[:, ::-1]
    height = round(512 * interocular_px / 125.92)
    how = cv2.INTER_AREA if height < side else cv2.INTER_CUBIC
    small = cv2.resize(moved, (height, height), interpolation=how)
    sigma = float(rng.choice([0.0, rng.uniform(0.3, 1.6)]))
    if sigma:
        small = cv2.GaussianBlur(small, (0, 0), sigma)
    small = add_noise(np.asarray(small, np.uint8), float(rng.uniform(0, 7)), False, rng)
    return jpeg_pass(small, int(rng.integers(25, 96))) if rng.random() < 0.6 else small


def samples(packs: Path, name: str, rng: np.random.Generator) -> tuple[F64, F64, F64, list[str]]:
    """Features (N, F), labels 0/1, eye distances and kinds (plain, worn, painted)."""
    rows = json.loads((packs / f"{name}_256.json").read_text("utf-8"))
    faces = np.load(packs / f"{name}_256.npy", mmap_mode="r")
    worn, unsure = labels(name)
    x, y, iod, kinds = [], [], [], []
    for row, face in zip(rows, faces, strict=True):
        key = f"{row['set']}/{row['file']}"
        if key in unsure:
            continue
        for k in range(DRAWS):
            painted = key not in worn and k >= DRAWS - 2
            picture = paint(np.ascontiguousarray(face), rng) if painted else np.asarray(face)
            size = float(np.exp(rng.uniform(*np.log(SIZES_PX))))
            x.append(band_features(film(picture, size, rng).astype(np.float32)))
            y.append(float(painted or key in worn))
            iod.append(size)
            kinds.append("painted" if painted else "worn" if key in worn else "plain")
    return np.array(x), np.array(y), np.array(iod), kinds


def fit(x: F64, y: F64, weight: F64) -> tuple[F64, float]:
    """Weighted logistic regression with an L2 penalty, from zero."""
    sign = 2 * y - 1

    def loss(p: F64) -> tuple[float, F64]:
        margin = sign * (x @ p[:-1] + p[-1])
        value = float(weight @ np.logaddexp(0, -margin)) + PENALTY / 2 * float(p[:-1] @ p[:-1])
        pull = -weight * sign / (1 + np.exp(margin))
        return value, np.append(x.T @ pull + PENALTY * p[:-1], pull.sum())

    start = np.zeros(x.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 400})
    return found.x[:-1], float(found.x[-1])


def auroc(score: F64, y: F64) -> float:
    """Area under the ROC curve."""
    order = np.argsort(score)
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    positive = y > 0.5
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(y) - n)))


def held_out(x: F64, y: F64, iod: F64, kinds: list[str], p: tuple[F64, float]) -> dict[str, Any]:
    """AUROC on people of the `fit` list by eye distance, worn and painted apart."""
    score = x @ p[0] + p[1]
    kind = np.array(kinds)
    found: dict[str, Any] = {}
    for low, high in ((14, 20), (20, 32), (32, 60)):
        for what in ("worn", "painted"):
            use = (iod >= low) & (iod < high) & ((kind == "plain") | (kind == what))
            found[f"{what}_{low}_{high}"] = {
                "auroc": round(auroc(score[use], y[use]), 4),
                "n": [int((y[use] == 0).sum()), int((y[use] == 1).sum())],
            }
    return found


def main() -> None:
    """Sample, fit, test, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rng = np.random.default_rng(SEED)
    x, y, _, kinds = samples(args.packs, "train", rng)
    share = {kind: kinds.count(kind) for kind in set(kinds)}
    part = {"plain": 0.5, "worn": 0.3, "painted": 0.2}
    weights, bias = fit(x, y, np.array([part[kind] / share[kind] for kind in kinds]))
    rounded = np.array([float(f"{w:.4g}") for w in weights])
    table = {
        "version": "1",
        "made_by": "python -m training.attributes",
        "says": "logistic weights of the glasses cue over forensics.scoring.attributes features",
        "data": {
            "list": "train",
            "samples": share,
            "seed": SEED,
            "labels_sha256": hashlib.sha256((HERE / "glasses_train.txt").read_bytes()).hexdigest(),
            "pack_sha256": hashlib.sha256((args.packs / "train_256.npy").read_bytes()).hexdigest(),
        },
        "held_out_fit": held_out(*samples(args.packs, "fit", rng), (rounded, bias)),
        "bias": float(f"{bias:.6g}"),
        "weights": rounded.tolist(),
    }
    args.out.write_text(json.dumps(table) + "\n", "utf-8")
    print(json.dumps({k: table[k] for k in ("data", "held_out_fit")}, indent=1))


if __name__ == "__main__":
    main()

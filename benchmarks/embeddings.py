"""Held-out figures of the perceptual network and the two face embeddings, on val portraits.

``python -m benchmarks.embeddings ROLE --packs DIR --data DIR [--card]`` prints one JSON object;
``--card`` also writes it into the model card.  ROLE is perceptual, appearance or identity.  Nothing
is chosen on these figures: no step count, no threshold.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import lpips
import numpy as np
import torch
from scipy.stats import spearmanr

from forensics.faces.embed import Embedder
from forensics.models.load import load_embedded
from forensics.models.nets.perceptual import build_perceptual
from training.appearance.teacher import MobileFace
from training.perceptual.card import add_figures
from training.perceptual.degrade import FAMILIES, degrade

SEVERITIES = (0.05, 0.2, 0.4, 0.6, 0.8, 1.0)
PICTURES = 12
SAME_PICTURE_GREY = 30.0
SAME_PICTURE_NOTE = (
    "Most two-photo pairs of congress val people show the same picture at two sizes (mean "
    "difference of the face's middle below 30 grey levels), so the other two-photo figures "
    "flatter; different_pictures leaves those out."
)
IOD_512 = 125.92  # px between the eyes on the 512 template


def x_m11(pictures_rgb_u8: list[np.ndarray]) -> torch.Tensor:
    """Stack (S, S, 3) uint8 to (N, 3, S, S) float32 in [-1, 1]."""
    x = np.stack(pictures_rgb_u8).astype(np.float32) / 127.5 - 1.0
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def from_first(net: lpips.LPIPS, batch_m11: torch.Tensor) -> np.ndarray:
    """Distances (N - 1,) of all other pictures of a batch to its first, features used once."""
    with torch.inference_mode():
        total = torch.zeros(len(batch_m11) - 1)
        for k, maps in enumerate(net.net(net.scaling_layer(batch_m11))):
            unit = lpips.normalize_tensor(maps)
            head = getattr(net, f"lin{k}")
            total += head((unit[1:] - unit[:1]) ** 2).mean((1, 2, 3))
    return total.numpy()


def perceptual(packs: Path, data: Path) -> dict[str, Any]:
    """Triplets in order by family, at 256 and 512 px, on sharp val portraits; self-distance.

    All pairs of six severities count; neighbours (steps of 0.15 to 0.2) also apart.
    """
    net = build_perceptual(load_embedded("perceptual").state)
    crops = np.load(packs / "val_512.npy")
    chosen = crops[np.linspace(0, len(crops) - 1, PICTURES).astype(int)]
    figures: dict[str, Any] = {"val_pictures": PICTURES, "severities": list(SEVERITIES)}
    for size in (256, 512):
        faces = [cv2.resize(c, (size, size), interpolation=cv2.INTER_AREA) for c in chosen]
        table: dict[str, Any] = {}
        pairs = right = 0
        for family in FAMILIES:
            distance = np.zeros((PICTURES, len(SEVERITIES)))
            for k, face in enumerate(faces):
                bad = [degrade(face, family, s, 1000 + k) for s in SEVERITIES]
                distance[k] = from_first(net, x_m11([face, *bad]))
            steps = np.diff(distance, axis=1) > 0
            every = [
                distance[:, j] > distance[:, i]
                for i in range(len(SEVERITIES))
                for j in range(i + 1, len(SEVERITIES))
            ]
            pairs += int(np.size(every))
            right += int(np.sum(every))
            table[family] = {
                "in_order": round(float(np.mean(every)), 4),
                "neighbours_in_order": round(float(steps.mean()), 4),
                "mean_distance": [round(float(d), 4) for d in distance.mean(0)],
            }
        table["all_in_order"] = round(right / pairs, 4)
        table["triplets"] = pairs
        with torch.inference_mode():
            pair = x_m11(faces[:1])
            table["self_distance"] = float(net(pair, pair))
            apart = float(net(pair, x_m11(faces[1:2])))
            # The shared-reference sum above must be what lpips itself gives.
            own = float(from_first(net, x_m11(faces[:2]))[0])
            if abs(own - apart) > 1e-5:
                raise RuntimeError(f"distance {own} differs from lpips' {apart}")
            table["other_person"] = round(float(net(x_m11(faces[:6]), x_m11(faces[6:])).mean()), 4)
        figures[f"{size}_px"] = table
    return figures


def at_iod(crop_rgb_u8: np.ndarray, iod_px: float | None) -> np.ndarray:
    """A 512 crop with ``iod_px`` between the eyes: shrunk by area, JPEG 60, bicubic back."""
    if iod_px is None:
        return crop_rgb_u8
    side = round(512 * iod_px / IOD_512)
    small = cv2.resize(crop_rgb_u8, (side, side), interpolation=cv2.INTER_AREA)
    coded = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    back = cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]
    return cv2.resize(np.ascontiguousarray(back), (512, 512), interpolation=cv2.INTER_CUBIC)


def auroc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Share of (positive, negative) pairs in the right order; ties count half."""
    order = np.sort(negative)
    below = np.searchsorted(order, positive, "left")
    upto = np.searchsorted(order, positive, "right")
    return float((below + upto).sum() / (2 * len(positive) * len(negative)))


def different(
    crops: list[np.ndarray],
    rows: list[dict[str, Any]],
    vectors: np.ndarray,
    same: np.ndarray,
    other: np.ndarray,
) -> dict[str, Any]:
    """Clean figures without pairs that show one picture at two sizes; London pairs all count."""
    core = np.stack([c[120:400:2, 120:400:2] for c in crops]).astype(np.float32)
    alike = vectors @ vectors.T
    cosines, london = [], []
    for a, b in zip(*np.nonzero(same), strict=True):
        if "london" in rows[a]["set"]:
            london.append(float(alike[a, b]))
        elif np.abs(core[a] - core[b]).mean() < SAME_PICTURE_GREY:
            continue
        cosines.append(float(alike[a, b]))
    found = np.array(cosines)
    limit = float(np.quantile(alike[other], 0.99))
    return {
        "same_pairs": len(found),
        "auroc_two_photos": round(auroc(found, alike[other]), 4),
        "cosine_lowest_highest": [round(float(found.min()), 2), round(float(found.max()), 2)],
        "other_person_99_percent_below": round(limit, 3),
        "found_at_1_percent_false": round(float((found > limit).mean()), 3),
        "mean_cosine_london": round(float(np.mean(london)), 3),
    }


def embedding(role: str, packs: Path, data: Path) -> dict[str, Any]:
    """AUROC same/different person on val and rank correlation with MobileFace, by eye distance."""
    embedder = Embedder(load_embedded(role).state)
    judge = MobileFace(data)
    rows = json.loads((packs / "val_256.json").read_text("utf-8"))
    crops = [
        cv2.resize(c, (512, 512), interpolation=cv2.INTER_CUBIC)
        for c in np.load(packs / "val_256.npy")
    ]
    person = np.array([row["person"] for row in rows])
    upper = np.triu(np.ones((len(person), len(person)), bool), 1)
    same = (person[:, None] == person[None, :]) & upper
    other = (person[:, None] != person[None, :]) & upper
    strangers = person[:, None] != person[None, :]
    windows = [
        cv2.resize(c[56:456, 56:456], (112, 112), interpolation=cv2.INTER_AREA) for c in crops
    ]
    taught = judge.embed(np.stack(windows))
    judged = taught @ taught.T
    clean = embedder.embed(np.stack(crops))
    figures: dict[str, Any] = {
        "val_photos": len(person),
        "pairs_same_person_two_photos": int(same.sum()),
        "pairs_other_person": int(other.sum()),
        "judge": {
            "name": "MobileFace, clean",
            "auroc": round(auroc(judged[same], judged[other]), 4),
        },
    }
    for iod_px in (None, 60, 31, 16, 12):
        vectors = embedder.embed(np.stack([at_iod(c, iod_px) for c in crops]))
        alike, cross = vectors @ vectors.T, clean @ vectors.T
        itself = np.diag(cross)
        figures["clean" if iod_px is None else f"iod_{iod_px}_px"] = {
            "auroc_two_photos": round(auroc(alike[same], alike[other]), 4),
            "auroc_clean_against_this": round(
                auroc(np.concatenate([cross[same], cross.T[same]]), cross[strangers]), 4
            ),
            "auroc_same_photo": round(auroc(itself, cross[strangers]), 4),
            "mean_cosine_same_photo": round(float(itself.mean()), 4),
            "mean_cosine_same_person": round(float(alike[same].mean()), 4),
            "mean_cosine_other_person": round(float(alike[other].mean()), 4),
            "rank_correlation_with_judge": round(
                float(spearmanr(alike[upper], judged[upper]).statistic), 4
            ),
        }
    figures["different_pictures"] = different(crops, rows, clean, same, other)
    figures["note"] = SAME_PICTURE_NOTE
    for group in ("london", "congress"):
        mine = np.array([group in row["set"] for row in rows])
        part = mine[:, None] & mine[None, :]
        alike = clean @ clean.T
        figures[f"clean_{group}"] = {
            "same_pairs": int((same & part).sum()),
            "auroc_two_photos": round(auroc(alike[same & part], alike[other & part]), 4),
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("perceptual", "appearance", "identity"))
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--card", action="store_true", help="write the figures into the card")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.role == "perceptual":
        figures = perceptual(args.packs, args.data)
    else:
        figures = embedding(args.role, args.packs, args.data)
    print(json.dumps(figures, indent=2))
    if args.card:
        add_figures(args.role, figures)


if __name__ == "__main__":
    main()

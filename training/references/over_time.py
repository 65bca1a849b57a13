"""Facts over time: how far two frames of one true face differ, and how alike two people look.

They set `pop_step_grey` and `swap_margin` of the thresholds; the thresholds themselves are stated
by hand, with these figures as their source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from forensics.models.load import LoadedModel
from forensics.models.nets.identity import build_identity
from forensics.scoring import baseline
from forensics.scoring.continuity import StepMeter
from forensics.scoring.measure import FaceInput
from training.references.samples import Known, make

MIN_INTEROCULAR_PX = 16.0
RIVALS = 4  # other people in a clip
SEED = 20261123


def steps(truth_rgb_u8: NDArray[np.uint8], known: Known, face: FaceInput) -> dict[str, float]:
    """Steps of the restored face over the crop's, grey levels.

    ``going_on``: a second frame of the same face (other place, noise and landmark error), drawn
    truly as well.  ``dropped``: the next frame shows the crop instead.
    """
    later = make(truth_rgb_u8, replace(known, seed=known.seed ^ 1))
    found = {}
    for name, restored in (("going_on", later.restored_rgb_u8), ("dropped", later.crop_rgb_u8)):
        meter = StepMeter()
        meter.step(0, 1, face.crop_rgb_u8, face.restored_rgb_u8)
        value = meter.step(0, 2, later.crop_rgb_u8, restored)
        if value is not None:
            found[name] = value
    return found


def steps_table(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Percentiles 1, 50, 99 of both kinds of steps, by band of eye distances."""
    found: dict[str, Any] = {}
    for low, high in ((6, 16), (16, 32), (32, 110)):
        band = [r for r in rows if "going_on" in r and low <= r["interocular_px"] < high]
        for kind in ("going_on", "dropped"):
            values = [r[kind] for r in band]
            if len(values) >= 10:
                quantiles = np.quantile(values, [0.01, 0.5, 0.99])
                found[f"{kind}_{low}_{high}"] = [round(float(q), 3) for q in quantiles]
        found[f"n_{low}_{high}"] = len(band)
    return found


def swap_margins(
    rows: Sequence[Mapping[str, Any]], crops_112: NDArray[np.uint8], model: LoadedModel
) -> dict[str, Any]:
    """rival - similarity of faces of fit people to galleries of their own and of four others.

    A gallery is the mean of a person's embeddings, weighted by eye distance and without the face
    asked about; only faces with at least 16 px between the eyes.
    """
    net = build_identity(model.state)
    vectors = []
    for start in range(0, len(rows), 32):
        with torch.inference_mode():
            part = baseline.as_m11(list(crops_112[start : start + 32]), torch.device("cpu"))
            vectors.append(net(part).numpy())
    embedded = np.concatenate(vectors).astype(np.float64)
    iod = np.array([r["interocular_px"] for r in rows])
    people = np.array([r["person"] for r in rows])
    large = iod >= MIN_INTEROCULAR_PX
    totals = {p: (embedded * iod[:, None])[large & (people == p)].sum(0) for p in set(people)}
    rng = np.random.default_rng(SEED)
    names = sorted(totals)
    differences = []
    for k in np.flatnonzero(large):
        own = totals[people[k]] - embedded[k] * iod[k]
        others = rng.choice([n for n in names if n != people[k]], RIVALS, replace=False)
        rival = max(_cosine(embedded[k], totals[name]) for name in others)
        differences.append(rival - _cosine(embedded[k], own))
    quantiles = np.quantile(differences, [0.5, 0.95, 0.99, 0.999])
    return {
        "model": model.sha256,
        "n": len(differences),
        "people": len(names),
        "rivals": RIVALS,
        "p50_p95_p99_p999": [round(float(q), 4) for q in quantiles],
        "share_above_0": round(float(np.mean(np.array(differences) > 0)), 4),
    }


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))

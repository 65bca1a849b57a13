"""Rows whose truth is known: risk rises with few pixels and with what a measure says."""

from __future__ import annotations

import numpy as np

from forensics.calibration.rows import GROUPS, FaceRow, Group
from forensics.scoring.references import shipped_references

PEOPLE = 36


def row(
    person: str,
    group: Group,
    number: int,
    *,
    iod: float,
    contradiction: float,
    erred: float,
    qp: float | None = 30.0,
) -> FaceRow:
    """A face: ``contradiction`` as departure from accurate pictures, ``erred`` a distance 0..2."""
    measures = {
        "interocular_px": iod,
        "cutoff": 0.3,
        "noise": 1.5,
        "blur": 0.8,
        "blockiness": 1.1,
        "contrast": 12.0,
        "contradiction": 2.0 * 2.0**contradiction,
        "ssim_crop": 0.8,
        "lpips_embedded_crop": 0.4,
    }
    if qp is not None:
        measures["qp"] = qp
    return FaceRow(
        key=f"{person}-{number}",
        person=person,
        group=group,
        restorer="made",
        family="h264",
        interocular_px=iod,
        measures=measures,
        references={"contradiction": 2.0, "contradiction_p99": 4.0},
        not_measured=(),
        identity_distance=erred,
        feature_distance={"eyes": 0.1, "nose": 0.1, "mouth": 0.1},
        attribute_change={"glasses": 0.0, "facial_hair": 1.0, "eye_colour": 3.0},
        baselines={"identity_cosine": 0.2, "niqe_like": 3.0},
    )


def rows(seed: int = 0, *, people: int = PEOPLE, faces: int = 8, use: float = 2.5) -> list[FaceRow]:
    """``people`` in each group; the logit is size and ``use`` times the departure."""
    rng = np.random.default_rng(seed)
    found = []
    for group in GROUPS:
        for person in range(people):
            for number in range(faces):
                iod = float(np.exp(rng.uniform(np.log(10), np.log(90))))
                contradiction = float(rng.normal())
                logit = -1.2 * (np.log2(iod) - 4.8) + use * contradiction - 0.5
                erred = float(rng.uniform() < 1 / (1 + np.exp(-logit)))
                qp = float(rng.integers(22, 44)) if rng.random() < 0.6 else None
                name = f"{group}{person:03d}"
                found.append(
                    row(name, group, number, iod=iod, contradiction=contradiction,
                        erred=0.2 + 0.6 * erred, qp=qp)
                )  # fmt: skip
    return found


def networks() -> dict[str, str]:
    """Digests of made-up networks."""
    assert shipped_references().version
    return {"perceptual": "2" * 64, "identity": "1" * 64}

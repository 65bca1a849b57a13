"""The tracker's same-person rule, fitted on train people for one set of weights.

For each eye distance: views of train people as footage shows them (the same photo in two different
spoilt views stands for one person in one clip; the second photo is rarer and years apart), logistic
regression of same/different on the cosine.  Never the fixture, val people or test clips.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from scipy.optimize import minimize

from forensics.models.nets.identity import build_identity
from training.appearance.faces import EYES, Faces, relight, spoil, to_m11, window

EYE_PX = (8.0, 12.0, 16.0, 24.0, 40.0)
PEOPLE = 300
STRANGER_WEIGHT = 3.0  # joining two people is the worse mistake of the two


def footage(face: np.ndarray, eye_px: float, rng: np.random.Generator) -> np.ndarray:
    """A spoilt view with ``eye_px`` between the eyes, in the same light as its partner."""
    x = window(np.roll(face, tuple(rng.integers(-1, 2, 2)), (0, 1))).astype(np.float32)
    return spoil(x, min(eye_px, EYES * 1.2), rng)


def cosines(
    state: Mapping[str, torch.Tensor], faces: Faces, eye_px: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of same-person and of different-person pairs of spoilt views of train people."""
    rng = np.random.default_rng([seed, round(eye_px)])
    net = build_identity(state)
    people = rng.choice(len(faces.people), PEOPLE, replace=False)
    pairs = []
    for person in people:
        face = faces.rgb_u8[faces.photos_of[person][0]]
        # Within a clip light and expression drift a little: one of the two is lit anew.
        lit = relight(face.astype(np.float32), rng) * 0.5 + face * 0.5
        pairs.append((footage(face, eye_px, rng), footage(lit, eye_px, rng)))
    rows = []
    for side in (0, 1):
        x = torch.from_numpy(to_m11([pair[side] for pair in pairs]))
        with torch.inference_mode():
            rows.append(torch.cat([net(part) for part in x.split(50)]).numpy())
    table = rows[0] @ rows[1].T
    return np.diag(table).copy(), table[~np.eye(PEOPLE, dtype=bool)]


def fit(state: Mapping[str, torch.Tensor], faces: Faces, seed: int = 7) -> dict[str, list[float]]:
    """eye_px, threshold (cosine at even odds), slope of `forensics.faces.tracklets.Decision`."""
    rule: dict[str, list[float]] = {"eye_px": [], "threshold": [], "slope": []}
    for eye_px in EYE_PX:
        same, other = cosines(state, faces, eye_px, seed)

        def loss(p: np.ndarray, same: np.ndarray = same, other: np.ndarray = other) -> float:
            slope = float(np.exp(p[0]))
            missed = np.logaddexp(0, -slope * (same - p[1])).mean()
            joined = np.logaddexp(0, slope * (other - p[1])).mean()
            return float(missed + STRANGER_WEIGHT * joined + 0.002 * slope)

        best = minimize(loss, np.array([2.0, 0.4]), method="Nelder-Mead").x
        slope, threshold = float(np.exp(best[0])), float(best[1])
        print(
            f"eyes {eye_px:4.0f} px: same {same.mean():.3f}, other {other.mean():.3f}, threshold "
            f"{threshold:.3f}, slope {slope:.1f}, missed {np.mean(same < threshold):.3f}, "
            f"joined {np.mean(other > threshold):.4f}"
        )
        rule["eye_px"].append(eye_px)
        rule["threshold"].append(round(threshold, 4))
        rule["slope"].append(round(slope, 2))
    return rule

"""The tracker's same-person rule, fitted on train people for one set of weights.

For each eye distance, views of train people as footage shows them.  One person is shown twice by
the same photo in two spoilt views (a clip's steady stretch) and, as often, by two photos that may
lie years apart (more change than a clip has: turn, expression, light).  Logistic regression of same
or different on the cosine.  Never the fixture, val people or test clips.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from scipy.optimize import minimize

from forensics.models.nets.identity import FaceNet112, build_identity
from training.appearance.faces import EYES, Faces, relight, spoil, to_m11, window

EYE_PX = (8.0, 12.0, 16.0, 24.0, 40.0)
PEOPLE = 160
STRANGER_WEIGHT = 3.0  # joining two people is the worse mistake of the two


def footage(face: np.ndarray, eye_px: float, rng: np.random.Generator) -> np.ndarray:
    """A spoilt view with ``eye_px`` between the eyes, in a light a little its own."""
    lit = (relight(face.astype(np.float32), rng) + face) / 2
    x = window(np.roll(lit, tuple(rng.integers(-1, 2, 2)), (0, 1)))
    return spoil(x, min(eye_px, EYES * 1.2), rng)


def embed(net: FaceNet112, views: list[np.ndarray]) -> np.ndarray:
    """Unit rows (N, 128) of views (112, 112, 3)."""
    with torch.inference_mode():
        x = torch.from_numpy(to_m11(views))
        return torch.cat([net(part) for part in x.split(50)]).numpy()


def cosines(
    net: FaceNet112, faces: Faces, eye_px: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cosines of pairs: same photo, two photos of one person, different people."""
    rng = np.random.default_rng([seed, round(eye_px)])
    people = rng.choice(len(faces.people), PEOPLE, replace=False)
    photos = [faces.photos_of[p][0] for p in people]
    one = embed(net, [footage(faces.rgb_u8[k], eye_px, rng) for k in photos])
    two = embed(net, [footage(faces.rgb_u8[k], eye_px, rng) for k in photos])
    paired = [rows for rows in faces.photos_of if len(rows) > 1]
    early = embed(net, [footage(faces.rgb_u8[rows[0]], eye_px, rng) for rows in paired])
    late = embed(net, [footage(faces.rgb_u8[rows[-1]], eye_px, rng) for rows in paired])
    table = one @ two.T
    return np.diag(table).copy(), (early * late).sum(1), table[~np.eye(PEOPLE, dtype=bool)]


def fit(state: Mapping[str, torch.Tensor], faces: Faces, seed: int = 7) -> dict[str, list[float]]:
    """eye_px, threshold (cosine at even odds), slope of `forensics.faces.tracklets.Decision`."""
    net = build_identity(state)
    rule: dict[str, list[float]] = {"eye_px": [], "threshold": [], "slope": []}
    for eye_px in EYE_PX:
        steady, apart, other = cosines(net, faces, eye_px, seed)

        def loss(
            p: np.ndarray,
            steady: np.ndarray = steady,
            apart: np.ndarray = apart,
            other: np.ndarray = other,
        ) -> float:
            slope = float(np.exp(p[0]))
            missed = np.logaddexp(0, -slope * (steady - p[1])).mean()
            missed += np.logaddexp(0, -slope * (apart - p[1])).mean()
            joined = np.logaddexp(0, slope * (other - p[1])).mean()
            return float(missed / 2 + STRANGER_WEIGHT * joined + 0.002 * slope)

        best = minimize(loss, np.array([2.0, 0.4]), method="Nelder-Mead").x
        slope, threshold = float(np.exp(best[0])), float(best[1])
        print(
            f"eyes {eye_px:4.0f} px: same photo {steady.mean():.3f}, two photos "
            f"{apart.mean():.3f} (5 %: {np.quantile(apart, 0.05):.3f}), other {other.mean():.3f} "
            f"(99 %: {np.quantile(other, 0.99):.3f}), threshold {threshold:.3f}, slope "
            f"{slope:.1f}, missed {np.mean(steady < threshold):.3f} "
            f"{np.mean(apart < threshold):.3f}, joined {np.mean(other > threshold):.4f}",
            flush=True,
        )
        rule["eye_px"].append(eye_px)
        rule["threshold"].append(round(threshold, 4))
        rule["slope"].append(round(slope, 2))
    return rule

"""Records, names: the words and flags of a face, and every measure its line may carry, in order."""

from __future__ import annotations

from typing import Literal

Band = Literal["high", "caution", "no_sign", "not_calculable"]
MEASURES: tuple[str, ...] = (
    "lpips_crop",
    "lpips_embedded_crop",
    "ssim_crop",
    "interocular_px",
    "cutoff",
    "blur",
    "noise",
    "blockiness",
    "qp",
    "invented_detail",
    "contradiction",
    "contradiction_eyes",
    "contradiction_nose",
    "contradiction_mouth",
    "contradiction_jaw",
    "contradiction_hair",
    "identity_drift",
    "landmark_shift",
    "iris_delta",
    "glasses",
    "facial_hair",
    "hair_grid",
    "jitter",
    "identity_dispersion",
    "stability_input",
    "stability_seed",
    "interval_violation",
    "mean_distance",
    "disagreement",
    "alternatives_spread",
    "contrast",
)
NOT_IN_TABLE: frozenset[str] = frozenset({"contrast"})
"""Measures without columns in faces.csv, whose columns are those of the first bundles."""
TABLE_MEASURES: tuple[str, ...] = tuple(name for name in MEASURES if name not in NOT_IN_TABLE)
FlagCode = Literal[
    "contradicts_footage",
    "identity_drift",
    "structure_shift",
    "eye_colour",
    "glasses",
    "facial_hair",
    "hair_grid",
    "jitter",
    "morphing",
    "pop",
    "swap",
    "unstable",
    "profile",
    "too_small",
    "mismatched_pair",
    "restored_twice",
    "failed",
    "background_redrawn",
]
FACE_FLAGS: frozenset[FlagCode] = frozenset(
    {
        "contradicts_footage",
        "eye_colour",
        "glasses",
        "facial_hair",
        "identity_drift",
        "structure_shift",
        "hair_grid",
    }
)
"""Flags of measures taken of every scored face: one face may carry them and its person may not."""

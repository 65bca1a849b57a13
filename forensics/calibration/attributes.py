"""Calibration, attributes: did glasses, facial hair or eye colour change against the true face?

Truth labels need the sharp face, so they exist in calibration only.  They are read by the rulers of
the measures `glasses`, `facial_hair` and `iris_delta`, on the true and the restored face at their
own sharpness and without the footage.  A model of this target may not use those three measures: a
ruler that errs on the restored face would confirm itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from forensics.calibration.judges import CODEC_SHARE, coded
from forensics.scoring import iris
from forensics.scoring.attributes import band_features, darkness, shipped_cue
from forensics.scoring.measure import U8
from forensics.scoring.references import TABLES
from forensics.scoring.thresholds import shipped_thresholds

RULERS: Final = ("glasses", "facial_hair", "eye_colour")
SHARED: Final = frozenset({"glasses", "facial_hair", "iris_delta"})
"""Features that read with the same rulers: no model of this target holds them."""
NAME: Final = "rulers of glasses, facial_hair and iris_delta, against the true face"


def rulers_sha256() -> str:
    """Digest of the one ruler that was learnt, the cue of glasses."""
    return hashlib.sha256((TABLES / "glasses.json").read_bytes()).hexdigest()


def changes(truth_rgb_u8: U8, restored_rgb_u8: U8) -> dict[str, float]:
    """How far each attribute lies from the truth's, of two template crops (512, 512, 3).

    ``glasses``: difference of the cue, 0..1.  ``facial_hair``: change of moustache, chin or jaw
    against cheeks and forehead, CIE L*, the largest.  ``eye_colour``: CIEDE2000 of an iris, the
    larger; left out where lids or glints cover one.
    """
    pair = (truth_rgb_u8, restored_rgb_u8)
    cue = shipped_cue()
    said = [cue.probability(band_features(np.asarray(p, np.float32))) for p in pair]
    truth, restored = (darkness(np.asarray(p, np.float32)) for p in pair)
    found = {
        "glasses": abs(said[0] - said[1]),
        "facial_hair": max(abs(truth[name] - restored[name]) for name in truth),
    }
    where = iris.centres(*pair)
    true_colours, drawn = (iris.colours(p, where) for p in pair)
    if true_colours is not None and drawn is not None:
        found["eye_colour"] = max(map(iris.difference, true_colours, drawn))
    return found


def limits(truths_rgb_u8: Sequence[U8]) -> dict[str, float]:
    """From which change an attribute counts as another one, by ruler.

    The least that the flags of an audit call visible, or what 95 of 100 true faces stay below after
    H.264 at QP 30 alone (`coded`), whichever is more.
    """
    found: dict[str, list[float]] = {name: [] for name in RULERS}
    for place, truth in enumerate(truths_rgb_u8):
        for name, value in changes(*coded(truth, place)).items():
            found[name].append(value)
    least = {name: shipped_thresholds()[f"{name}_least"] for name in RULERS}
    return {name: max([least[name], *_high(values)]) for name, values in found.items()}


def _high(values: Sequence[float]) -> list[float]:
    return [float(np.quantile(values, CODEC_SHARE))] if values else []


def changed(change: Mapping[str, float], limit: Mapping[str, float]) -> bool:
    """Whether any attribute became another one."""
    return any(change[name] > most for name, most in limit.items() if name in change)

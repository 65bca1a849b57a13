"""Calibration, attributes: did glasses, facial hair or eye colour change against the true face?

Truth labels need the sharp face, so they exist in calibration only.  They are read by the rulers of
the measures `glasses`, `facial_hair` and `iris_delta`, on the true and the restored face at their
own sharpness and without the footage.  A model of this target may not use those three measures: a
ruler that errs on the restored face would confirm itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from forensics.calibration.judges import codec_limits
from forensics.scoring import iris
from forensics.scoring.attributes import facial_hair_change, glasses_change
from forensics.scoring.found_calibration import table_sha256
from forensics.scoring.measure import U8
from forensics.scoring.thresholds import shipped_thresholds

RULERS: Final = ("glasses", "facial_hair", "eye_colour")
SHARED: Final = frozenset({"glasses", "facial_hair", "iris_delta"})
"""Features that read with the same rulers: no model of this target holds them."""
NAME: Final = "rulers of glasses, facial_hair and iris_delta, against the true face"


def rulers_sha256() -> str:
    """Digest of the one ruler that was learnt, the cue of glasses."""
    return table_sha256("glasses")


def changes(truth_rgb_u8: U8, restored_rgb_u8: U8) -> dict[str, float]:
    """How far each attribute lies from the truth's, of two template crops (512, 512, 3).

    ``glasses``: difference of the cue, 0..1.  ``facial_hair``: change of moustache, chin or jaw
    against cheeks and forehead, CIE L*, the largest.  ``eye_colour``: CIEDE2000 of an iris, the
    larger; left out where lids or glints cover one.
    """
    pair = (truth_rgb_u8, restored_rgb_u8)
    truth, restored = (np.asarray(picture, np.float32) for picture in pair)
    found = {"glasses": glasses_change(truth, restored)}
    if (hair := facial_hair_change(truth, restored)) is not None:
        found["facial_hair"] = hair
    where = iris.centres(*pair)
    true_colours, drawn = (iris.colours(picture, where) for picture in pair)
    if true_colours is not None and drawn is not None:
        found["eye_colour"] = max(map(iris.difference, true_colours, drawn))
    return found


def limits(truths_rgb_u8: Sequence[U8]) -> dict[str, float]:
    """From which change an attribute counts as another one, by ruler.

    The least that the flags of an audit call visible, or what 95 of 100 true faces stay below after
    H.264 at QP 30 alone (`codec_limits`), whichever is more.
    """
    codec = codec_limits(truths_rgb_u8, changes)
    least = {name: shipped_thresholds()[f"{name}_least"] for name in RULERS}
    return {name: max(least[name], codec.get(name, 0.0)) for name in RULERS}


def changed(change: Mapping[str, float], limit: Mapping[str, float]) -> bool:
    """Whether any attribute became another one."""
    return any(change[name] > most for name, most in limit.items() if name in change)

"""Calibration, counting: how often tested faces erred, by their size and by their word.

These are the error rates of what an audit says, and need no probability: any test gives them, also
one whose risk model missed its bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forensics.calibration.filmed import SIZES_PX
from forensics.calibration.metrics import share_interval
from forensics.calibration.rows import FaceRow
from forensics.records import Band
from forensics.scoring.flags import face_flags
from forensics.scoring.risk import face_risk


def counts(rows: Sequence[FaceRow], erred: NDArray[np.bool_]) -> dict[str, Any]:
    """``by_size`` and ``by_word`` of tested faces, in range of the probability or not.

    ``erred`` (N,) is one target's label of each row.  Sizes and words without a face are left out.
    """
    sizes = np.array([row.interocular_px for row in rows])
    words = np.array([word_of(row) for row in rows])
    by_size = [
        {"from_px": low, "to_px": high, **_counted(rows, erred, here)}
        for low, high in pairwise(SIZES_PX)
        if (here := (sizes >= low) & (sizes < high)).any()
    ]
    by_word = {str(word): _counted(rows, erred, words == word) for word in np.unique(words)}
    return {"by_size": by_size, "by_word": by_word}


def word_of(row: FaceRow) -> Band:
    """The word that the rules of an audit give a face, from its own picture alone.

    What only a moving face shows (pop, swap, jitter), its turn, and how it bears a second restoring
    take no part.
    """
    flags = face_flags(
        outcome="restored",
        interocular_px=row.interocular_px,
        yaw_deg=None,
        measures=row.measures,
        references=row.references,
    )
    return face_risk(
        measures=row.measures,
        not_measured=dict.fromkeys(row.not_measured, ""),
        references=row.references,
        flags=flags,
    ).band


def _counted(
    rows: Sequence[FaceRow], erred: NDArray[np.bool_], here: NDArray[np.bool_]
) -> dict[str, Any]:
    """People, faces, those that erred, and their share with its interval.

    Faces of one person are not independent, so the interval is that of as many trials as people.
    """
    people = len({row.person for row, kept in zip(rows, here, strict=True) if kept})
    faces, wrong = int(here.sum()), int(erred[here].sum())
    low, high = share_interval(wrong / faces, people)
    return {
        "people": people,
        "faces": faces,
        "erred": wrong,
        "share": [round(value, 4) for value in (wrong / faces, low, high)],
    }

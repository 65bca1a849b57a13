"""Scoring, cards of two decisions about whole pictures: a wrong pair, and footage restored before.

They stand behind flags alone: their numbers go into the flag and not into `measures`.
"""

from __future__ import annotations

from typing import Final

from forensics.scoring.measure import Card
from forensics.scoring.mismatch import LEAST_CONTRAST_GREY, PAIR_LIKENESS
from forensics.scoring.mismatch import MIN_INTEROCULAR_PX as LIKENESS_EYES_PX
from forensics.scoring.traces import MIN_INTEROCULAR_PX, TRACES

DECISION_CARDS: Final[tuple[Card, ...]] = (
    Card(
        name=PAIR_LIKENESS,
        version="1",
        asks="Does the other picture show the face of the footage, or another one altogether?",
        unit="correlation",
        span=(-1.0, 1.0),
        direction="low_is_worse",
        needs=("crop", "the other's face at the same place"),
        gate=(
            f"abstains under {LIKENESS_EYES_PX:g} px between the eyes and where the footage shows "
            f"under {LEAST_CONTRAST_GREY:g} grey levels of contrast in the face; only somebody "
            "else's restoration is asked (flag `mismatched_pair`)"
        ),
        method=(
            "Luma on the template at 128 px; the other laid on the footage by shift, size and turn "
            "(at most a quarter of the eye distance), as it is and blurred twice; both between the "
            "footage's sharpness (at least 2 px) and 6 px; correlation over the inner face, the "
            "highest of all. The median over a person's faces is held against "
            "`pair_likeness_least`."
        ),
        grounds="own derivation, in the module",
        blind=(
            "it sees another face, not another person: a restoration that turned somebody into a "
            "look-alike at the footage's own sharpness passes",
            "another moment, another crop or a mirrored picture of the same person reads low too",
            "two frontal portraits with the same expression and light reach 0.91",
        ),
        cost_ms=9.0,
    ),
    Card(
        name=TRACES,
        version="2",
        asks="Does the footage itself look as if a restorer had drawn this face before?",
        unit="log-odds on training samples; no probability",
        span=(None, None),
        direction="high_is_worse",
        needs=("the frame around the face",),
        gate=(
            f"abstains under {MIN_INTEROCULAR_PX:g} px between the eyes and where face or "
            "surroundings have too few pixels in the picture (flag `restored_twice`)"
        ),
        method=(
            "A small network (`embedded-traces`) sees the face with its surroundings on the "
            "footage's own grid. At four sizes it takes the mean and the spread of every channel "
            "inside the oval that restorers paste, on its seam, in the ring of hair, ears and neck "
            "around it, and beyond the template's square, and weighs them. The median over every "
            "fifth face of a person is held against `traces_limit`."
        ),
        grounds="own derivation; `training/traces`",
        blind=(
            "silence proves nothing: see docs/known-answers.md for what is missed",
            "a restorer that hardly changes good footage leaves nothing to see",
            "sharp portraits that no codec touched: 3 of 187 lay above the limit",
            "where the whole picture was drawn again by a network, face and surroundings agree",
            "make-up, beauty filters, a face lit apart from its surroundings and a face pasted "
            "into another picture differ from their surroundings too",
        ),
        cost_ms=110.0,
    ),
)

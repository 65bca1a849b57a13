"""Scoring, cards of the measures over time; `cards.cards` chains them."""

from __future__ import annotations

from typing import Final

from forensics.scoring.measure import MAX_YAW_DEG, Card
from forensics.scoring.temporal import LONG_S, MAX_GAP_S, MIN_FRAMES, SHORT_S, SLOWEST_HZ

_OWN: Final = (
    "own derivation, in the module; references: true faces of fit people that move, and recorded"
    " ones; none, and so no flag, for footage with less contrast than any of these clips"
)
_WINDOW: Final = (
    f"abstains before {MIN_FRAMES} frames of the person, after a cut, after a gap of more than "
    f"{MAX_GAP_S:g} s and where the source has no time stamps"
)

TIME_CARDS: Final = (
    Card(
        name="jitter",
        version="1",
        asks="Does the restored face tremble where the footage does not?",
        unit="% of the eye distance",
        span=(0.0, None),
        direction="high_is_worse",
        needs=("restored face and crop of the frames before it", "time stamps"),
        gate=f"{_WINDOW}; abstains below 11 frames a second, and where the restored face cannot be "
        "laid on the crop, the footage is too dark or the head is turned by more than "
        f"{MAX_YAW_DEG:.0f} degrees",
        method=(
            "Restored face laid on the crop by shift, size and turn (Gauss-Newton on luma at "
            "128 px, both blurred to what the footage carries); root mean square of what is left "
            f"over the trailing {SHORT_S:g} s once what is slower than {SLOWEST_HZ:g} Hz is fitted "
            "by time stamp. Independent movement of n px from frame to frame reads n px."
        ),
        grounds=_OWN,
        blind=(
            "a face that is steadily in the wrong place reads 0: see contradiction",
            "movement slower than 3 Hz is taken for the head's own",
            "coding noise moves the crop too: small faces in badly coded footage read 1 to 3 %",
            "video that was smoothed over time reads well and may still be wrong",
            "trembling within the first second of a stretch is not seen until it is over",
        ),
        cost_ms=5.0,
    ),
    Card(
        name="identity_dispersion",
        version="1",
        asks="Does the restored person change over time, to a recogniser, where the footage does "
        "not?",
        unit="mean distance (1 - cosine) of pairs of frames, less that of the footage",
        span=(-2.0, 2.0),
        direction="high_is_worse",
        needs=("identity network", "time stamps"),
        gate=f"{_WINDOW}; and where identity_drift abstains (size, turn, contrast)",
        method=(
            f"Mean distance over all pairs of frames of the trailing {LONG_S:g} s, restored faces "
            "less crops; at least 12 scored frames."
        ),
        grounds=_OWN + "; network and its figures: its model card",
        blind=(
            "below 0 is usual: noise makes the crops differ more than a true face does; read it "
            "against the reference",
            "a wrong person drawn steadily reads 0: see identity_drift",
            "turning the head spreads the embeddings of a true face too",
        ),
        cost_ms=1.0,
    ),
)

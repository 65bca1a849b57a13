"""Scoring, cards of the measures that hold a face against the evidence model."""

from __future__ import annotations

from typing import Final

from forensics.scoring.measure import Card

_NEEDS: Final = ("crop", "restored face", "evidence network", "its calibration")
_GATE: Final = (
    "abstains outside the eye distances of the calibration (6 to 105 px), or for another network"
)
_GROUNDS: Final = "own derivation, in the module; network and its figures: its model card"
_BLIND: Final = (
    "one true value in ten lies outside by design: only the share that true faces have tells what"
    " a share means",
    "footage that was damaged in ways the network never saw is outside what the level holds for:"
    " deep in a clip coded by H.264, 12 % of a true face's values lie outside at a QP of 28 to 33,"
    " 16 % to 37, 24 % from 38 (39 to 51 people of the fit list each, from 16 px between the eyes)",
    "a rare trait that this frame does not show (scar, birthmark) can lie outside",
    "a restorer that used other frames or photographs may be right: read it as 'not supported by"
    " this frame'",
    "it was trained on the portraits that trained the embedded restorer: errors of both can agree",
)

EVIDENCE_CARDS: Final = (
    Card(
        name="interval_violation",
        version="1",
        asks="What share of the restored face lies outside what the footage supports?",
        unit="share of values",
        span=(0.0, 1.0),
        direction="high_is_worse",
        needs=_NEEDS,
        gate=_GATE,
        method=(
            "The network states from the crop alone an interval for each value of the true face;"
            " the intervals were stretched on people of the cal list until at most one in ten"
            " values of a true face is expected outside (conformal risk control). Share outside"
            " over the head, mean of 128 and 64 px, after registration (1 px of 256) and gain and"
            " offset of each channel. Reference: the shares of true faces of those people, by"
            " eye distance, one number a person, or what true faces of the fit list score in"
            " footage like this (contrast, quantiser, deep in a coded clip), whichever is higher."
        ),
        grounds=_GROUNDS,
        blind=_BLIND,
        cost_ms=110.0,
    ),
    Card(
        name="mean_distance",
        version="1",
        asks="How far is the restored face from the mean of the faces that fit the footage?",
        unit="grey levels, root mean square",
        span=(0.0, 255.0),
        direction="high_is_worse",
        needs=_NEEDS,
        gate=_GATE,
        method=(
            "Root mean square distance from the network's mean over the head at 128 px, after the"
            " same registration. Reference as for interval_violation. For an exact mean its square"
            " is the error that the restorer adds to what nobody can know; ours is a trained mean,"
            " so it is shown as a distance."
        ),
        grounds=_GROUNDS,
        blind=(
            "an unrestored face lies near the mean: low proves nothing",
            "detail that is right is distance too: the true face is not the mean",
            *_BLIND[1:],
        ),
        cost_ms=0.0,
    ),
)

"""Scoring, cards of the key-face tier: stability, disagreement and other faces that fit."""

from __future__ import annotations

from typing import Final

from forensics.scoring.measure import Card

_OWN: Final = "own derivation, in the module"
_KEY: Final = "key and flagged faces only, capped; "

STABILITY_CARDS: Final[tuple[Card, ...]] = (
    Card(
        name="stability_input",
        version="1",
        asks="Would the same face come out, had the footage been a hair different?",
        unit="distance of the embedded network; not LPIPS",
        span=(0.0, None),
        direction="high_is_worse",
        needs=("crop", "native patch", "the run's restorer", "embedded perceptual network"),
        gate=_KEY + "abstains for the official code of the reference engine",
        method=(
            "Nine small changes of the crop (half a footage pixel either way, one degree either "
            "way, 3 % either way, JPEG 90 and 75 and half the noise at the footage's own size), "
            "each restored and brought back; mean distance over all pairs, inner face. Reference: "
            "the same for the changed crops themselves, not restored. Limit: a ratio to it."
        ),
        grounds=_OWN,
        blind=(
            "a confident restorer repeats the same invention each time: steady is not true",
            "sharper answers differ more: the reference allows for re-sampling, not for sharpness",
        ),
        cost_ms=2600.0,
    ),
    Card(
        name="stability_seed",
        version="1",
        asks="How much of the face hangs on the restorer's own random numbers?",
        unit="distance of the embedded network; not LPIPS",
        span=(0.0, None),
        direction="high_is_worse",
        needs=("crop", "a restorer run with --noise seed:N", "embedded perceptual network"),
        gate=_KEY + "abstains for a restorer that draws no noise, or stored noise alone",
        method="Four answers with other seeds; mean distance over all pairs, inner face.",
        grounds=_OWN,
        blind=("noise moves texture and hardly structure: low proves nothing",),
        cost_ms=8000.0,
    ),
    Card(
        name="disagreement",
        version="1",
        asks="How far apart are two restorers that were given the same crop?",
        unit="distance of the embedded network; not LPIPS",
        span=(0.0, None),
        direction="high_is_worse",
        needs=("crop", "restored face", "embedded restorer", "embedded perceptual network"),
        gate=_KEY + "abstains where the embedded restorer is the only one of the run",
        method="Distance of the restored face to the embedded restorer's answer, inner face.",
        grounds=_OWN,
        blind=(
            "restorers trained on the same people share habits: agreement proves nothing",
            "the embedded restorer is small and soft: a sharp, right answer disagrees with it",
        ),
        cost_ms=250.0,
    ),
    Card(
        name="alternatives_spread",
        version="1",
        asks="How different are faces that all shrink to the same pixels of the footage?",
        unit="distance of the embedded network; not LPIPS",
        span=(0.0, None),
        direction="high_is_worse",
        needs=(
            "crop",
            "native patch",
            "embedded restorer and its directions",
            "embedded perceptual network",
            "reference of contradiction",
        ),
        gate=_KEY + "abstains without a reference, or when fewer than two faces pass the check",
        method=(
            "Eight answers of the embedded restorer with its latent moved along trained "
            "directions, each brought back to the footage (r + up(y - down(r)), repeated) and "
            "kept if its contradiction is no higher than that of 99 in 100 true faces; the four "
            "that differ most are stored. Value: median distance over their pairs, inner face."
        ),
        grounds=_OWN,
        blind=(
            "four of many: the range of what is possible is wider than one small network draws",
            "a small spread does not say that the face is known",
            "all of them share the restorer's habits",
        ),
        cost_ms=1900.0,
    ),
)

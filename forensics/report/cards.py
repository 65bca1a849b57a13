"""Cards: what each measure means, which way it points and what it cannot see, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from forensics.report.words import BASELINE_SENTENCE, SSIM_SENTENCE, number_words

SHARE: Final = "share"
"""The unit of values in 0..1 that are shown in per cent."""


def measured_words(value: float, unit: str) -> str:
    """A value for a reader, without its unit unless it is per cent."""
    return f"{number_words(100 * value)} %" if unit == SHARE else number_words(value)


@dataclass(frozen=True)
class MeasureCard:
    """One measure for a reader; ``unit`` follows the number."""

    title: str
    unit: str
    meaning: str
    direction: str
    blind: str


_LOW_PROVES_NOTHING: Final = "high: disagreement; low proves nothing"

CARDS: Final[Mapping[str, MeasureCard]] = {
    "interocular_px": MeasureCard(
        "distance between the eyes",
        "px",
        "How many pixels of the footage lie between the two eyes.",
        "more pixels: more can be known",
        "Footage that was enlarged before it came here has more pixels, not more detail.",
    ),
    "cutoff": MeasureCard(
        "finest detail",
        "cycles/px",
        "The finest detail of this face that stands out of the footage's noise; 0.5 is the finest"
        " that pixels can hold.",
        "higher: more can be known",
        "Sharpening and block edges raise it without adding detail.",
    ),
    "blur": MeasureCard(
        "blur",
        "px",
        "How wide the edges of the face are in the footage, as the sigma of a Gaussian.",
        "higher: less can be known",
        "Lashes and hair look sharper than edges; noise and block edges hide strong blur.",
    ),
    "noise": MeasureCard(
        "noise",
        "grey levels",
        "How strong the random grain of the footage is.",
        "higher: less can be known",
        "Fine texture counts as noise; strong compression hides it.",
    ),
    "blockiness": MeasureCard(
        "blockiness",
        "",
        "How strongly the edges of the codec's blocks stand out; 1 means not at all.",
        "higher: less can be known",
        "H.264 smooths its own block edges: see the quantiser. Small faces read above 1 by chance.",
    ),
    "qp": MeasureCard(
        "quantiser",
        "",
        "How coarsely the codec stored this part of the picture (0 to 51 in H.264).",
        "higher: less can be known",
        "It describes the last encoding alone, not earlier ones.",
    ),
    "invented_detail": MeasureCard(
        "detail without counterpart",
        SHARE,
        "The share of the fine detail drawn here that has no counterpart in the footage.",
        "higher: more was drawn that the footage cannot decide",
        "It measures exposure, not error: an accurate sharp picture scores the same. It is a share"
        " of energy, so small values can be much visible texture.",
    ),
    "contradiction": MeasureCard(
        "disagreement with the pixels",
        "times the noise",
        "The restored face, shrunk back to the footage, held against the original pixels.",
        _LOW_PROVES_NOTHING,
        "Many faces shrink to the same pixels. Damage that shrinking and blurring do not copy"
        " raises it.",
    ),
    **{
        f"contradiction_{region}": MeasureCard(
            f"disagreement, {region}",
            "times the noise",
            f"The same for the region of the {region}.",
            _LOW_PROVES_NOTHING,
            "Regions are fixed places of the aligned face, not outlines of this one.",
        )
        for region in ("eyes", "nose", "mouth", "jaw", "hair")
    },
    "identity_drift": MeasureCard(
        "drift of the person",
        "",
        "How much less alike a face recogniser finds the restored face and the footage than it"
        " finds accurate pictures at this quality.",
        "higher: the restored face drifts from the person in the footage",
        "The recogniser is weaker on small or turned faces and on some groups of people.",
    ),
    "landmark_shift": MeasureCard(
        "moved points",
        "% of eye distance",
        "How far the part of the face that moved most (eyes, nose, mouth, jaw line) lies from its"
        " place in the footage.",
        "higher: structure moved; low proves nothing",
        "It reads less than was moved, and a part that only changed its look can read as moved.",
    ),
    "iris_delta": MeasureCard(
        "eye colours",
        "dE2000",
        "Colour difference in the irises that the footage does not have: between both eyes, or"
        " between an eye and the same eye of the footage.",
        "higher: a difference was created",
        "Coarse colour coding moves small irises; lids, glints and glasses hide them.",
    ),
    "glasses": MeasureCard(
        "glasses",
        "",
        "How far a cue for glasses differs between restored face and footage, 0 to 1.",
        "higher: frames are drawn or gone; low proves nothing",
        "Dark eye sockets and folds can look like frames; glasses drawn over glasses read 0.",
    ),
    "facial_hair": MeasureCard(
        "facial hair",
        "L*",
        "By how much upper lip, chin or jaw became darker or lighter than in the footage.",
        "higher: a beard or moustache may be drawn or gone; low proves nothing",
        "It sees darkness, not hair: shadows read the same, a light beard does not.",
    ),
    "hair_grid": MeasureCard(
        "regular grid",
        "",
        "Share of the fine detail in the place of the hair that is a regular grid, less the"
        " footage's own.",
        "higher: grid",
        "A fixed band around the face is looked at; braids, combs and woven cloth are regular too.",
    ),
    "jitter": MeasureCard(
        "jitter",
        "% of eye distance",
        "Fast movement of facial points beyond that of the footage.",
        "higher: the face does not hold still",
        "Very smooth video scores well and may still be wrong.",
    ),
    "identity_dispersion": MeasureCard(
        "change over time",
        "",
        "How much the person changes over the clip for a face recogniser.",
        "higher: the face changes",
        "Turning the head has the same effect.",
    ),
    "stability_input": MeasureCard(
        "stability, input",
        "",
        "How much the face changes when the input is moved by a hair.",
        "higher: more of a guess",
        "The same invention can come out each time.",
    ),
    "stability_seed": MeasureCard(
        "stability, noise",
        "",
        "How much the face changes with the random numbers of the network.",
        "higher: more of a guess",
        "The same invention can come out each time.",
    ),
    "interval_violation": MeasureCard(
        "outside the bounds",
        SHARE,
        "The share of the restored face outside what the footage supports, by a network that saw"
        " the footage alone.",
        "higher: the face contradicts the footage; low proves nothing",
        "One true value in ten lies outside by design, and a rare trait that the footage does not"
        " show can.",
    ),
    "mean_distance": MeasureCard(
        "distance from the mean",
        "grey levels",
        "Distance from the mean of the faces that fit the footage, as a network knows them.",
        "higher: more was added",
        "What was added may be right.",
    ),
    "disagreement": MeasureCard(
        "disagreement of tools",
        "",
        "How far several restorers differ.",
        "higher: less certain",
        "All of them may share the same habit.",
    ),
    "alternatives_spread": MeasureCard(
        "spread of alternatives",
        "",
        "How different the faces are that fit the same pixels.",
        "higher: less can be known",
        "The alternatives found are not all there are.",
    ),
    "lpips_crop": MeasureCard(
        "LPIPS to the crop",
        "",
        "Perceptual distance between the crop and the restored face. " + BASELINE_SENTENCE,
        "higher: more was changed",
        "It ranks an untouched picture best and cannot tell right from wrong change.",
    ),
    "lpips_embedded_crop": MeasureCard(
        "perceptual distance to the crop, own backbone",
        "",
        "The same computation as LPIPS on a backbone of our own; the values cannot be compared"
        " with LPIPS. " + BASELINE_SENTENCE,
        "higher: more was changed",
        "It ranks an untouched picture best and cannot tell right from wrong change.",
    ),
    "ssim_crop": MeasureCard(
        "SSIM to the crop",
        "",
        "Structural similarity of the crop and the restored face. " + SSIM_SENTENCE,
        "lower: more was changed",
        "It ranks an untouched picture best and cannot tell right from wrong change.",
    ),
}

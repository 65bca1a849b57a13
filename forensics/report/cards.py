"""Cards: what each measure means, which way it points and what it cannot see, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from forensics.report.language import N_, Table
from forensics.report.words import number_words

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


_LOW_PROVES_NOTHING: Final = N_("high: disagreement; low proves nothing")

CARDS: Final[Mapping[str, MeasureCard]] = Table(
    {
        "interocular_px": MeasureCard(
            N_("distance between the eyes"),
            "px",
            N_("How many pixels of the footage lie between the two eyes."),
            N_("more pixels: more can be known"),
            N_("Footage that was enlarged before it came here has more pixels, not more detail."),
        ),
        "cutoff": MeasureCard(
            N_("finest detail"),
            N_("cycles/px"),
            N_(
                "The finest detail of this face that stands out of the footage's noise; "
                "0.5 is the finest that pixels can hold."
            ),
            N_("higher: more can be known"),
            N_("Sharpening and block edges raise it without adding detail."),
        ),
        "blur": MeasureCard(
            N_("blur"),
            "px",
            N_("How wide the edges of the face are in the footage, as the sigma of a Gaussian."),
            N_("higher: less can be known"),
            N_("Lashes and hair look sharper than edges; noise and block edges hide strong blur."),
        ),
        "noise": MeasureCard(
            N_("noise"),
            N_("grey levels"),
            N_("How strong the random grain of the footage is."),
            N_("higher: less can be known"),
            N_("Fine texture counts as noise; strong compression hides it."),
        ),
        "blockiness": MeasureCard(
            N_("blockiness"),
            "",
            N_("How strongly the edges of the codec's blocks stand out; 1 means not at all."),
            N_("higher: less can be known"),
            N_(
                "H.264 smooths its own block edges: see the quantiser. Small faces read "
                "above 1 by chance."
            ),
        ),
        "contrast": MeasureCard(
            N_("contrast"),
            N_("grey levels per px"),
            N_("How strong the edges and the shading of the face are in the footage."),
            N_("lower: less can be known"),
            N_("Noise, a cap or hard light raise it without showing more of the face."),
        ),
        "qp": MeasureCard(
            N_("quantiser"),
            "",
            N_("How coarsely the codec stored this part of the picture (0 to 51 in H.264)."),
            N_("higher: less can be known"),
            N_("It describes the last encoding alone, not earlier ones."),
        ),
        "invented_detail": MeasureCard(
            N_("detail without counterpart"),
            SHARE,
            N_("The share of the fine detail drawn here that has no counterpart in the footage."),
            N_("higher: more was drawn that the footage cannot decide"),
            N_(
                "It measures exposure, not error: an accurate sharp picture scores the "
                "same. It is a share of energy, so small values can be much visible "
                "texture."
            ),
        ),
        "contradiction": MeasureCard(
            N_("disagreement with the pixels"),
            N_("times the noise"),
            N_("The restored face, shrunk back to the footage, held against the original pixels."),
            _LOW_PROVES_NOTHING,
            N_(
                "Many faces shrink to the same pixels. Damage that shrinking and "
                "blurring do not copy raises it."
            ),
        ),
        **{
            f"contradiction_{region}": MeasureCard(
                title,
                N_("times the noise"),
                meaning,
                _LOW_PROVES_NOTHING,
                N_("Regions are fixed places of the aligned face, not outlines of this one."),
            )
            for region, title, meaning in (
                ("eyes", N_("disagreement, eyes"), N_("The same for the region of the eyes.")),
                ("nose", N_("disagreement, nose"), N_("The same for the region of the nose.")),
                ("mouth", N_("disagreement, mouth"), N_("The same for the region of the mouth.")),
                ("jaw", N_("disagreement, jaw"), N_("The same for the region of the jaw.")),
                ("hair", N_("disagreement, hair"), N_("The same for the region of the hair.")),
            )
        },
        "identity_drift": MeasureCard(
            N_("drift of the person"),
            "",
            N_(
                "How much less alike a face recogniser finds the restored face and the "
                "footage than it finds accurate pictures at this quality."
            ),
            N_("higher: the restored face drifts from the person in the footage"),
            N_("The recogniser is weaker on small or turned faces and on some groups of people."),
        ),
        "landmark_shift": MeasureCard(
            N_("moved points"),
            N_("% of eye distance"),
            N_(
                "How far the part of the face that moved most (eyes, nose, mouth, jaw "
                "line) lies from its place in the footage."
            ),
            N_("higher: structure moved; low proves nothing"),
            N_(
                "It reads less than was moved, and a part that only changed its look can read as "
                "moved."
            ),
        ),
        "iris_delta": MeasureCard(
            N_("eye colours"),
            "dE2000",
            N_(
                "Colour difference in the irises that the footage does not have: between "
                "both eyes, or between an eye and the same eye of the footage."
            ),
            N_("higher: a difference was created"),
            N_("Coarse colour coding moves small irises; lids, glints and glasses hide them."),
        ),
        "glasses": MeasureCard(
            N_("glasses"),
            "",
            N_("How far a cue for glasses differs between restored face and footage, 0 to 1."),
            N_("higher: frames are drawn or gone; low proves nothing"),
            N_(
                "Dark eye sockets and folds can look like frames; glasses drawn over glasses "
                "read 0."
            ),
        ),
        "facial_hair": MeasureCard(
            N_("facial hair"),
            "L*",
            N_("By how much upper lip, chin or jaw became darker or lighter than in the footage."),
            N_("higher: a beard or moustache may be drawn or gone; low proves nothing"),
            N_("It sees darkness, not hair: shadows read the same, a light beard does not."),
        ),
        "hair_grid": MeasureCard(
            N_("regular grid"),
            "",
            N_(
                "Share of the fine detail in the place of the hair that is a regular "
                "grid, less the footage's own."
            ),
            N_("higher: grid"),
            N_(
                "A fixed band around the face is looked at; braids, combs and woven "
                "cloth are regular too."
            ),
        ),
        "jitter": MeasureCard(
            N_("jitter"),
            N_("% of eye distance"),
            N_("Fast movement of facial points beyond that of the footage."),
            N_("higher: the face does not hold still"),
            N_("Very smooth video scores well and may still be wrong."),
        ),
        "identity_dispersion": MeasureCard(
            N_("change over time"),
            "",
            N_("How much the person changes over the clip for a face recogniser."),
            N_("higher: the face changes"),
            N_("Turning the head has the same effect."),
        ),
        "stability_input": MeasureCard(
            N_("stability, input"),
            "",
            N_("How much the face changes when the input is moved by a hair."),
            N_("higher: more of a guess"),
            N_("The same invention can come out each time."),
        ),
        "stability_seed": MeasureCard(
            N_("stability, noise"),
            "",
            N_("How much the face changes with the random numbers of the network."),
            N_("higher: more of a guess"),
            N_("The same invention can come out each time."),
        ),
        "interval_violation": MeasureCard(
            N_("outside the bounds"),
            SHARE,
            N_(
                "The share of the restored face outside what the footage supports, by a "
                "network that saw the footage alone."
            ),
            N_("higher: the face contradicts the footage; low proves nothing"),
            N_(
                "One true value in ten lies outside by design, up to one in four deep in a "
                "coarsely coded clip, and a rare trait that the footage does not show can."
            ),
        ),
        "mean_distance": MeasureCard(
            N_("distance from the mean"),
            N_("grey levels"),
            N_(
                "Distance from the mean of the faces that fit the footage, as a network knows them."
            ),
            N_("higher: more was added"),
            N_("What was added may be right."),
        ),
        "disagreement": MeasureCard(
            N_("disagreement of tools"),
            "",
            N_("How far several restorers differ."),
            N_("higher: less certain"),
            N_("All of them may share the same habit."),
        ),
        "alternatives_spread": MeasureCard(
            N_("spread of alternatives"),
            "",
            N_("How different the faces are that fit the same pixels."),
            N_("higher: less can be known"),
            N_("The alternatives found are not all there are."),
        ),
        "lpips_crop": MeasureCard(
            N_("LPIPS to the crop"),
            "",
            N_(
                "Perceptual distance between the crop and the restored face. This number "
                "is lowest when nothing was restored; it says how much the picture was "
                "changed, not whether the change is right."
            ),
            N_("higher: more was changed"),
            N_("It ranks an untouched picture best and cannot tell right from wrong change."),
        ),
        "lpips_embedded_crop": MeasureCard(
            N_("perceptual distance to the crop, own backbone"),
            "",
            N_(
                "The same computation as LPIPS on a backbone of our own; the values "
                "cannot be compared with LPIPS. This number is lowest when nothing was "
                "restored; it says how much the picture was changed, not whether the "
                "change is right."
            ),
            N_("higher: more was changed"),
            N_("It ranks an untouched picture best and cannot tell right from wrong change."),
        ),
        "ssim_crop": MeasureCard(
            N_("SSIM to the crop"),
            "",
            N_(
                "Structural similarity of the crop and the restored face. This number is "
                "highest when nothing was restored; it says how much the picture was "
                "changed, not whether the change is right."
            ),
            N_("lower: more was changed"),
            N_("It ranks an untouched picture best and cannot tell right from wrong change."),
        ),
    }
)

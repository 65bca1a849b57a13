"""Scoring, cards: for every measure what it asks, how, on what ground, and how it can mislead."""

from __future__ import annotations

from typing import Final

from forensics.scoring.baseline import NO_BACKBONE, SENTENCE
from forensics.scoring.cards_appearance import APPEARANCE_CARDS
from forensics.scoring.cards_decisions import DECISION_CARDS
from forensics.scoring.cards_evidence import EVIDENCE_CARDS
from forensics.scoring.cards_stability import STABILITY_CARDS
from forensics.scoring.cards_time import TIME_CARDS
from forensics.scoring.measure import Card

_LIBRARY: Final = "documentation and source of {}, read"
_OWN: Final = "own derivation, in the module"

_INFORMATION: Final = (
    Card(
        name="interocular_px",
        version="1",
        asks="How many pixels lie between the eyes in the footage?",
        unit="native px",
        span=(0.0, None),
        direction="low_is_worse",
        needs=("landmarks",),
        gate="never abstains",
        method="125.9 px of the template divided by the scale of the alignment.",
        grounds=_OWN,
        blind=(
            "footage that was enlarged before it came here counts empty pixels; see cutoff",
            "turned heads bring the eyes closer together",
        ),
        cost_ms=0.0,
    ),
    Card(
        name="cutoff",
        version="1",
        asks="Up to which frequency does the footage carry detail of this face?",
        unit="cycles per native px",
        span=(0.0, 0.5),
        direction="low_is_worse",
        needs=("native patch", "QP, where the codec is H.264"),
        gate="abstains under 16 native px",
        method=(
            "Radial power spectrum of the Hann-windowed luma, read upwards until two rings lie "
            "below twice the noise floor: the noise estimate's, that of rounding, or H.264's "
            "quantiser step squared over 12, whichever is largest."
        ),
        grounds=_OWN,
        blind=(
            "sharpening and block edges lift it; for JPEG and codecs without a QP the codec's own "
            "loss is not seen",
            "warping to the native patch takes a little off the highest frequencies",
        ),
        cost_ms=3.0,
    ),
    Card(
        name="blur",
        version="1",
        asks="How wide are the edges of the face in the footage?",
        unit="native px, sigma of a Gaussian",
        span=(0.0, 8.0),
        direction="high_is_worse",
        needs=("native patch",),
        gate="abstains under 16 native px, or with fewer than 12 edge points above the noise",
        method=(
            "Ratio of gradients behind two Gaussian derivative filters (0.8 and 1.6 px) at the "
            "strongest edge points, solved for the width of a straight edge; median."
        ),
        grounds=_OWN
        + "; medians within 0.25 px of known blurs of 1 to 2 px (fit people, no codec)",
        blind=(
            "reads low above 2 px when noise or block edges are present",
            "thin lines (lashes, hair) read sharper than edges; 0 means sharp, not perfect",
            "blur along one direction (movement) is averaged over directions",
        ),
        cost_ms=2.0,
    ),
    Card(
        name="noise",
        version="1",
        asks="How strong is the noise of the footage?",
        unit="grey levels",
        span=(0.0, None),
        direction="high_is_worse",
        needs=("native patch",),
        gate="abstains under 16 native px",
        method="skimage.restoration.estimate_sigma: median of the finest wavelet's coefficients.",
        grounds=_LIBRARY.format("scikit-image 0.26"),
        blind=(
            "warping averages neighbours, so it reads low; coding removes noise and reads as none",
            "fine texture (hair, cloth) reads as noise",
        ),
        cost_ms=2.0,
    ),
    Card(
        name="contrast",
        version="1",
        asks="How strong are the edges and the shading of the face in the footage?",
        unit="grey levels per native px",
        span=(0.0, None),
        direction="low_is_worse",
        needs=("native patch",),
        gate="abstains under 16 native px",
        method="Root mean square of the slope of the luma over the head.",
        grounds=_OWN + "; what coding and blur take from a face grows with it",
        blind=(
            "noise has slopes too: it reads high in grainy footage",
            "a cap, jewellery or hard light raise it without showing more of the face",
        ),
        cost_ms=0.5,
    ),
    Card(
        name="blockiness",
        version="1",
        asks="Does the codec's grid show?",
        unit="ratio",
        span=(1.0, None),
        direction="high_is_worse",
        needs=("the face's box from the frame, not warped",),
        gate="abstains when a side of the box is under 48 px, or the box is flat",
        method=(
            "Mean absolute step between neighbouring pixels by phase modulo 8; largest phase over "
            "the median of the eight, the larger of rows and columns."
        ),
        grounds=_OWN,
        blind=(
            "H.264 smooths its own block edges: strong coding can read as clean; see qp",
            "small boxes read above 1 by chance; footage scaled after coding has no grid of 8",
        ),
        cost_ms=0.5,
    ),
    Card(
        name="qp",
        version="1",
        asks="How coarsely did the codec quantise this place?",
        unit="H.264 QP",
        span=(0.0, 51.0),
        direction="high_is_worse",
        needs=("the decoder's quantiser map",),
        gate="abstains where the decoder gives none or the scale is not H.264's",
        method="Mean of the decoder's quantiser over the face's box; step 1 at QP 4, double per 6.",
        grounds="side data of PyAV's H.264 decoder, read",
        blind=(
            "skipped blocks repeat the last picture and carry a QP without new evidence",
            "says nothing about coding before the last one",
        ),
        cost_ms=0.0,
    ),
)

_JUDGED: Final = (
    Card(
        name="invented_detail",
        version="1",
        asks="What share of the drawn detail lies beyond what the footage can carry?",
        unit="share of energy",
        span=(0.0, 1.0),
        direction="high_is_worse",
        needs=("restored face", "cutoff"),
        gate="abstains where the footage is finer than the restored picture (scale <= 1)",
        method=(
            "Spectral energy of the restored face between the footage's limit and 0.5 cycles per "
            "px over that between 4/512 and 0.5 (Hann window, mean-free luma). Map: the same share "
            "in each neighbourhood of 8 px, by Gaussians; no network."
        ),
        grounds=_OWN,
        blind=(
            "exposure, not error: a true sharp face and a wrong sharp face read the same",
            "a share of energy: small values can be much visible texture",
            "sharpened edges put harmonics above the limit",
        ),
        cost_ms=15.0,
        has_map=True,
    ),
    Card(
        name="contradiction",
        version="2",
        asks="Shrunk back to the footage, does the restored face disagree with its pixels?",
        unit="times the noise",
        span=(0.0, None),
        direction="high_is_worse",
        needs=("native patch", "restored face"),
        gate="abstains under 24 native px; a region under 20 native pixels",
        method=(
            "Least RMS difference over blur (brightness 0 to 3, what colour adds to it 0 to 6 "
            "native px), shift (at most 1 px) and gain and offset of each channel, over the larger "
            "of the noise and one grey level; whole head and five fixed regions of the template."
        ),
        grounds=_OWN,
        blind=(
            "low proves nothing: detail finer than the footage passes unseen, and an unrestored "
            "face scores best",
            "true faces score above 1, more in badly coded footage: read it against the reference",
            "damage that is not blur, shrinking or coding (rolling shutter, beauty filters, "
            "relighting) reads as contradiction",
            "regions are fixed polygons: a turned head leaves them",
        ),
        cost_ms=15.0,
        has_map=True,
    ),
    Card(
        name="identity_drift",
        version="1",
        asks="Is the restored face further from the footage than an accurate one, to a recogniser?",
        unit="distance (1 - cosine) less the expected one",
        span=(-2.0, 2.0),
        direction="high_is_worse",
        needs=("identity network", "reference table of the same network"),
        gate=(
            "abstains under 16 px between the eyes, beyond 35 degrees, under a contrast of 12 grey "
            "levels (a dark or flat face), or for another network"
        ),
        method=(
            "Distance of the embeddings of restored face and crop, less what true faces of fit "
            "people have at this size, blur, noise, cut-off and QP (regression)."
        ),
        grounds=_OWN + "; network and its figures: its model card",
        blind=(
            "says nothing about who somebody is",
            "weaker on groups and poses that the network saw less",
            "a restorer trained on the same people shares its errors",
        ),
        cost_ms=10.0,
    ),
)

_BASELINE: Final = (
    Card(
        name="lpips_crop",
        version="1",
        asks="How much was the picture changed, to the published LPIPS (AlexNet)?",
        unit="LPIPS v0.1, alex",
        span=(0.0, None),
        direction="fact",
        needs=("the official AlexNet backbone in the model cache",),
        gate=f"not measured without it: {NO_BACKBONE}",
        method="lpips.LPIPS(crop, restored) at 512 px.",
        grounds=_LIBRARY.format("lpips 0.1.4"),
        blind=(SENTENCE,),
        cost_ms=150.0,
    ),
    Card(
        name="lpips_embedded_crop",
        version="1",
        asks="How much was the picture changed, to our own perceptual network?",
        unit="distance of the embedded network; not LPIPS",
        span=(0.0, None),
        direction="fact",
        needs=("embedded perceptual network",),
        gate="never abstains",
        method="The computation of lpips.LPIPS on a backbone and heads trained by this project.",
        grounds=_LIBRARY.format("lpips 0.1.4") + "; network and its figures: its model card",
        blind=(SENTENCE, "values are not comparable with published LPIPS"),
        cost_ms=150.0,
    ),
    Card(
        name="ssim_crop",
        version="1",
        asks="How much was the picture changed, to structural similarity?",
        unit="SSIM",
        span=(-1.0, 1.0),
        direction="fact",
        needs=("crop", "restored face"),
        gate="never abstains",
        method="scikit-image's structural_similarity with its defaults, mean of three channels.",
        grounds=_LIBRARY.format("scikit-image 0.26"),
        blind=(
            "This number is highest when nothing was restored; it says how much the picture was "
            "changed, not whether the change is right.",
        ),
        cost_ms=20.0,
    ),
)


def cards() -> dict[str, Card]:
    """Cards of all measures of this version, by name; the regions share `contradiction`'s."""
    every = (
        *_INFORMATION,
        *_JUDGED,
        *EVIDENCE_CARDS,
        *APPEARANCE_CARDS,
        *TIME_CARDS,
        *STABILITY_CARDS,
        *DECISION_CARDS,
        *_BASELINE,
    )
    return {card.name: card for card in every}

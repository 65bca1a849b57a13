"""Scoring, cards of the measures of structure and attributes; `cards.cards` chains them."""

from __future__ import annotations

from typing import Final

from forensics.scoring.measure import Card

_OWN: Final = "own derivation, in the module; references: true faces of fit people"
_GATE: Final = "abstains under 16 px between the eyes and beyond 35 degrees"
_MATCHED: Final = "The restored face is first brought to the footage's blur, place and colour. "
_SAME_SHARPNESS: Final = (
    "what the footage is too coarse to show is not seen in either picture: low proves nothing"
)

APPEARANCE_CARDS: Final = (
    Card(
        name="landmark_shift",
        version="2",
        asks="Does a part of the face lie elsewhere than in the footage?",
        unit="% of the eye distance",
        span=(0.0, None),
        direction="high_is_worse",
        needs=("native patch", "restored face"),
        gate=f"{_GATE}; a part without contrast is left out",
        method=(
            _MATCHED + "Whole head: affine registration (Gauss-Newton on luma, at most 192 px "
            "high). Then a shift of each eye, nose, mouth, both sides of the jaw and chin, pulled "
            "to zero where the picture does not decide; a part that does not correlate with the "
            "footage after its shift (0.93 inside the face, 0.88 on its outline, without shading) "
            "has no place there and is left out. What remains after the head's similarity, and how "
            "far the jaw line went by becoming wider than high; the largest."
        ),
        grounds=_OWN,
        blind=(
            _SAME_SHARPNESS,
            "reads less than was moved: part of a shift is taken for the head's size, and weak "
            "contrast pulls towards zero (eyes 5 % further out, each, read 2 to 3 %)",
            "a part that changed its look without moving can read as moved",
            "parts are fixed places of the template; expression and pose are not told apart",
        ),
        cost_ms=60.0,
    ),
    Card(
        name="iris_delta",
        version="2",
        asks="Do the irises show a colour difference that the footage does not have?",
        unit="dE2000",
        span=(0.0, None),
        direction="high_is_worse",
        needs=("native patch", "crop", "restored face"),
        gate="abstains where an iris is under 3 px in radius in the footage (32 px between the "
        "eyes), beyond 35 degrees, and where glints or lids cover it",
        method=(
            "Both irises are found together, in restored face and footage, by their edge to the "
            "white, within 12 px of their usual places; median colour of the ring from 0.35 to "
            "0.9 of its radius, without glints (L* above 90) and lids. The largest of: left "
            "against right in the restored face less the same in the footage; each iris against "
            "the footage's, " + _MATCHED[0].lower() + _MATCHED[1:].rstrip(" .") + "."
        ),
        grounds="CIEDE2000 of scikit-image 0.26; " + _OWN,
        blind=(
            "coarse colour coding moves small irises by up to 8: read it against the reference, "
            "which knows the quality (a floor simulated for one face would guess the codec)",
            "half-closed eyes, strong glasses and dark irises in dark sockets are found badly",
            "one iris recoloured by dE 10 is often missed",
        ),
        cost_ms=25.0,
    ),
    Card(
        name="glasses",
        version="1",
        asks="Are glasses drawn or gone, against the footage?",
        unit="difference of a cue",
        span=(0.0, 1.0),
        direction="high_is_worse",
        needs=("native patch", "restored face", "the cue's weights (tables/glasses.json)"),
        gate=_GATE,
        method=(
            _MATCHED + "A logistic cue on oriented gradients of the eye band is read on both; the "
            "size of the difference. The cue was fitted on people of the train list, with worn "
            "and painted frames; held out (fit people) it tells worn frames with an AUROC of 0.98 "
            "at 14 to 20 px between the eyes and 0.99 at 32 to 60."
        ),
        grounds=_OWN,
        blind=(
            _SAME_SHARPNESS,
            "glasses drawn over glasses read 0; rimless lenses are seen badly",
            "hair or deep folds under the eyes can look like frames, to both pictures alike",
        ),
        cost_ms=2.0,
    ),
    Card(
        name="facial_hair",
        version="1",
        asks="Is a moustache or beard drawn or gone, against the footage?",
        unit="L*",
        span=(0.0, 100.0),
        direction="high_is_worse",
        needs=("native patch", "restored face"),
        gate=_GATE,
        method=(
            _MATCHED + "Median lightness of moustache, chin and jaw against cheeks and forehead; "
            "the largest change between restored face and footage. Regions are the template's."
        ),
        grounds=_OWN,
        blind=(
            "it sees darkness, not hair: a shadow or a lip drawn elsewhere reads the same, and a "
            "light beard on light skin does not read at all",
            _SAME_SHARPNESS,
        ),
        cost_ms=6.0,
    ),
    Card(
        name="hair_grid",
        version="2",
        asks="Does the hair show a regular grid that the footage does not have?",
        unit="share of fine energy",
        span=(-1.0, 1.0),
        direction="high_is_worse",
        needs=("crop", "restored face"),
        gate="abstains with fewer than 4 windows that hold fine detail",
        method=(
            "Windows of 64 px over the template's hair band (there is no parser); geometric mean "
            "of their power spectra, each place against the higher of its ring's median and what "
            "lies 2 bins nearer and further in its own direction; share of the energy from 1/20 "
            "cycle per px in at most 8 peaks that stand out by 6 median deviations; less the same "
            "in the enlarged footage."
        ),
        grounds=_OWN,
        blind=(
            "the hair band is a fixed place: hair elsewhere is not looked at, background is",
            "grids coarser than 20 template px count as hair; one of 16 px hides in strands of "
            "that spacing unless it is strong",
            "braids, combs, woven cloth and screens are regular too",
        ),
        cost_ms=25.0,
    ),
)

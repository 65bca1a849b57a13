"""Sentences: what reports say whole, the same words wherever it is said; `words` hands them on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forensics.report.language import N_, Table

DEMONSTRATION_SENTENCE: Final = N_(
    "Restored with the built-in demonstration model, not with GFPGAN. It "
    "shows how the audit works; other tools would draw other faces."
)
NO_FACE_SENTENCE: Final = N_("no face found; this does not mean that nobody is there")
NO_PROBABILITY_SENTENCE: Final = N_(
    "No probability is given: this restorer has not been tested enough. What "
    "follows are facts and flags."
)
TESTED_SENTENCE: Final = N_(
    "No probability is given: this restorer was tested, and a probability did "
    "not pass the test. What follows are facts and flags."
)
NO_SIGN_SENTENCE: Final = N_("no sign of invention found; this does not confirm the face")
NOT_FOR_IDENTIFICATION: Final = N_("AI-restored. Not for identification.")
NO_LABEL_SENTENCE: Final = N_(
    "The pictures of this bundle and this report were made without the "
    "burned-in label (--no-label): one that is cut out does not say that it "
    "is AI-restored."
)
FAST_SENTENCE: Final = N_(
    "Computed with --precision fast (bfloat16): the faces differ a little "
    "from those that --precision exact draws."
)
COMPAT_SENTENCE: Final = N_(
    "Aligned and pasted as the official code does (--upstream-compat): every "
    "face in the restored picture sits half an output pixel to the right and "
    "below."
)
REFERENCE_SENTENCE: Final = N_(
    "Restored by the official packages as they run (--engine reference): new "
    "noise is drawn at every call, so restoring again draws other faces, and "
    "every pasted face sits half an output pixel to the right and below."
)
BASELINE_SENTENCE: Final = N_(
    "This number is lowest when nothing was restored; it says how much the "
    "picture was changed, not whether the change is right."
)
BASELINE_MEASURES: Final = ("lpips_crop", "lpips_embedded_crop")
UNSIGNED_SENTENCE: Final = N_(
    "This bundle is not signed. Its checksums show whether a file was "
    "altered after sealing; they do not show who made it, and anyone could "
    "have made it."
)
SIGNED_SENTENCE: Final = N_(
    "This bundle is to be signed with the key {keys}. This page cannot prove "
    "that; 'forensics verify' can, with a key that you hold from elsewhere. "
    "Its checksums show whether a file was altered after sealing."
)
SSIM_SENTENCE: Final = N_(
    "This number is highest when nothing was restored; it says how much the "
    "picture was changed, not whether the change is right."
)
MAP_KEY: Final[Mapping[str, str]] = Table(
    {
        "contradicts": N_(
            "orange, the brighter one: contradicts the footage. Shrunk back, the "
            "restored face disagrees with the original pixels more than accurate "
            "pictures do."
        ),
        "invented": N_(
            "blue, the darker one: has no counterpart in the footage. Fine detail "
            "drawn here lies beyond what the footage can carry."
        ),
        "none": N_("black: neither was found; this does not confirm the face."),
    }
)
"""The colours of the map pictures; ``forensics.scoring.maps`` draws them."""
NOT_CONCLUDED: Final = (
    N_("Who the person is: no number here speaks about that."),
    N_("That a feature which only the restored face shows was there: it may have been drawn."),
    N_("That a face without flags is right: the measures see only part of what can go wrong."),
    N_("That a person who was not found was not there."),
)
PICTURE_STATES: Final[Mapping[str, str]] = Table(
    {
        "missing": N_("picture missing: the file is not in the bundle"),
        "unreadable": N_("picture missing: the file cannot be read as a picture"),
        "none": N_("no picture: none was made for this face"),
        "left_out": N_(
            "not shown here: this report has reached its size; the file is in the bundle"
        ),
    }
)
TOO_SMALL_PX: Final = 16.0
"""Eye distance in native px below which the lowest band is never given (scoring.md section 9)."""
NOT_LOOKED_FOR_SENTENCE: Final = N_(
    "Not looked for: eye colours where the eyes are less than 32 pixels "
    "apart; moved parts, glasses and facial hair where they are less than 16 "
    "apart or the head is turned; grids outside a fixed band around the "
    "face; and, at any size, teeth, ears, hats, hairstyle, make-up and "
    "expression."
)
CUTS_SENTENCE: Final = N_(
    "Across a cut a number goes on only where a face looks the same as within "
    "one shot: one person may have several numbers, and one number on both "
    "sides of a cut does not prove that it is one person."
)
BRIEF_SENTENCE: Final = N_(
    "A person carries the flag of a measure where most faces measured within "
    "about a second do. What was drawn for a moment only is marked on its own "
    "pictures and not on the person."
)
NO_LPIPS_SENTENCE: Final = N_(
    "The distance called LPIPS was not computed: its official backbone is "
    "not installed. lpips_embedded_crop is the same computation on a "
    "backbone of our own."
)
ALWAYS: Final = (
    N_(
        "A low value of a measure never confirms a face: detail that the footage "
        "cannot decide can be drawn in many ways that all fit the same pixels."
    ),
    N_("Faces below the detector's reach, covered or turned away are not in the counts."),
    CUTS_SENTENCE,
    NOT_LOOKED_FOR_SENTENCE,
    BRIEF_SENTENCE,
    N_("The thresholds of bands and flags are stated rules, not measured error rates."),
    N_(
        "Integrity is stated from the moment this audit took the file in; what "
        "happened to it before is not known from here."
    ),
)
"""Limits of every audit that restores."""

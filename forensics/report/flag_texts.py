"""Flag texts: each flag code in words, with what was found and why the flag may be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from forensics.records import FlagCode
from forensics.report.language import N_, Table


@dataclass(frozen=True)
class FlagText:
    """A flag code in words: its title, what was found, and why it may be wrong."""

    title: str
    finding: str
    may_be_wrong: str


FLAGS: Final[Mapping[FlagCode, FlagText]] = Table(
    {
        "contradicts_footage": FlagText(
            N_("contradicts the footage"),
            N_(
                "Shrunk back to the size of the footage, the restored face disagrees "
                "with the original pixels, or more of it than of accurate pictures lies "
                "outside what the footage supports"
            ),
            N_(
                "The picture may have been damaged in a way that shrinking and blurring "
                "do not copy (rolling shutter, beauty filter, changed light), or that "
                "the evidence model never saw."
            ),
        ),
        "identity_drift": FlagText(
            N_("drifts from the footage"),
            N_(
                "A face recogniser finds the restored face and the footage less alike "
                "than it finds accurate pictures at this quality"
            ),
            N_("The recogniser is weaker on some groups of people, and on small or turned faces."),
        ),
        "structure_shift": FlagText(
            N_("structure moved"),
            N_(
                "A part of the face (an eye, the nose, the mouth, the jaw line) lies "
                "elsewhere than in the footage, by more than accurate pictures at this "
                "quality"
            ),
            N_(
                "A part that changed its look without moving can read as moved; a turned "
                "head, a moving mouth and coarse coding can too."
            ),
        ),
        "eye_colour": FlagText(
            N_("eye colour differs"),
            N_(
                "The colour of an eye, or the difference between both eyes, has no "
                "counterpart in the footage"
            ),
            N_(
                "The footage's own colours are coarse in small eyes; half-closed eyes, "
                "glints and glasses hide the iris, and then another place is read."
            ),
        ),
        "glasses": FlagText(
            N_("glasses differ"),
            N_("Glasses are drawn or removed against the footage"),
            N_(
                "The cue compares edges around the eyes: dark eye sockets, folds or hair "
                "that were drawn sharper can look like frames."
            ),
        ),
        "facial_hair": FlagText(
            N_("facial hair differs"),
            N_(
                "The upper lip, chin or jaw is darker or lighter than in the footage, as "
                "when a moustache or a beard is drawn or removed"
            ),
            N_(
                "The cue sees darkness, not hair: a shadow or a lip drawn elsewhere looks the same."
            ),
        ),
        "hair_grid": FlagText(
            N_("regular grid in hair or skin"),
            N_("The place of the hair shows a regular grid that the footage does not have"),
            N_(
                "It is looked for in a fixed band around the face, whatever is there; "
                "braids, combs, woven cloth and screens are regular too."
            ),
        ),
        "jitter": FlagText(
            N_("does not hold still"),
            N_("The face moves from frame to frame more than in the footage"),
            N_("Flicker of the footage itself is allowed for, but not fully."),
        ),
        "morphing": FlagText(
            N_("changes over time"),
            N_("The features change from frame to frame more than in the footage"),
            N_("Speech and blinks change a face too."),
        ),
        "pop": FlagText(
            N_("switches on or off"),
            N_("From one frame to the next the face changes between restored and not restored"),
            N_("The place is exact; the picture before and after may still be alike."),
        ),
        "swap": FlagText(
            N_("people may be exchanged"),
            N_(
                "The face under this number looks more like another person followed in "
                "this clip than like its own other frames"
            ),
            N_("People who look alike, and faces that are small or half hidden, are confused too."),
        ),
        "unstable": FlagText(
            N_("unstable"),
            N_("A tiny change of the input gives a visibly different face"),
            N_("A result that does hold still can be the same invention each time."),
        ),
        "profile": FlagText(
            N_("turned away"),
            N_(
                "The head is turned far to the side; the far half of the face cannot be "
                "known from this footage"
            ),
            N_("The turn is estimated from five points and is rough."),
        ),
        "too_small": FlagText(
            N_("too small"),
            N_(
                "The face was restored although it has too few pixels: its features "
                "cannot be known from this footage"
            ),
            N_(
                "The count of pixels says nothing about footage that was enlarged before it came "
                "here."
            ),
        ),
        "mismatched_pair": FlagText(
            N_("the two pictures do not belong together"),
            N_(
                "At the footage's own sharpness the other picture shows another face: it "
                "does not come from this source"
            ),
            N_(
                "Another crop, another moment or a mirrored picture of the same person "
                "has the same effect."
            ),
        ),
        "restored_twice": FlagText(
            N_("restored before"),
            N_(
                "The source shows traces of an earlier restoration, so what is measured "
                "against it is measured against a restored picture"
            ),
            N_(
                "A beauty filter, or a face lit or pasted apart from its surroundings, "
                "leaves similar traces; many restorations leave none."
            ),
        ),
        "failed": FlagText(
            N_("failed"),
            N_("The face was not restored; the frame shows it as it was"),
            N_("Nothing is said about this face, neither good nor bad."),
        ),
        "background_redrawn": FlagText(
            N_("background redrawn"),
            N_("The picture outside the faces was redrawn as well"),
            N_("This says nothing about the faces."),
        ),
    }
)

"""Known: sentences and codes that other stages record in English and that reports can say.

An audit stores English alone.  Here stand those of its words that a report in another language
shows, beside the sentences of this package; whatever is recorded and stands nowhere is shown in
English and marked as that.
"""

from __future__ import annotations

from typing import Final

from forensics.report.language import N_, recorded

_CODES: Final = (
    N_("written"),
    N_("skipped"),
    N_("failed"),
    N_("restored"),
    N_("audio"),
    N_("subtitle"),
    N_("data"),
    N_("copied"),
    N_("sidecar"),
    N_("dropped"),
    N_("audit"),
    N_("verify"),
    N_("input alone"),
    N_("not asked for"),
    N_("a minute"),
    N_("degrees"),
    N_("grey levels"),
    N_("% of the eye distance"),
)
"""Outcomes, kinds of streams, units and labels of commands."""
_FORMS: Final = (
    N_("no original"),
    N_("nothing was restored"),
    N_("one restorer in this run"),
    N_("the restorer draws no noise"),
    N_("official AlexNet backbone not fetched"),
    N_("the region is too small or too flat for the codec's grid"),
    N_("the irises are {radius:.1f} px in radius: too small to show a colour"),
    N_("the source states no colour matrix; {matrix} was assumed"),
    N_("the source states no colour range; {range} was assumed"),
    N_("somebody else restored this: their restorer cannot be asked again"),
    N_("the network gave numbers that are not finite"),
    N_("the frame could not be decoded"),
    N_("Only one frame in {every} was scored; all frames were restored."),
    N_("Only one frame in {every} was scored."),
    N_("Only one frame in {every} was measured."),
    N_("Only a stretch was examined: {stretch}."),
    N_(
        "The faces were drawn by {name}, a plugin of the package {home}, which "
        "this project neither made nor tested."
    ),
    N_(
        "Numbers under plugin: come from {measured}; this project neither made "
        "nor tested them, and no flag or band rests on them."
    ),
    N_("inside the face it is drawn otherwise than around it"),
    N_("so in {high} of {read} faces read"),
    N_("its Content Credentials claim the source type {name}"),
    N_("its own tags say so"),
    N_("the face looks more like another person of this clip than like its own frames"),
    N_("the reference is what the choice between two plain enlargements changes"),
    N_("features change between frames beyond what moves"),
    N_("a recogniser finds the person to change more than the footage does"),
    N_(
        "fewer than {count:d} frames of this person up to here without a cut or a "
        "gap of {gap:.1f} s"
    ),
    N_(
        "measured on key and flagged faces only: at most {most:d} of a person, one "
        "in {every:d} s, beside them {flagged:d} flagged, {count:d} in all"
    ),
    N_("the embedded restorer alone can draw other faces; those in alternatives/ are its own"),
    N_("{count:d} place"),
    N_("{count:d} places"),
    N_("up to {count:d} frame without restoration"),
    N_("up to {count:d} frames without restoration"),
    N_("{count:d} inferred from pixels"),
    N_("largest step {step:.1f} grey levels"),
)
"""Sentences, some with fields of their own."""


def known(text: str) -> str:
    """A recorded text in the language spoken, or in English and marked as that."""
    return recorded(text, _FORMS)

"""Words: every sentence a reader gets about a face, in one place, in English.

Pure functions and constants; the pipeline fills ``Person.summary``, ``Flag.words`` and
``Audit.limits`` from here, so terminal, HTML, PDF and audit.json say the same.  The rules of
speech: a face "has no counterpart in the footage", "contradicts the footage" or "cannot be known
from this footage"; the lowest band "does not confirm the face".  Nothing here says who somebody
is, and no likelihood is worded as long as nothing is calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from forensics.records import Band, FlagCode, Outcome, Severity
from forensics.report.flag_texts import FLAGS
from forensics.report.known import known
from forensics.report.language import N_, Table, _, ngettext
from forensics.report.language import number as said

DEMONSTRATION_SENTENCE: Final = N_(
    "Restored with the built-in demonstration model, not with GFPGAN. It "
    "shows how the audit works; other tools would draw other faces."
)
NO_FACE_SENTENCE: Final = N_("no face found; this does not mean that nobody is there")
NO_PROBABILITY_SENTENCE: Final = N_(
    "No probability is given: this restorer has not been tested enough. What "
    "follows are facts and flags."
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


@dataclass(frozen=True)
class BandWords:
    """How a band is shown: a word, a letter-free shape and the decision it stands for."""

    word: str
    shape: str  # a character of DejaVu Sans, so that no colour is needed
    decision: str


BANDS: Final[Mapping[Band, BandWords]] = Table(
    {
        "high": BandWords(N_("high"), "\u25b2", N_("do not describe features")),
        "caution": BandWords(
            N_("caution"), "\u25c6", N_("describe only with the original beside it")
        ),
        "no_sign": BandWords(N_("no sign"), "\u25cb", NO_SIGN_SENTENCE),
        "not_calculable": BandWords(
            N_("not calculable"),
            "\u2715",
            N_("how far the footage supports this face is not calculable"),
        ),
    }
)
BAND_ORDER: Final[tuple[Band, ...]] = ("high", "caution", "no_sign", "not_calculable")
"""Worst first; "not calculable" last, because it is no statement about the face."""

SEVERITIES: Final[Mapping[Severity, str]] = Table(
    {
        "high": N_("high"),
        "caution": N_("caution"),
        "note": N_("note"),
    }
)
SEVERITY_SHAPES: Final[Mapping[Severity, str]] = {
    "high": "\u25b2",
    "caution": "\u25c6",
    "note": "\u25a1",
}

OUTCOMES: Final[Mapping[Outcome, str]] = Table(
    {
        "restored": N_("restored"),
        "skipped": N_("skipped (left as it was)"),
        "failed": N_("failed (left as it was)"),
    }
)

REASONS: Final[Mapping[str, str]] = Table(
    {
        "not_detected": N_("the person is followed here, but the detector saw no face"),
        "below_eye_px": N_("the eyes are too close together to restore anything"),
        "nested_in_face": N_("lies inside another face"),
        "track_rejected": N_("seen too briefly or too faintly to count as a face"),
        "unsupported_signal": N_("the kind of picture is not supported"),
        "user_excluded": N_("left out on request"),
        "no_counterpart": N_("the restoration that was given does not show this face"),
    }
)
"""Words for the codes of reasons; a reason that is no code is a sentence already."""

ROLES: Final[Mapping[str, str]] = Table(
    {
        "detector": N_("finds faces"),
        "appearance": N_("follows people through the clip"),
        "identity": N_("compares faces"),
        "restorer": N_("draws the restored face"),
        "perceptual": N_("compares pictures as people do"),
        "background": N_("enlarges the picture outside the faces"),
        "background wdn": N_("second half of the background's network, for its denoising strength"),
        "parser": N_("finds the parts of a restored face, which is pasted inside them"),
        "evidence": N_("states what the footage supports"),
        "directions": N_("ways to other faces that fit the same pixels"),
        "alternatives": N_("draws other faces that fit the same pixels"),
    }
)


OTHERS_SENTENCE: Final = N_("Each of these shrinks to the same pixels. The software chose one.")
OTHERS_TITLE: Final = N_("Other faces that fit")


def others_words(count: int, spread: float | None, restorer: str | None) -> str:
    """What a reader must know beside other faces that fit: who drew them, and what they are not.

    ``restorer``: the run's own, where another network drew them.
    """
    who = _("the built-in demonstration model")
    if restorer is not None:
        who += _(", not by {restorer}, which cannot be asked for another face").format(
            restorer=restorer
        )
    apart = (
        "" if spread is None else _(" They lie {spread} apart.").format(spread=number_words(spread))
    )
    return _(
        "Drawn by {who}: {count} of many that fit.{apart} What differs between "
        "them cannot be known from this footage; what they share may be a habit "
        "of the model. Nothing says that the person looks like any of them."
    ).format(who=who, count=counted(count, "face", "faces"), apart=apart)


def begun(text: str) -> str:
    """The text with a capital letter to begin with."""
    return text[:1].upper() + text[1:]


def counted(number: int, one: str, many: str | None = None) -> str:
    """``3 frames``, ``1 frame``."""
    return f"{said(number, ',')} {ngettext(one, many or one + 's', number)}"


def number_words(value: float) -> str:
    """A measured value with three significant digits: 11.83 -> ``11.8``, 16.0 -> ``16``."""
    return said(value, ",.0f") if abs(value) >= 1000 else said(value, ".3g")


def range_words(ranges: Sequence[tuple[int, int]], most: int = 6) -> str:
    """Inclusive frame ranges: ``12 to 40, 52 and 3 more stretches``."""
    shown = [str(a) if a == b else _("{a} to {b}").format(a=a, b=b) for a, b in ranges[:most]]
    rest = len(ranges) - len(shown)
    text = ", ".join(shown)
    return (
        _("{text} and {rest}").format(
            text=text, rest=counted(rest, "more stretch", "more stretches")
        )
        if rest > 0
        else text
    )


def reason_words(reason: str | None) -> str:
    """A reason for a reader: codes become sentences, sentences stay as they are."""
    if reason is None:
        return _("no reason recorded")
    return REASONS[reason] if reason in REASONS else known(reason)


def person_name(person: int | None) -> str:
    """``Person 00``, as files are numbered; None is the picture as a whole."""
    return _("whole picture") if person is None else _("Person {person:02d}").format(person=person)


def eye_words(interocular_px_range: tuple[float, float], *, alone: bool = False) -> str:
    """What the footage holds, as the distance between the eyes in native px.

    ``alone``: the clip is all there is, and no footage of it.
    """
    low, high = interocular_px_range
    if round(low) == round(high):
        if alone:
            return _("the eyes are about {low:.0f} pixels apart in the clip").format(low=low)
        return _("the eyes are about {low:.0f} pixels apart in the footage").format(low=low)
    if alone:
        return _("the eyes are {low:.0f} to {high:.0f} pixels apart in the clip").format(
            low=low, high=high
        )
    return _("the eyes are {low:.0f} to {high:.0f} pixels apart in the footage").format(
        low=low, high=high
    )


def flag_title(code: FlagCode) -> str:
    """A flag code in two or three words."""
    return FLAGS[code].title


def flag_words(
    code: FlagCode,
    *,
    measured: float | None = None,
    reference: float | None = None,
    unit: str | None = None,
    detail: str | None = None,
) -> str:
    """The sentence of a flag: what was found, the value, the value to hold it against.

    ``unit`` follows the numbers (``px``, ``degrees``); ``detail`` names a region or a failure
    ("mouth", "the network gave numbers that are not finite").
    """
    suffix = f" {_(unit)}" if unit else ""
    facts = [detail] if detail else []
    if measured is not None:
        facts.append(
            _("measured {measured}{suffix}").format(measured=number_words(measured), suffix=suffix)
        )
        if reference is not None:
            facts.append(
                _("reference {reference}{suffix}").format(
                    reference=number_words(reference), suffix=suffix
                )
            )
    finding = FLAGS[code].finding
    return f"{finding} ({'; '.join(facts)})." if facts else f"{finding}."


_DECISIONS: Final[Mapping[Band, str]] = Table(
    {
        "high": N_("do not describe features from the restored face"),
        "caution": N_("describe features only with the original beside the restored face"),
        "no_sign": NO_SIGN_SENTENCE,
        "not_calculable": N_("how far the footage supports the restored face is not calculable"),
    }
)


def _band_counts(bands: Mapping[Band, int], faces: int) -> str:
    parts = [
        _("{word} in {bands:,}").format(word=BANDS[band].word, bands=bands[band])
        for band in BAND_ORDER
        if bands.get(band)
    ]
    if not parts:
        return _("no face has a band")
    return _("{parts} of {faces}").format(
        parts=", ".join(parts), faces=counted(faces, "frame", "frames")
    )


def person_summary(
    *,
    person: int,
    band: Band,
    faces: int,
    faces_restored: int,
    faces_failed: int,
    bands: Mapping[Band, int],
    flags: Sequence[FlagCode],
    interocular_px_range: tuple[float, float],
) -> str:
    """The one sentence a reader gets about a person; the arguments are fields of ``Person``.

    ``band`` is ``Person.risk.band``.  Faces neither restored nor failed were skipped.
    """
    parts = [
        f"{person_name(person)}: {_DECISIONS[band]}",
        _("band {bands}").format(bands=_band_counts(bands, faces)),
        eye_words(interocular_px_range),
    ]
    if flags:
        parts.append(_("flags: ") + ", ".join(flag_title(code) for code in flags))
    skipped = faces - faces_restored - faces_failed
    left = []
    if faces_failed:
        left.append(_("{faces_failed:,} failed").format(faces_failed=faces_failed))
    if skipped > 0:
        left.append(_("{skipped:,} skipped").format(skipped=skipped))
    if left:
        parts.append(
            _("of {faces} {left}").format(
                faces=counted(faces, "face", "faces"), left=_(" and ").join(left)
            )
        )
    return "; ".join(parts) + "."


def redrawn_words(redrawn_grey: float | None) -> str:
    """How far the picture outside the faces was changed, as a plain figure; "" for not at all."""
    if redrawn_grey is None:
        return ""
    return _(
        "; outside the faces the picture differs from its plain enlargement by "
        "{redrawn_grey} of 255 grey levels (root mean square; median of the "
        "frames)"
    ).format(redrawn_grey=number_words(redrawn_grey))


def people_sentence(people: int) -> str:
    """How many people were followed; none is a complete result with its own sentence."""
    if people == 0:
        return begun(_(NO_FACE_SENTENCE)) + "."
    return _("{people} followed through the footage.").format(
        people=counted(people, "person", "people")
    )


NOT_LOOKED_FOR_SENTENCE: Final = N_(
    "Not looked for: eye colours where the eyes are less than 32 pixels "
    "apart; moved parts, glasses and facial hair where they are less than 16 "
    "apart or the head is turned; grids outside a fixed band around the "
    "face; and, at any size, teeth, ears, hats, hairstyle, make-up and "
    "expression."
)


def limits(
    *,
    demonstration: bool,
    calibrated: bool,
    people: int,
    lpips_official: bool,
    complete: bool = True,
    stretch: str | None = None,
    every: int = 1,
    made_source: bool = False,
    fast: bool = False,
    upstream_compat: bool = False,
    reference: bool = False,
) -> tuple[str, ...]:
    """What this audit cannot say, most important first; fills ``Audit.limits``.

    ``demonstration``: restored with the embedded model.  ``lpips_official``: `lpips_crop` was
    measured with an official backbone.  ``stretch``: words for the part examined when it is not
    the whole ("from 3 s to 9 s").  ``every``: each Nth frame was scored.  ``made_source``: the
    maker of the file says that it was composed, not recorded.  ``fast``: computed in bfloat16.
    ``upstream_compat`` and ``reference``: restored the official way, by our engine or their code.
    """
    out = [DEMONSTRATION_SENTENCE] if demonstration else []
    out.append(
        _(
            "A restored face is a drawing by a network that was trained on other "
            "people. It must not be used to say who somebody is."
        )
    )
    if not calibrated:
        out.append(NO_PROBABILITY_SENTENCE)
    if people == 0:
        out.append(people_sentence(0))
    if not complete:
        out.append(_("Part of the work failed or is incomplete; the counts say which part."))
    if stretch:
        out.append(_("Only a stretch was examined: {stretch}.").format(stretch=stretch))
    if every > 1:
        out.append(
            _("Only one frame in {every} was scored; all frames were restored.").format(every=every)
        )
    if made_source:
        out.append(_("The source is a made clip, not a recording of an event."))
    if fast:
        out.append(FAST_SENTENCE)
    if upstream_compat and not reference:
        out.append(COMPAT_SENTENCE)
    if reference:
        out.append(REFERENCE_SENTENCE)
    out += [
        _(
            "A low value of a measure never confirms a face: detail that the footage "
            "cannot decide can be drawn in many ways that all fit the same pixels."
        ),
        _("Faces below the detector's reach, covered or turned away are not in the counts."),
        NOT_LOOKED_FOR_SENTENCE,
        _("The thresholds of bands and flags are stated rules, not measured error rates."),
        _(
            "Integrity is stated from the moment this audit took the file in; what "
            "happened to it before is not known from here."
        ),
    ]
    if not lpips_official:
        out.append(
            _(
                "The distance called LPIPS was not computed: its official backbone is "
                "not installed. lpips_embedded_crop is the same computation on a "
                "backbone of our own."
            )
        )
    return tuple(out)

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
from forensics.report.sentences import ALWAYS, NO_LPIPS_SENTENCE
from forensics.report.sentences import BASELINE_MEASURES as BASELINE_MEASURES
from forensics.report.sentences import BASELINE_SENTENCE as BASELINE_SENTENCE
from forensics.report.sentences import COMPAT_SENTENCE as COMPAT_SENTENCE
from forensics.report.sentences import DEMONSTRATION_SENTENCE as DEMONSTRATION_SENTENCE
from forensics.report.sentences import FAST_SENTENCE as FAST_SENTENCE
from forensics.report.sentences import MAP_KEY as MAP_KEY
from forensics.report.sentences import NO_FACE_SENTENCE as NO_FACE_SENTENCE
from forensics.report.sentences import NO_LABEL_SENTENCE as NO_LABEL_SENTENCE
from forensics.report.sentences import NO_PROBABILITY_SENTENCE as NO_PROBABILITY_SENTENCE
from forensics.report.sentences import NO_SIGN_SENTENCE as NO_SIGN_SENTENCE
from forensics.report.sentences import NOT_CONCLUDED as NOT_CONCLUDED
from forensics.report.sentences import NOT_FOR_IDENTIFICATION as NOT_FOR_IDENTIFICATION
from forensics.report.sentences import NOT_LOOKED_FOR_SENTENCE as NOT_LOOKED_FOR_SENTENCE
from forensics.report.sentences import PICTURE_STATES as PICTURE_STATES
from forensics.report.sentences import REFERENCE_SENTENCE as REFERENCE_SENTENCE
from forensics.report.sentences import SIGNED_SENTENCE as SIGNED_SENTENCE
from forensics.report.sentences import SSIM_SENTENCE as SSIM_SENTENCE
from forensics.report.sentences import TESTED_SENTENCE as TESTED_SENTENCE
from forensics.report.sentences import TOO_SMALL_PX as TOO_SMALL_PX
from forensics.report.sentences import UNSIGNED_SENTENCE as UNSIGNED_SENTENCE


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
            N_("caution"), "\u25c6", N_("describe only what the original beside it shows too")
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
        "second_box": N_("a second box on the same face"),
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
        "traces": N_("looks for an earlier restoration of the footage"),
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
    finding: str | None = None,
) -> str:
    """The sentence of a flag: what was found, the value, the value to hold it against.

    ``finding`` replaces what the flag usually says (`forensics.report.other_words`).
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
    found = finding or FLAGS[code].finding
    return f"{found} ({'; '.join(facts)})." if facts else f"{found}."


_DECISIONS: Final[Mapping[Band, str]] = Table(
    {
        "high": N_("do not describe features from the restored face"),
        "caution": N_(
            "describe only features that the original, held beside the restored face, shows too"
        ),
        "no_sign": NO_SIGN_SENTENCE,
        "not_calculable": N_("how far the footage supports the restored face is not calculable"),
    }
)


_RATED: Final[Mapping[Band, str]] = Table(
    {
        "high": N_("high"),
        "caution": N_("caution"),
        "no_sign": N_("no sign of invention (which confirms nothing)"),
        "not_calculable": N_("not calculable"),
    }
)


def _band_counts(bands: Mapping[Band, int], faces: int) -> str:
    parts = [
        _("{word} in {bands:,}").format(word=_RATED[band], bands=bands[band])
        for band in BAND_ORDER
        if bands.get(band)
    ]
    if not parts:
        return _("no face has a band")
    return _("rated {parts} of {faces} that show this person").format(
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
        _band_counts(bands, faces),
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
    tested: bool = False,
) -> tuple[str, ...]:
    """What this audit cannot say, most important first; fills ``Audit.limits``.

    ``demonstration``: restored with the embedded model.  ``lpips_official``: `lpips_crop` was
    measured with an official backbone.  ``stretch``: words for the part examined when it is not
    the whole ("from 3 s to 9 s").  ``every``: each Nth frame was scored.  ``made_source``: the
    maker of the file says that it was composed, not recorded.  ``fast``: computed in bfloat16.
    ``upstream_compat`` and ``reference``: restored the official way, by our engine or their code.
    ``tested``: the restorer was, which matters where no face carries a probability.
    """
    out = [DEMONSTRATION_SENTENCE] if demonstration else []
    out.append(
        _(
            "A restored face is a drawing by a network that was trained on other "
            "people. It must not be used to say who somebody is."
        )
    )
    if not calibrated:
        out.append(TESTED_SENTENCE if tested else NO_PROBABILITY_SENTENCE)
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
    out += ALWAYS
    if not lpips_official:
        out.append(NO_LPIPS_SENTENCE)
    return tuple(out)

"""Court: what a court asks of a method, answered from the bundle alone, or said to be unknown.

Nothing is cited here: no case, standard or paper was read for a reader of this report to lean on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from forensics.records import CalibrationNote, JudgedTarget
from forensics.report.calibration import ABOUT, COMMAND
from forensics.report.error_rates import RateTable, rate_tables, tested_on
from forensics.report.known import known
from forensics.report.language import N_, _, when
from forensics.report.language import number as said
from forensics.report.method import ERROR_RATES
from forensics.report.reliability import reliability_chart
from forensics.report.view import View

STANDING: Final = (
    N_(
        "The makers of this software know of no review of this method by others, "
        "of no second laboratory that repeated its tests, and of no court that "
        "ruled on it. Who relies on it must show that it is fit for the question "
        "asked."
    ),
    N_(
        "The tests were made by the makers of the software, on official "
        "portraits and filmed copies of them, not on footage of the kind that is "
        "examined here."
    ),
    N_(
        "No case, standard or paper is cited in support. What each measure rests "
        "on, and what it cannot see, stands under Measures."
    ),
)
NOT_TO_IDENTIFY: Final = (
    N_(
        "A restored face is one of many that fit the footage. It must not be "
        "used to recognise, compare or search for a person; neither may a band, "
        "a probability or the absence of flags."
    ),
)
SIZES: Final = N_(
    "Error rates were not counted apart for faces of the size seen here; the "
    "figures below are for all sizes of the test together."
)
UNTESTED: Final = N_(
    "No test of this restorer is in this bundle, so no error rate can be "
    "stated. '{command}' makes one."
)
ELSEWHERE: Final = N_(
    "This restorer was tested, but the figures of the test are not in this "
    "bundle; what it said stands under Limits."
)
NOT_OURS: Final = N_(
    "The restoration was made elsewhere and by means unknown to this "
    "software; error rates of a restorer that was tested do not apply to it."
)


@dataclass(frozen=True)
class TargetRow:
    """The figures of one target, as words."""

    about: str
    people: str
    erred: str
    ranks: str
    gain: str
    off: str
    verdict: str
    chart: Markup


@dataclass(frozen=True)
class Court:
    """The section for a court; ``tests`` is empty where nothing was tested."""

    facts: tuple[tuple[str, str], ...]
    no_test: str
    note: str
    tests: tuple[TargetRow, ...]
    rates: tuple[RateTable, ...]
    standing: tuple[str, ...]
    not_to_identify: tuple[str, ...]
    glossary: tuple[tuple[str, str], ...]


def court(view: View, method: tuple[tuple[str, str], ...]) -> Court:
    """The section of a view; ``method`` are the facts that the first screen gives too.

    Its line of error rates points here, so it is left out where the tables stand.
    """
    note = view.audit.calibration
    ours = any(model.role == "restorer" for model in view.audit.models)
    profile = str(view.audit.settings.get("models", "NAME"))
    tests = _tests(note) if note is not None and ours else ()
    no_test = "" if tests else _why_none(ours, note, profile)
    return Court(
        facts=tuple(fact for fact in method if not tests or fact[0] != _(ERROR_RATES)),
        no_test=no_test,
        note=_note(note) if note is not None and tests else "",
        tests=tests,
        rates=rate_tables(note.tested, view) if note is not None and tests else (),
        standing=tuple(map(_, STANDING)),
        not_to_identify=tuple(map(_, NOT_TO_IDENTIFY)),
        glossary=tuple((_(term), _(meaning)) for term, meaning in GLOSSARY),
    )


def _why_none(ours: bool, note: CalibrationNote | None, profile: str) -> str:
    if not ours:
        return _(NOT_OURS)
    if note is not None:
        return _(ELSEWHERE)
    return _(UNTESTED).format(command=COMMAND.format(profile=profile))


def _note(note: CalibrationNote) -> str:
    people = ", ".join(
        _("{count} for {group}").format(count=count, group=group)
        for group, count in note.people.items()
    )
    shown = (
        _("Probabilities are shown for {shown}.").format(shown=", ".join(note.shown))
        if note.shown
        else _("No probability is shown, because no target passed its bar.")
    )
    return _(
        "Tested {made_utc} on people that nothing was fitted or calibrated on "
        "(people: {people}; record {sha256}). {shown}{sizes}"
    ).format(
        made_utc=when(note.made_utc[:10]),
        people=people,
        sha256=note.sha256[:16],
        shown=shown,
        sizes="" if any(t.by_size for t in note.tested.values()) else f" {_(SIZES)}",
    )


def _tests(note: CalibrationNote) -> tuple[TargetRow, ...]:
    return tuple(_row(name, target) for name, target in note.tested.items())


def _row(name: str, target: JudgedTarget) -> TargetRow:
    about = ABOUT.get(name, name)
    return TargetRow(
        about=about,
        people=tested_on(target.people, target.faces),
        erred=said(target.share_erred, ".0%"),
        ranks=_spanned(target.auroc, ".3f"),
        gain=_("{gain} over {baseline}").format(
            gain=_spanned(target.gain, "+.3f"), baseline=known(target.baseline)
        ),
        off=_spanned(target.calibration_error, ".3f"),
        verdict=_("its bar was met")
        if target.passed
        else _("missed its bar: no probability is shown"),
        chart=reliability_chart(name, about, target),
    )


def _spanned(span: tuple[float, float, float], form: str) -> str:
    value, low, high = (said(part, form) for part in span)
    return _("{value} ({low} to {high})").format(value=value, low=low, high=high)


GLOSSARY: Final = (
    (
        N_("AUROC"),
        N_("how often a face that erred gets the higher of two scores: 0.5 is chance, 1 is always"),
    ),
    (
        N_("band"),
        N_(
            "one of four words for how far the footage supports a face: high, "
            "caution, no sign, not calculable; set by stated rules"
        ),
    ),
    (N_("bundle"), N_("the folder this report belongs to, with every file listed by its digest")),
    (
        N_("calibration error"),
        N_("how far stated probabilities lie from how often faces erred, on average"),
    ),
    (
        N_("contradicts the footage"),
        N_(
            "made as small and as blurred as the footage, the restored face still "
            "differs from it by more than accurate pictures do"
        ),
    ),
    (
        N_("crop"),
        N_("a face as the footage holds it, turned upright and enlarged, with nothing added"),
    ),
    (
        N_("digest, SHA-256"),
        N_("a number computed from every byte of a file: another file has another one"),
    ),
    (
        N_("flag"),
        N_("a finding with its place, its measured value and the value it is held against"),
    ),
    (N_("footage"), N_("the file that was examined, before any restoration")),
    (N_("generative"), N_("a network that draws what it learned from other pictures")),
    (
        N_("has no counterpart in the footage"),
        N_("detail finer than the footage can carry: it was drawn"),
    ),
    (N_("hallucination"), N_("a detail of a restored face that the footage does not hold")),
    (
        N_("interval"),
        N_("the range that holds the value in 95 of 100 repetitions of the test with other people"),
    ),
    (
        N_("map"),
        N_("a picture of where the restored face contradicts the footage or has no counterpart"),
    ),
    (N_("restored face"), N_("what a network drew from a crop")),
    (
        N_("usual, 99 of 100 below"),
        N_(
            "what accurate pictures of the same quality score: their middle, and the "
            "value that one in a hundred exceeds"
        ),
    ),
)

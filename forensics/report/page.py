"""Page: everything the templates show, as frozen rows of text, computed from a view.

Templates hold layout alone; sentences come from `words`, counts from the records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from forensics.records import Model
from forensics.report.accounting import Accounting, accounting
from forensics.report.cards import CARDS, SHARE, MeasureCard, measured_words
from forensics.report.court import Court, court
from forensics.report.credentials import CredentialNote, credential_notes
from forensics.report.error_rates import rate_here
from forensics.report.face_rows import FaceRows, face_rows
from forensics.report.figures import Album
from forensics.report.held import held_facts, held_notes
from forensics.report.known import known
from forensics.report.language import (
    _,
    current,
    english,
    joined_text,
    when,
)
from forensics.report.language import (
    number as said,
)
from forensics.report.method import calibrated, examined, method, performed, sealed, subject
from forensics.report.other_words import NO_PROBABILITY, NOTHING_RESTORED, TWICE, WITHOUT_ORIGINAL
from forensics.report.people import FlagRow, PersonBlock, flag_rows, person_blocks
from forensics.report.plugin_words import strange_card
from forensics.report.record_rows import Fact, plain, summarised
from forensics.report.resources import font
from forensics.report.retold import retold_limits
from forensics.report.shots import cut_sentences
from forensics.report.view import View
from forensics.report.viewer import Projector
from forensics.report.words import (
    DEMONSTRATION_SENTENCE,
    NO_LABEL_SENTENCE,
    NOT_FOR_IDENTIFICATION,
    ROLES,
    TESTED_SENTENCE,
    begun,
    people_sentence,
    redrawn_words,
)

_MOST_ENVIRONMENT: Final = 60


@dataclass(frozen=True)
class MeasureRow:
    """What a measure means and what it read over all faces."""

    name: str
    card: MeasureCard
    unit: str
    faces: int
    low: str
    high: str
    not_measured: str


@dataclass(frozen=True)
class ModelRow:
    """A network that took part."""

    role: str
    does: str
    name: str
    version: str
    file: str
    sha256: str
    licence: str
    source: str
    deterministic: str
    card: str


@dataclass(frozen=True)
class Page:
    """The whole report, ready for a template."""

    language: str
    title: str
    notices: tuple[str, ...]
    file: str
    subject: str
    note: str | None
    run_id: str
    source_sha256: str
    bound: tuple[Fact, ...]
    complete: bool
    state: str
    sealed: str
    failures: tuple[str, ...]
    people_sentence: str
    cuts: tuple[str, ...]
    credentials: tuple[CredentialNote, ...]
    calibrated: bool
    no_probability: tuple[str, ...]
    alone: bool  # there is no original beside these faces
    held: tuple[Fact, ...]  # what was held against what; empty where this run restored
    held_notes: tuple[str, ...]
    examined: tuple[Fact, ...]
    performed: tuple[Fact, ...]
    performed_by: str
    method: tuple[Fact, ...]
    people: tuple[PersonBlock, ...]
    flags: tuple[FlagRow, ...]
    faces: FaceRows
    citation: str
    court: Court
    accounting: Accounting
    background: str
    artefacts: tuple[tuple[str, str, str], ...]
    measures: tuple[MeasureRow, ...]
    models: tuple[ModelRow, ...]
    settings: tuple[Fact, ...]
    environment: tuple[Fact, ...]
    environment_left_out: int
    reproduce: tuple[Fact, ...]
    limits: tuple[str, ...]


def build_page(view: View, projector: Projector | None = None) -> Page:
    """The page of a view; pictures are read from the data folder while it is built.

    ``projector`` places the clips of people; None for paper, which then has no table of all
    faces either.
    """
    audit = view.audit
    album = Album(
        view.data_dir, audit.run.id, font("OpenSans-Regular.ttf"), view.labelled, audit.mode
    )
    environment = list(summarised(view.environment))
    notices = list(_first(view))
    if not view.labelled:
        notices.append(_(NO_LABEL_SENTENCE))
    people = person_blocks(view, album, projector)
    facts = method(view)
    viewers = {person.id for person in people if person.viewer and person.viewer.clip}
    return Page(
        language=current(),
        title=_("Restoration audit of {file}").format(file=audit.source.file),
        notices=(*notices, _(NOT_FOR_IDENTIFICATION)),
        file=audit.source.file,
        subject=subject(view),
        note=audit.source.note,
        run_id=audit.run.id,
        source_sha256=audit.source.sha256,
        bound=_bound(view),
        complete=audit.run.complete,
        state=_state(view),
        sealed=sealed(view),
        failures=tuple(map(known, audit.run.failures)),
        people_sentence=people_sentence(len(audit.people)),
        cuts=cut_sentences(view),
        credentials=credential_notes(audit),
        calibrated=calibrated(view),
        no_probability=_no_probability(view),
        alone=audit.mode == "restored_only",
        held=held_facts(audit),
        held_notes=held_notes(audit),
        examined=examined(view),
        performed=performed(view),
        performed_by=f"{audit.run.tool} {audit.run.version}",
        method=facts,
        people=people,
        flags=flag_rows(audit.flags, audit.mode),
        faces=FaceRows() if projector is None else face_rows(view, viewers),
        citation=_citation(view),
        court=court(view, facts),
        accounting=accounting(view),
        background=_background(view),
        artefacts=(
            *((item.file, known(item.outcome), known(item.reason or "")) for item in audit.reports),
            *(
                (item.file, known(item.outcome), known(item.reason or ""))
                for item in audit.comparisons
            ),
        ),
        measures=_measures(view),
        models=tuple(_model(model) for model in audit.models),
        settings=tuple((name, plain(value)) for name, value in audit.settings.items()),
        environment=tuple(environment[:_MOST_ENVIRONMENT]),
        environment_left_out=max(0, len(environment) - _MOST_ENVIRONMENT),
        reproduce=tuple((known(label), command) for label, command in audit.reproduce.items()),
        limits=retold_limits(audit),
    )


def _first(view: View) -> Iterable[str]:
    """What a reader must know before anything else."""
    if view.audit.mode == "restored_only":
        yield _(WITHOUT_ORIGINAL)
    if view.audit.mode == "pair":
        yield _(NOTHING_RESTORED)
    if view.demonstration:
        yield _(DEMONSTRATION_SENTENCE)
    twice = any(flag.code == "restored_twice" for flag in view.audit.flags)
    if twice and view.audit.mode != "restored_only":
        yield _(TWICE)


def _bound(view: View) -> tuple[Fact, ...]:
    """What ties every page to its bundle and its source, whoever tears it out."""
    run = view.audit.run
    facts = [(_("Bundle and run"), run.id), (_("source sha256"), view.audit.source.sha256)]
    facts += [(_("case"), run.case)] if run.case else []
    return (*facts, *((_("to be signed by key"), signer) for signer in run.signers))


def _citation(view: View) -> str:
    """One line that names this audit wherever it is quoted."""
    audit = view.audit
    return _(
        "Restoration audit of {file} (SHA-256 {sha256}), {tool} {version}, "
        "bundle {id}, ended {ended_utc}. AI-restored; not for identification."
    ).format(
        file=audit.source.file,
        sha256=audit.source.sha256,
        tool=audit.run.tool,
        version=audit.run.version,
        id=audit.run.id,
        ended_utc=when(audit.run.ended_utc),
    )


def _state(view: View) -> str:
    totals = view.audit.totals
    lost = totals.frames_failed + totals.faces_failed
    if view.audit.run.complete and not lost and not view.audit.run.failures:
        return _(
            "The software ran to its end and lost no frame and no face. That says nothing about "
            "whether the faces are right."
        )
    parts = [_("The run is complete") if view.audit.run.complete else _("The run is not complete")]
    parts.append(
        _(
            "{frames_failed:,} of {frames:,} frames and {faces_failed:,} of "
            "{faces:,} faces failed; they are listed under Accounting"
        ).format(
            frames_failed=totals.frames_failed,
            frames=totals.frames,
            faces_failed=totals.faces_failed,
            faces=totals.faces,
        )
    )
    return "; ".join(parts) + "."


def _no_probability(view: View) -> tuple[str, ...]:
    """Why no face carries a probability, and what is known of faces of this size instead."""
    note, mode = view.audit.calibration, view.audit.mode
    if mode != "restore" or note is None or not note.tested:
        return (NO_PROBABILITY[mode],)
    here = rate_here(note.tested, view)
    return (_(TESTED_SENTENCE), *([f"{begun(here)}."] if here else []))


def _background(view: View) -> str:
    background = view.audit.background
    if background.outcome == "skipped":
        return _("the picture is as it was given; nothing was restored in this run")
    text = _("{method} ({outcome}; asked for: {requested})").format(
        method=background.method,
        outcome=known(background.outcome),
        requested=background.requested,
    )
    parts = [text, known(background.reason)] if background.reason else [text]
    return joined_text("", (joined_text(": ", parts), redrawn_words(background.redrawn_grey)))


def _measures(view: View) -> tuple[MeasureRow, ...]:
    values: dict[str, list[float]] = {}
    absent: dict[str, Counter[str]] = {}
    for face in view.faces:
        for name, value in {**face.measures, **face.plugin_measures}.items():
            values.setdefault(name, []).append(value)
        for name, reason in {**face.not_measured, **face.plugin_not_measured}.items():
            absent.setdefault(name, Counter())[reason] += 1
    ours = [name for name in CARDS if name in values or name in absent]
    rows = []
    for name in [*ours, *sorted({*values, *absent} - set(CARDS))]:
        found = values.get(name, [])
        card = CARDS.get(name) or strange_card(name, view.audit.models)
        rows.append(
            MeasureRow(
                name=name,
                card=card,
                unit="" if card.unit == SHARE else card.unit,
                faces=len(found),
                low=measured_words(min(found), card.unit) if found else "\u2013",
                high=measured_words(max(found), card.unit) if found else "\u2013",
                not_measured=joined_text(
                    "; ",
                    (
                        joined_text(": ", (known(reason), said(count, ",")))
                        for reason, count in absent.get(name, Counter()).most_common(3)
                    ),
                ),
            )
        )
    return tuple(rows)


def _model(model: Model) -> ModelRow:
    return ModelRow(
        role=english(model.role),
        does=ROLES.get(model.role, ""),
        name=model.name,
        version=model.version,
        file=model.file,
        sha256=model.sha256,
        licence=model.licence,
        source=model.source,
        deterministic=_("yes") if model.deterministic else _("no"),
        card=model.card or _("none"),
    )

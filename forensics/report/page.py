"""Page: everything the templates show, as frozen rows of text, computed from a view.

Templates hold layout alone; sentences come from `words`, counts from the records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from forensics.records import Model
from forensics.report.accounting import Accounting, accounting
from forensics.report.cards import CARDS, SHARE, MeasureCard, measured_words
from forensics.report.credentials import CredentialNote, credential_notes
from forensics.report.figures import Album
from forensics.report.held import held_facts, held_notes
from forensics.report.method import calibrated, examined, method, performed, sealed, subject
from forensics.report.other_words import NO_PROBABILITY, NOTHING_RESTORED, TWICE, WITHOUT_ORIGINAL
from forensics.report.people import FlagRow, PersonBlock, flag_rows, person_blocks
from forensics.report.resources import font
from forensics.report.view import View
from forensics.report.words import (
    DEMONSTRATION_SENTENCE,
    LANGUAGE,
    NO_LABEL_SENTENCE,
    NOT_FOR_IDENTIFICATION,
    ROLES,
    people_sentence,
    redrawn_words,
)

_MOST_ENVIRONMENT: Final = 60
_MOST_TEXT: Final = 240
Fact = tuple[str, str]


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
    credentials: tuple[CredentialNote, ...]
    calibrated: bool
    no_probability: str
    alone: bool  # there is no original beside these faces
    held: tuple[Fact, ...]  # what was held against what; empty where this run restored
    held_notes: tuple[str, ...]
    examined: tuple[Fact, ...]
    performed: tuple[Fact, ...]
    performed_by: str
    method: tuple[Fact, ...]
    people: tuple[PersonBlock, ...]
    flags: tuple[FlagRow, ...]
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


def build_page(view: View) -> Page:
    """The page of a view; pictures are read from the data folder while it is built."""
    audit = view.audit
    album = Album(
        view.data_dir, audit.run.id, font("OpenSans-Regular.ttf"), view.labelled, audit.mode
    )
    environment = list(_summarised(view.environment))
    notices = list(_first(view))
    if not view.labelled:
        notices.append(NO_LABEL_SENTENCE)
    return Page(
        language=LANGUAGE,
        title=f"Restoration audit of {audit.source.file}",
        notices=(*notices, NOT_FOR_IDENTIFICATION),
        file=audit.source.file,
        subject=subject(view),
        note=audit.source.note,
        run_id=audit.run.id,
        source_sha256=audit.source.sha256,
        bound=_bound(view),
        complete=audit.run.complete,
        state=_state(view),
        sealed=sealed(view),
        failures=audit.run.failures,
        people_sentence=people_sentence(len(audit.people)),
        credentials=credential_notes(audit),
        calibrated=calibrated(view),
        no_probability=NO_PROBABILITY[audit.mode],
        alone=audit.mode == "restored_only",
        held=held_facts(audit),
        held_notes=held_notes(audit),
        examined=examined(view),
        performed=performed(view),
        performed_by=f"{audit.run.tool} {audit.run.version}",
        method=method(view),
        people=person_blocks(view, album),
        flags=flag_rows(audit.flags),
        accounting=accounting(view),
        background=_background(view),
        artefacts=(
            *((item.file, item.outcome, item.reason or "") for item in audit.reports),
            *((item.file, item.outcome, item.reason or "") for item in audit.comparisons),
        ),
        measures=_measures(view),
        models=tuple(_model(model) for model in audit.models),
        settings=tuple((name, _plain(value)) for name, value in audit.settings.items()),
        environment=tuple(environment[:_MOST_ENVIRONMENT]),
        environment_left_out=max(0, len(environment) - _MOST_ENVIRONMENT),
        reproduce=tuple(audit.reproduce.items()),
        limits=audit.limits,
    )


def _first(view: View) -> Iterable[str]:
    """What a reader must know before anything else."""
    if view.audit.mode == "restored_only":
        yield WITHOUT_ORIGINAL
    if view.audit.mode == "pair":
        yield NOTHING_RESTORED
    if view.demonstration:
        yield DEMONSTRATION_SENTENCE
    twice = any(flag.code == "restored_twice" for flag in view.audit.flags)
    if twice and view.audit.mode != "restored_only":
        yield TWICE


def _bound(view: View) -> tuple[Fact, ...]:
    """What ties every page to its bundle and its source, whoever tears it out."""
    run = view.audit.run
    facts = [("Bundle and run", run.id), ("source sha256", view.audit.source.sha256)]
    facts += [("case", run.case)] if run.case else []
    return (*facts, *(("to be signed by key", signer) for signer in run.signers))


def _state(view: View) -> str:
    totals = view.audit.totals
    lost = totals.frames_failed + totals.faces_failed
    if view.audit.run.complete and not lost and not view.audit.run.failures:
        return "The run is complete; nothing failed."
    parts = ["The run is complete" if view.audit.run.complete else "The run is not complete"]
    parts.append(
        f"{totals.frames_failed:,} of {totals.frames:,} frames and {totals.faces_failed:,} of"
        f" {totals.faces:,} faces failed; they are listed under Accounting"
    )
    return "; ".join(parts) + "."


def _background(view: View) -> str:
    background = view.audit.background
    if background.outcome == "skipped":
        return "the picture is as it was given; nothing was restored in this run"
    text = f"{background.method} ({background.outcome}; asked for: {background.requested})"
    why = f": {background.reason}" if background.reason else ""
    return text + why + redrawn_words(background.redrawn_grey)


def _measures(view: View) -> tuple[MeasureRow, ...]:
    values: dict[str, list[float]] = {}
    absent: dict[str, Counter[str]] = {}
    for face in view.faces:
        for name, value in face.measures.items():
            values.setdefault(name, []).append(value)
        for name, reason in face.not_measured.items():
            absent.setdefault(name, Counter())[reason] += 1
    named = [*CARDS, *sorted({*values, *absent} - set(CARDS))]
    rows = []
    for name in named:
        if name not in values and name not in absent:
            continue
        found = values.get(name, [])
        card = CARDS.get(name) or MeasureCard(name, "", "not described here", "", "")
        rows.append(
            MeasureRow(
                name=name,
                card=card,
                unit="" if card.unit == SHARE else card.unit,
                faces=len(found),
                low=measured_words(min(found), card.unit) if found else "\u2013",
                high=measured_words(max(found), card.unit) if found else "\u2013",
                not_measured="; ".join(
                    f"{reason}: {count:,}"
                    for reason, count in absent.get(name, Counter()).most_common(3)
                ),
            )
        )
    return tuple(rows)


def _model(model: Model) -> ModelRow:
    return ModelRow(
        role=model.role,
        does=ROLES.get(model.role, ""),
        name=model.name,
        version=model.version,
        file=model.file,
        sha256=model.sha256,
        licence=model.licence,
        source=model.source,
        deterministic="yes" if model.deterministic else "no",
        card=model.card or "none",
    )


def _plain(value: object) -> str:
    if value is None or value == "":
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}\u2026"


def _summarised(record: Mapping[str, object]) -> Iterable[Fact]:
    """An environment record, one row per group: ``packages: av 18.1.0; numpy 2.4.6``."""
    for name, value in record.items():
        if not isinstance(value, Mapping):
            yield (
                str(name),
                _plain(", ".join(map(str, value)) if isinstance(value, list) else value),
            )
            continue
        inner = [
            (f"{name}, {key}", _plain(", ".join(f"{k} {v}" for k, v in part.items())))
            for key, part in value.items()
            if isinstance(part, Mapping)
        ]
        plain = [
            f"{key} {_plain(', '.join(map(str, part)) if isinstance(part, list) else part)}"
            for key, part in value.items()
            if part is not None and not isinstance(part, Mapping)
        ]
        if plain:
            yield str(name), "; ".join(plain)
        yield from inner

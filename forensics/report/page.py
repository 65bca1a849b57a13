"""Page: everything the templates show, as frozen rows of text, computed from a view.

Templates hold layout alone; sentences come from `words`, counts from the records.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from forensics.records import Model
from forensics.report.accounting import Accounting, accounting
from forensics.report.captured import capture_facts
from forensics.report.cards import CARDS, SHARE, MeasureCard, measured_words
from forensics.report.court import Court, court
from forensics.report.credentials import CredentialNote, credential_notes
from forensics.report.face_rows import FaceRows, face_rows
from forensics.report.figures import Album
from forensics.report.people import FlagRow, PersonBlock, flag_rows, person_blocks
from forensics.report.plugin_words import strange_card
from forensics.report.record_rows import Fact, plain, summarised
from forensics.report.resources import font
from forensics.report.view import View
from forensics.report.viewer import Projector
from forensics.report.words import (
    DEMONSTRATION_SENTENCE,
    LANGUAGE,
    NO_LABEL_SENTENCE,
    NOT_FOR_IDENTIFICATION,
    ROLES,
    SIGNED_SENTENCE,
    UNSIGNED_SENTENCE,
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
    credentials: tuple[CredentialNote, ...]
    calibrated: bool
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
    album = Album(view.data_dir, audit.run.id, font("OpenSans-Regular.ttf"), view.labelled)
    environment = list(summarised(view.environment))
    notices = [DEMONSTRATION_SENTENCE] if view.demonstration else []
    if not view.labelled:
        notices.append(NO_LABEL_SENTENCE)
    people = person_blocks(view, album, projector)
    viewers = {person.id for person in people if person.viewer and person.viewer.clip}
    return Page(
        language=LANGUAGE,
        title=f"Restoration audit of {audit.source.file}",
        notices=(*notices, NOT_FOR_IDENTIFICATION),
        file=audit.source.file,
        subject=_subject(view),
        note=audit.source.note,
        run_id=audit.run.id,
        source_sha256=audit.source.sha256,
        bound=_bound(view),
        complete=audit.run.complete,
        state=_state(view),
        sealed=_sealed(view),
        failures=audit.run.failures,
        people_sentence=people_sentence(len(audit.people)),
        credentials=credential_notes(audit),
        calibrated=_calibrated(view),
        examined=_examined(view),
        performed=_performed(view),
        performed_by=f"{audit.run.tool} {audit.run.version}",
        method=_method(view),
        people=people,
        flags=flag_rows(audit.flags),
        faces=FaceRows() if projector is None else face_rows(view, viewers),
        citation=_citation(view),
        court=court(view, _method(view)),
        accounting=accounting(view),
        background=_background(view),
        artefacts=(
            *((item.file, item.outcome, item.reason or "") for item in audit.reports),
            *((item.file, item.outcome, item.reason or "") for item in audit.comparisons),
        ),
        measures=_measures(view),
        models=tuple(_model(model) for model in audit.models),
        settings=tuple((name, plain(value)) for name, value in audit.settings.items()),
        environment=tuple(environment[:_MOST_ENVIRONMENT]),
        environment_left_out=max(0, len(environment) - _MOST_ENVIRONMENT),
        reproduce=tuple(audit.reproduce.items()),
        limits=audit.limits,
    )


def _bound(view: View) -> tuple[Fact, ...]:
    """What ties every page to its bundle and its source, whoever tears it out."""
    run = view.audit.run
    facts = [("Bundle and run", run.id), ("source sha256", view.audit.source.sha256)]
    facts += [("case", run.case)] if run.case else []
    return (*facts, *(("to be signed by key", signer) for signer in run.signers))


def _citation(view: View) -> str:
    """One line that names this audit wherever it is quoted."""
    audit = view.audit
    return (
        f"Restoration audit of {audit.source.file} (SHA-256 {audit.source.sha256}),"
        f" {audit.run.tool} {audit.run.version}, bundle {audit.run.id},"
        f" ended {audit.run.ended_utc}. AI-restored; not for identification."
    )


def _subject(view: View) -> str:
    """One line below the title: size, length and what restored it."""
    source = view.audit.source
    parts = [f"{source.display_width} \u00d7 {source.display_height}"]
    parts.append("1 picture" if source.frames == 1 else f"{source.frames:,} frames")
    if source.duration_s is not None:
        parts.append(f"{source.duration_s:.2f} s")
    names = [model.name for model in view.audit.models if model.role == "restorer"]
    parts.append(f"restored by {', '.join(names)}" if names else "nothing was restored")
    return " \u00b7 ".join(parts)


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


def _examined(view: View) -> tuple[Fact, ...]:
    source = view.audit.source
    picture = f"{source.width} \u00d7 {source.height} as coded"
    if (shown := (source.display_width, source.display_height)) != (source.width, source.height):
        picture += f", shown as {shown[0]} \u00d7 {shown[1]} (pixel shape {source.sar}"
        picture += f", turned by {source.rotation} degrees)" if source.rotation else ")"
    length = f"{source.frames:,} frames" if source.frames != 1 else "1 frame"
    if source.duration_s is not None:
        length += f", {source.duration_s:.3f} s"
    if source.kind == "video":
        length += ", uneven frame times" if source.vfr else ", even frame times"
    streams = "; ".join(
        f"{item.kind} ({item.codec}): {item.outcome}" + (f", {item.reason}" if item.reason else "")
        for item in (*source.audio, *source.other_streams)
    )
    facts = [
        ("file", source.file),
        ("what its maker says", source.note or ""),
        ("SHA-256", source.sha256),
        ("size", f"{source.bytes:,} bytes"),
        ("kind", {"video": "video", "image": "picture", "frames": "folder of frames"}[source.kind]),
        ("picture", picture),
        ("length", length),
        ("coded as", ", ".join(p for p in (source.container, source.codec, source.pix_fmt) if p)),
        ("sound and other streams", streams or "none"),
        ("assumed, the file does not say", "; ".join(source.assumptions)),
        *capture_facts(source),
    ]
    return tuple((label, value) for label, value in facts if value)


def _performed(view: View) -> tuple[Fact, ...]:
    run, restored = view.audit.run, view.audit.restored
    restorers = [
        f"{model.name} {model.version}, sha256 {model.sha256[:16]}\u2026"
        for model in view.audit.models
        if model.role == "restorer"
    ]
    facts = [
        ("restored by", "; ".join(restorers) or "nothing was restored"),
        ("how", _how(view)),
        ("audited by", f"{run.tool} {run.version}"),
        ("run", run.id),
        ("case", run.case or ""),
        ("operator", run.operator or ""),
        ("purpose", run.purpose or ""),
        (
            "time (this machine's clock, not attested)",
            f"{run.started_utc} to {run.ended_utc} ({run.seconds:,.0f} s)",
        ),
        ("signature", _signature(view)),
        (
            "restored file",
            f"{restored.file}, {restored.width} \u00d7 {restored.height}, {restored.frames:,}"
            f" frames, sha256 {restored.sha256[:16]}\u2026"
            if restored
            else "none was written",
        ),
    ]
    return tuple((label, value) for label, value in facts if value)


def _signature(view: View) -> str:
    """What was meant to seal this; the report is written before the seal and cannot show it."""
    run = view.audit.run
    if not run.signers:
        return "none: anyone could have made or changed this bundle"
    keys = ", ".join(run.signers)
    stamp = "; a time stamp was asked for, verify tells whether it is there"
    return (
        f"to be signed with the key {keys}: not proved by this page, but by 'forensics verify' "
        f"with --key{stamp if run.timestamp_requested else ''}"
    )


def _sealed(view: View) -> str:
    """What the first screen says of the seal: meant, not proved."""
    keys = ", ".join(view.audit.run.signers)
    return SIGNED_SENTENCE.format(keys=keys) if keys else UNSIGNED_SENTENCE


def _how(view: View) -> str:
    """Engine, precision, noise; empty for bundles made before these could be chosen."""
    settings = view.audit.settings
    if "engine" not in settings:
        return ""
    if settings["engine"] == "reference":
        return "reference engine: the official packages as they run, with their own noise"
    compat = ", aligned and pasted the official way" if settings.get("upstream_compat") else ""
    return (
        f"{settings['engine']} engine, precision {settings.get('precision')},"
        f" noise {settings.get('noise')}{compat}"
    )


def _method(view: View) -> tuple[Fact, ...]:
    """What a court asks of a method first, answered as far as it can be."""
    cards = ", ".join(model.card for model in view.audit.models if model.card)
    eyes = [person.interocular_px_range for person in view.audit.people]
    least, most = (f"{f(v for pair in eyes for v in pair):.0f}" if eyes else "" for f in (min, max))
    held = (
        f"{least if least == most else f'{least} to {most}'} pixels between the eyes; what is finer"
        " than that was drawn"
        if eyes
        else "no face was found"
    )
    return (
        ("generative", "yes: a network draws detail that the footage does not hold"),
        ("trained on", _trained_on(view, cards)),
        (
            "known error rates",
            "see The method before a court" if _tested(view) else "none for this restorer",
        ),
        ("what the footage holds", held),
    )


def _tested(view: View) -> bool:
    note = view.audit.calibration
    return note is not None and bool(note.tested)


def _trained_on(view: View, cards: str) -> str:
    foreign = [m for m in view.audit.models if m.role == "restorer" and not m.card]
    if foreign:
        names = ", ".join(f"{m.name} ({m.source})" for m in foreign)
        return f"other people, by the makers of {names}; what exactly is not recorded here"
    return f"other people; see the model cards ({cards})" if cards else "not recorded"


def _calibrated(view: View) -> bool:
    """Some face carries a probability, because the calibration of its restorer passed."""
    return any(face.risk.calibrated for face in view.faces)


def _background(view: View) -> str:
    background = view.audit.background
    text = f"{background.method} ({background.outcome}; asked for: {background.requested})"
    why = f": {background.reason}" if background.reason else ""
    return text + why + redrawn_words(background.redrawn_grey)


def _measures(view: View) -> tuple[MeasureRow, ...]:
    values: dict[str, list[float]] = {}
    absent: dict[str, Counter[str]] = {}
    for face in view.faces:
        for name, value in {**face.measures, **face.plugin_measures}.items():
            values.setdefault(name, []).append(value)
        for name, reason in {**face.not_measured, **face.plugin_not_measured}.items():
            absent.setdefault(name, Counter())[reason] += 1
    known = [name for name in CARDS if name in values or name in absent]
    rows = []
    for name in [*known, *sorted({*values, *absent} - set(CARDS))]:
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

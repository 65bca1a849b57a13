"""Batch page: everything that batch.html and batch.pdf show, as frozen rows, from batch.json alone.

Templates hold layout alone.  ``order`` of a row holds one whole number per way to sort the table,
so that a page without a script can be sorted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from forensics.record_batch import BatchSummary, ItemResult
from forensics.records import Band
from forensics.report.batch_words import (
    NOT_RUN,
    OUTCOMES,
    bands_sentence,
    counts_sentence,
    worst_band,
)
from forensics.report.flag_texts import FLAGS
from forensics.report.known import known
from forensics.report.language import ENGLISH, N_, Table, _, current, when
from forensics.report.language import number as said
from forensics.report.words import (
    BAND_ORDER,
    BANDS,
    DEMONSTRATION_SENTENCE,
    NOT_FOR_IDENTIFICATION,
    BandWords,
    counted,
    flag_title,
    number_words,
    person_name,
)

Fact = tuple[str, str]
SORTS: Final[Mapping[str, str]] = Table(
    {
        "plan": N_("the plan"),
        "name": N_("name"),
        "outcome": N_("outcome"),
        "band": N_("worst band"),
        "people": N_("number of people"),
        "flags": N_("number of flags"),
        "time": N_("time taken"),
    }
)
"""Ways to sort the table of items, in words; the first is how it comes."""
_OUTCOME_ORDER: Final = ("failed", "not_run", "unscorable", "incomplete", "done", "duplicate")
MOST_PAPER_ROWS: Final = 1500
"""Items in the PDF: a longer table is in batch.csv, and the page says so."""


@dataclass(frozen=True)
class PersonCell:
    """A person of an item."""

    name: str
    band_code: Band
    band: BandWords
    facts: str
    flags: str


@dataclass(frozen=True)
class ItemRow:
    """An item in the table."""

    id: str
    href: str | None
    source: str
    outcome_code: str
    outcome: str
    note: str
    people: tuple[PersonCell, ...]
    nobody: bool
    frames: str
    flags: str
    seconds: str
    order: tuple[tuple[str, int], ...]

    @property
    def style(self) -> str:
        """The row's places as CSS variables; whole numbers only."""
        return ";".join(f"--{name}:{place}" for name, place in self.order)


@dataclass(frozen=True)
class Problem:
    """An item that failed, is incomplete or could not be judged."""

    id: str
    source: str
    what: str
    reason: str
    hint: str


@dataclass(frozen=True)
class BatchPage:
    """Everything that the template shows."""

    language: str
    title: str
    notices: tuple[str, ...]
    subject: str
    bound: tuple[Fact, ...]
    complete: bool
    state: str
    counts: str
    count_rows: tuple[tuple[str, int], ...]
    bands_sentence: str
    bands: tuple[tuple[Band, BandWords, int], ...]
    flags: tuple[tuple[str, str, str, int], ...]
    problems: tuple[Problem, ...]
    items: tuple[ItemRow, ...]
    left_out: str
    sorts: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str, str], ...]
    sealed: str
    facts: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    notes: tuple[str, ...]
    limits: tuple[str, ...]
    performed_by: str


def batch_language(summary: BatchSummary) -> str:
    """The language that the roll-up was asked for in; older ones are English."""
    return str(summary.settings.get("lang") or ENGLISH)


def build_batch_page(summary: BatchSummary, *, links: bool, most: int | None = None) -> BatchPage:
    """The page of a roll-up. ``links``: to the reports of the bundles beside it."""
    rows = _rows(summary, links)
    shown = rows if most is None else rows[:most]
    run = summary.run
    demonstration = (DEMONSTRATION_SENTENCE,) if DEMONSTRATION_SENTENCE in summary.limits else ()
    return BatchPage(
        language=current(),
        title=_("Batch of {items}").format(
            items=counted(summary.counts.items, "restoration audit", "restoration audits")
        ),
        notices=(*map(_, demonstration), _(NOT_FOR_IDENTIFICATION)),
        subject=_("{started_utc} to {ended_utc}").format(
            started_utc=when(run.started_utc), ended_utc=when(run.ended_utc)
        ),
        bound=_bound(summary),
        complete=run.complete,
        state=_state(summary),
        counts=counts_sentence(summary.counts),
        count_rows=_count_rows(summary),
        bands_sentence=bands_sentence(summary.bands),
        bands=tuple((b, BANDS[b], summary.bands[b]) for b in BAND_ORDER if b in summary.bands),
        flags=tuple(
            (code, FLAGS[code].title, FLAGS[code].may_be_wrong, number)
            for code, number in sorted(summary.flags.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
        problems=tuple(_problems(summary)),
        items=tuple(shown),
        left_out=""
        if len(shown) == len(rows)
        else _("The first {shown} of {rows} items; all are in batch.csv and batch.html.").format(
            shown=len(shown), rows=len(rows)
        ),
        sorts=tuple(SORTS.items()),
        files=tuple(
            (
                f.file,
                known(f.outcome),
                known(f.reason or "")
                or ("" if f.rows is None else _("{rows:,} rows").format(rows=f.rows)),
            )
            for f in summary.files
        ),
        sealed=_sealed(summary),
        facts=_facts(summary),
        settings=tuple((name, "" if v is None else str(v)) for name, v in summary.settings.items()),
        notes=tuple(map(known, summary.notes)),
        limits=tuple(map(known, summary.limits)),
        performed_by=f"{run.tool} {run.version}",
    )


def _bound(summary: BatchSummary) -> tuple[Fact, ...]:
    run = summary.run
    facts = [(_("Batch"), run.id)] + ([(_("case"), run.case)] if run.case else [])
    return (*facts, *((_("to be signed by key"), signer) for signer in run.signers))


def _state(summary: BatchSummary) -> str:
    if summary.run.stopped:
        return _("Not complete. {stopped}").format(stopped=known(summary.run.stopped))
    if summary.counts.not_run:
        return _("Not complete: items are left to do; --resume does them.")
    if not summary.run.complete:
        return _("Not complete: part of the work failed; the table below says what.")
    return _("Complete: every item has a result.")


def _sealed(summary: BatchSummary) -> str:
    if not summary.run.signers:
        return _(
            "This roll-up and its bundles are not signed. batch.sha256 shows whether "
            "a file was altered since; it does not show who made it, and anyone "
            "could have made it."
        )
    return _(
        "This roll-up and its bundles are to be signed with the key {signers}. "
        "This page cannot prove that; 'forensics verify' can, with a key that "
        "you hold from elsewhere. The keys were not at hand while faces were "
        "restored, so the restored media carry no Content Credentials."
    ).format(signers=", ".join(summary.run.signers))


def _count_rows(summary: BatchSummary) -> tuple[tuple[str, int], ...]:
    c = summary.counts
    return (
        (_("items planned"), c.items),
        (OUTCOMES["done"], c.done),
        (OUTCOMES["unscorable"], c.unscorable),
        (OUTCOMES["failed"], c.failed),
        (OUTCOMES["duplicate"], c.duplicate),
        (_(NOT_RUN), c.not_run),
        (_("of those with a bundle: incomplete"), c.incomplete),
        (_("frames"), summary.totals.frames),
        (_("faces"), summary.totals.faces),
        (_("faces restored"), summary.totals.faces_restored),
        (_("faces skipped"), summary.totals.faces_skipped),
        (_("faces failed"), summary.totals.faces_failed),
        (_("people followed"), summary.totals.people),
    )


def _facts(summary: BatchSummary) -> tuple[Fact, ...]:
    run = summary.run
    facts = [
        (_("batch"), run.id),
        (_("started"), when(run.started_utc)),
        (_("ended"), when(run.ended_utc)),
        (_("starts"), str(run.starts)),
        (_("done by"), ", ".join((run.runner, counted(run.workers, "worker", "workers")))),
        (_("work"), _("{seconds:,.0f} s over all workers").format(seconds=summary.totals.seconds)),
        (_("exit code"), str(run.exit_code)),
    ]
    extra = ((_("case"), run.case), (_("operator"), run.operator), (_("purpose"), run.purpose))
    return (*facts, *((label, value) for label, value in extra if value))


# ---------------------------------------------------------------- items


def _problems(summary: BatchSummary) -> list[Problem]:
    found = []
    for item in summary.items:
        if item.outcome == "duplicate":
            continue
        if item.bundle is None or item.outcome == "unscorable":
            what, reason = OUTCOMES[item.outcome], item.reason or ""
        elif not item.complete:
            what, reason = _("incomplete"), "; ".join(item.failures)
        elif item.timestamp_failure is not None:
            what, reason = _("not time-stamped"), item.timestamp_failure
        else:
            continue
        found.append(Problem(item.id, item.source, what, known(reason), known(item.hint or "")))
    found += [
        Problem(name, "", _(NOT_RUN), _("the batch was stopped before it"), "")
        for name in summary.not_run
    ]
    return found


def _rows(summary: BatchSummary, links: bool) -> list[ItemRow]:
    names = sorted([*(i.id for i in summary.items), *summary.not_run], key=str.casefold)
    by_name = {name: place for place, name in enumerate(names)}
    rows = [_row(item, place, by_name[item.id], links) for place, item in enumerate(summary.items)]
    for place, name in enumerate(summary.not_run, len(rows)):
        order = _order(place, by_name[name], "not_run", len(BAND_ORDER) + 1, 0, 0, 0.0)
        rows.append(
            ItemRow(name, None, "", "not_run", _(NOT_RUN), "", (), False, "", "", "", order)
        )
    return rows


def _row(item: ItemResult, place: int, name_place: int, links: bool) -> ItemRow:
    band = worst_band(item)
    incomplete = item.bundle is not None and not item.complete
    code = "incomplete" if incomplete and item.outcome == "done" else item.outcome
    flags = {flag for person in item.people for flag in person.flags} | set(item.flags)
    note = item.reason or "; ".join(item.failures) or item.timestamp_failure or ""
    return ItemRow(
        id=item.id,
        href=f"{quote(item.bundle)}/data/report/report.html" if links and item.bundle else None,
        source=item.source
        if item.restored is None
        else _("{source}, restored by others as {restored}").format(
            source=item.source, restored=item.restored
        ),
        outcome_code=code,
        outcome=_("audited in part") if code == "incomplete" else OUTCOMES[item.outcome],
        note=known(note),
        people=_people(item),
        nobody=item.bundle is not None and not item.people,
        frames="" if item.totals is None else said(item.totals.frames, ","),
        flags=", ".join(flag_title(flag) for flag in item.flags),
        seconds=f"{said(item.seconds, ',.0f')} s" if item.attempts else "",
        order=_order(
            place,
            name_place,
            code,
            len(BAND_ORDER) if band is None else BAND_ORDER.index(band),
            len(item.people),
            len(flags),
            item.seconds,
        ),
    )


def _order(
    place: int,
    name: int,
    outcome: str,
    band: int,
    people: int,
    flags: int,
    seconds: float,
) -> tuple[tuple[str, int], ...]:
    """Places by sort; the most people, flags and seconds come first."""
    rank = _OUTCOME_ORDER.index(outcome)
    return (
        ("plan", place),
        ("name", name),
        ("outcome", rank),
        ("band", band),
        ("people", -people),
        ("flags", -flags),
        ("time", -round(min(seconds, 1e6) * 10)),
    )


def _people(item: ItemResult) -> tuple[PersonCell, ...]:
    cells = []
    for person in item.people:
        low, high = person.interocular_px_range
        eyes = (
            number_words(low)
            if round(low) == round(high)
            else _("{low:.0f} to {high:.0f}").format(low=low, high=high)
        )
        facts = _("{faces}, eyes {eyes} px apart").format(
            faces=counted(person.faces, "face", "faces"), eyes=eyes
        )
        if person.probability is not None:
            facts += _(", probability {probability}").format(
                probability=number_words(person.probability)
            )
        cells.append(
            PersonCell(
                name=person_name(person.id),
                band_code=person.band,
                band=BANDS[person.band],
                facts=facts,
                flags=", ".join(flag_title(flag) for flag in person.flags),
            )
        )
    return tuple(cells)

"""Summary: the rows of a journal as the record that batch.json holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from forensics import __version__
from forensics.batch.journal import Row
from forensics.config import Settings
from forensics.evidence.signing import Signing
from forensics.record_batch import (
    BatchCounts,
    BatchRun,
    BatchSummary,
    BatchTotals,
    ItemResult,
)
from forensics.records import Band, FlagCode
from forensics.report.batch_words import limits
from forensics.report.words import BAND_ORDER


@dataclass(frozen=True)
class Facts:
    """What the driver knows of a batch besides its items."""

    id: str
    started_utc: str
    starts: int
    notes: tuple[str, ...]
    stopped: str | None
    runner: str
    workers: int


def build_summary(
    rows: Sequence[Row], settings: Settings, signing: Signing, facts: Facts
) -> BatchSummary:
    """The roll-up of all rows; its files are added by whoever writes them."""
    results = tuple(row.result for row in rows if row.state == "done" and row.result is not None)
    finished = {result.id for result in results}
    not_run = tuple(row.item.id for row in rows if row.item.id not in finished)
    counts = _counts(results, len(rows), len(not_run))
    complete = not (counts.failed or counts.incomplete or counts.not_run)
    now = datetime.now(UTC)
    return BatchSummary(
        run=BatchRun(
            id=facts.id,
            version=__version__,
            started_utc=facts.started_utc,
            ended_utc=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            seconds=max(0.0, round((now - _moment(facts.started_utc, now)).total_seconds(), 3)),
            starts=facts.starts,
            runner=facts.runner,
            workers=facts.workers,
            complete=complete,
            exit_code=exit_code(results, bool(not_run)),
            stopped=facts.stopped,
            case=settings.case,
            operator=settings.operator,
            purpose=settings.purpose,
            signers=signing.fingerprints,
            timestamp_requested=signing.timestamp_url is not None,
        ),
        settings=settings.values(),
        counts=counts,
        totals=_totals(results),
        bands=_bands(results),
        flags=_flags(results),
        items=results,
        not_run=not_run,
        notes=facts.notes,
        limits=limits(demonstration=settings.models == "embedded", complete=complete),
    )


def exit_code(results: Sequence[ItemResult], left: bool) -> int:
    """Of the batch: a failure outranks a finding, 0 only when everything is complete."""
    if left or any(not r.complete or r.timestamp_failure for r in results):
        return 3
    return 1 if any(result.exit_code == 1 for result in results) else 0


def _counts(results: Sequence[ItemResult], items: int, not_run: int) -> BatchCounts:
    outcomes = Counter(result.outcome for result in results)
    return BatchCounts(
        items=items,
        done=outcomes["done"],
        unscorable=outcomes["unscorable"],
        failed=outcomes["failed"],
        duplicate=outcomes["duplicate"],
        not_run=not_run,
        incomplete=sum(r.bundle is not None and not r.complete for r in results),
    )


def _totals(results: Sequence[ItemResult]) -> BatchTotals:
    totals = [result.totals for result in results if result.totals is not None]
    return BatchTotals(
        frames=sum(t.frames for t in totals),
        faces=sum(t.faces for t in totals),
        faces_restored=sum(t.faces_restored for t in totals),
        faces_skipped=sum(t.faces_skipped for t in totals),
        faces_failed=sum(t.faces_failed for t in totals),
        people=sum(t.people for t in totals),
        seconds=round(sum(result.seconds for result in results), 3),
    )


def _bands(results: Sequence[ItemResult]) -> dict[Band, int]:
    found = Counter(person.band for result in results for person in result.people)
    return {band: found[band] for band in BAND_ORDER if found[band]}


def _flags(results: Sequence[ItemResult]) -> dict[FlagCode, int]:
    found = Counter(flag for result in results for flag in result.flags)
    return {flag: found[flag] for flag in sorted(found)}


def _moment(text: str, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return otherwise

"""Summary: the rows of a journal as the record that batch.json holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from forensics import __version__
from forensics.batch.journal import Row
from forensics.config import Settings
from forensics.evidence.batch_facts import (
    bands_of,
    batch_exit_code,
    counts_of,
    flags_of,
    totals_of,
)
from forensics.evidence.signing import Signing
from forensics.record_batch import BatchRun, BatchSummary
from forensics.report.batch_words import limits


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
    counts = counts_of(results, len(not_run))
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
            exit_code=batch_exit_code(results, bool(not_run)),
            stopped=facts.stopped,
            case=settings.case,
            operator=settings.operator,
            purpose=settings.purpose,
            signers=signing.fingerprints,
            timestamp_requested=signing.timestamp_url is not None,
        ),
        settings=settings.values(),
        counts=counts,
        totals=totals_of(results),
        bands=bands_of(results),
        flags=flags_of(results),
        items=results,
        not_run=not_run,
        notes=facts.notes,
        limits=limits(
            demonstration=settings.models == "embedded"
            and any(result.mode == "restore" for result in results),
            pairs=any(result.mode == "pair" for result in results),
            complete=complete,
        ),
    )


def _moment(text: str, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return otherwise

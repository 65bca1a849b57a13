"""Batch facts: what a roll-up repeats of a bundle's audit, and what it sums up over its items.

The batch writes these, and `verify` computes them again from the bundles as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from forensics.record_batch import (
    BatchCounts,
    BatchTotals,
    ItemOutcome,
    ItemPerson,
    ItemResult,
)
from forensics.records import Audit, Band, FlagCode

_BANDS: tuple[Band, ...] = ("high", "caution", "no_sign", "not_calculable")
_UNSCORABLE = "no face of it could be judged: every band is not calculable"


def with_audit(result: ItemResult, audit: Audit) -> ItemResult:
    """``result`` with everything that it repeats of its bundle's audit."""
    judged = [p for p in audit.people if p.risk.band != "not_calculable"]
    outcome: ItemOutcome = "unscorable" if audit.people and not judged else "done"
    stamp = result.timestamp_failure is not None
    return result.model_copy(
        update={
            "outcome": outcome,
            "exit_code": 3 if stamp else audit.run.exit_code,
            "reason": _UNSCORABLE if outcome == "unscorable" else None,
            "run": audit.run.id,
            "mode": audit.mode,
            "kind": audit.source.kind,
            "source_sha256": audit.source.sha256,
            "complete": audit.run.complete,
            "failures": audit.run.failures,
            "totals": audit.totals,
            "people": item_people(audit),
            "flags": tuple(sorted({flag.code for flag in audit.flags})),
        }
    )


def item_people(audit: Audit) -> tuple[ItemPerson, ...]:
    """The people of an audit as a roll-up shows them."""
    return tuple(
        ItemPerson(
            id=person.id,
            faces=person.faces,
            faces_restored=person.faces_restored,
            faces_failed=person.faces_failed,
            band=person.risk.band,
            bands=person.bands,
            probability=person.risk.probability,
            flags=person.flags,
            interocular_px_range=person.interocular_px_range,
            summary=person.summary,
        )
        for person in audit.people
    )


def counts_of(items: Sequence[ItemResult], not_run: int) -> BatchCounts:
    """Items by outcome."""
    outcomes = Counter(item.outcome for item in items)
    return BatchCounts(
        items=len(items) + not_run,
        done=outcomes["done"],
        unscorable=outcomes["unscorable"],
        failed=outcomes["failed"],
        duplicate=outcomes["duplicate"],
        not_run=not_run,
        incomplete=sum(item.bundle is not None and not item.complete for item in items),
    )


def totals_of(items: Sequence[ItemResult]) -> BatchTotals:
    """Sums over all bundles."""
    totals = [item.totals for item in items if item.totals is not None]
    return BatchTotals(
        frames=sum(t.frames for t in totals),
        faces=sum(t.faces for t in totals),
        faces_restored=sum(t.faces_restored for t in totals),
        faces_skipped=sum(t.faces_skipped for t in totals),
        faces_failed=sum(t.faces_failed for t in totals),
        people=sum(t.people for t in totals),
        seconds=round(sum(item.seconds for item in items), 3),
    )


def bands_of(items: Sequence[ItemResult]) -> dict[Band, int]:
    """People by band, the worst first."""
    found = Counter(person.band for item in items for person in item.people)
    return {band: found[band] for band in _BANDS if found[band]}


def flags_of(items: Sequence[ItemResult]) -> dict[FlagCode, int]:
    """Items by flag."""
    found = Counter(flag for item in items for flag in item.flags)
    return {flag: found[flag] for flag in sorted(found)}


def batch_exit_code(items: Sequence[ItemResult], left: bool) -> int:
    """Of the whole batch: a failure outranks a finding, 0 only when everything is complete."""
    if left or any(not item.complete or item.timestamp_failure for item in items):
        return 3
    return 1 if any(item.exit_code == 1 for item in items) else 0

"""Results: an audit, an error or a death as the record of its item. Loads no network."""

from __future__ import annotations

import hashlib
from pathlib import Path

from forensics.errors import ForensicsError
from forensics.evidence.lines import AUDIT, parse_audit
from forensics.evidence.names import readable_name
from forensics.record_batch import BatchItem, ItemOutcome, ItemPerson, ItemResult
from forensics.records import Audit

TAG_MANIFEST = "tagmanifest-sha256.txt"
UNSCORABLE_REASON = "no face of it could be judged: every band is not calculable"


def bundle_digest(bundle: Path) -> str:
    """SHA-256 of the bundle's tag manifest, hence of every file in it; OSError without one."""
    return hashlib.sha256((bundle / TAG_MANIFEST).read_bytes()).hexdigest()


def result_of_bundle(
    item: BatchItem, bundle: Path, seconds: float, *, attempts: int = 1
) -> ItemResult:
    """The result of an item whose sealed bundle stands at ``bundle``.

    Raises as `forensics.evidence.lines.load_audit`, OSError when it cannot be read.
    """
    raw = (bundle / AUDIT).read_bytes()
    audit = parse_audit(raw)
    judged = [p for p in audit.people if p.risk.band != "not_calculable"]
    outcome: ItemOutcome = "unscorable" if audit.people and not judged else "done"
    return ItemResult(
        id=item.id,
        source=item.named,
        restored=item.restored_named,
        outcome=outcome,
        exit_code=audit.run.exit_code,
        reason=UNSCORABLE_REASON if outcome == "unscorable" else None,
        seconds=round(seconds, 3),
        attempts=attempts,
        bundle=bundle.name,
        bundle_sha256=bundle_digest(bundle),
        audit_sha256=hashlib.sha256(raw).hexdigest(),
        run=audit.run.id,
        kind=audit.source.kind,
        source_sha256=audit.source.sha256,
        complete=audit.run.complete,
        failures=audit.run.failures,
        totals=audit.totals,
        people=_people(audit),
        flags=tuple(sorted({flag.code for flag in audit.flags})),
    )


def failed(
    item: BatchItem, error: BaseException, seconds: float, *, attempts: int = 1
) -> ItemResult:
    """The result of an item that gave no bundle."""
    known = isinstance(error, ForensicsError)
    return without_bundle(
        item,
        reason=error.message if isinstance(error, ForensicsError) else _internal(error),
        hint=(error.hint or None) if isinstance(error, ForensicsError) else None,
        error=None if known else readable_name(f"{type(error).__name__}: {error}"),
        exit_code=error.exit_code if isinstance(error, ForensicsError) else 3,
        seconds=seconds,
        attempts=attempts,
    )


def without_bundle(
    item: BatchItem,
    *,
    reason: str,
    hint: str | None = None,
    error: str | None = None,
    exit_code: int = 3,
    outcome: ItemOutcome = "failed",
    seconds: float = 0.0,
    attempts: int = 1,
) -> ItemResult:
    """The result of an item without a bundle, for ``reason``."""
    return ItemResult(
        id=item.id,
        source=item.named,
        restored=item.restored_named,
        outcome=outcome,
        exit_code=exit_code,
        reason=readable_name(reason),
        hint=None if hint is None else readable_name(hint),
        error=error,
        seconds=round(seconds, 3),
        attempts=attempts,
        complete=False,
    )


def duplicate(item: BatchItem, first: ItemResult) -> ItemResult:
    """The result of an item that is the same as another, whose result is ``first``."""
    how = "which is audited once" if first.bundle else "which failed"
    return ItemResult(
        id=item.id,
        source=item.named,
        restored=item.restored_named,
        outcome="duplicate",
        exit_code=first.exit_code,
        reason=f"the same bytes with the same settings as {first.id!r}, {how}",
        seconds=0.0,
        attempts=0,
        same_as=first.id,
        complete=first.complete,
    )


def _internal(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "the memory of this machine did not suffice"
    if isinstance(error, OSError):
        return f"the system refused to read or write: {error.strerror or error}"
    return f"internal error: {type(error).__name__}: {error}"


def _people(audit: Audit) -> tuple[ItemPerson, ...]:
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

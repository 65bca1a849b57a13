"""Results: an audit, an error or a death as the record of its item. Loads no network."""

from __future__ import annotations

import hashlib
from pathlib import Path

from forensics.errors import ForensicsError, IncompleteError
from forensics.evidence.batch_facts import with_audit
from forensics.evidence.lines import AUDIT, parse_audit
from forensics.evidence.names import readable_name
from forensics.record_batch import BatchItem, ItemOutcome, ItemResult

TAG_MANIFEST = "tagmanifest-sha256.txt"


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
    found = ItemResult(
        id=item.id,
        source=item.named,
        restored=item.restored_named,
        outcome="done",
        exit_code=0,
        seconds=round(seconds, 3),
        attempts=attempts,
        bundle=bundle.name,
        bundle_sha256=bundle_digest(bundle),
        audit_sha256=hashlib.sha256(raw).hexdigest(),
        complete=True,
    )
    return with_audit(found, parse_audit(raw))


def failed(
    item: BatchItem, error: BaseException, seconds: float, *, attempts: int = 1
) -> ItemResult:
    """The result of an item that gave no bundle; a pair that cannot be aligned is unscorable."""
    known = isinstance(error, ForensicsError)
    # What the system refused has its OSError as cause; a pair that does not fit together has none.
    apart = isinstance(error, IncompleteError) and error.__cause__ is None
    return without_bundle(
        item,
        outcome="unscorable" if apart and item.restored is not None else "failed",
        reason=error.message if isinstance(error, ForensicsError) else _internal(error),
        hint=(error.hint or None) if isinstance(error, ForensicsError) else None,
        error=None if known else f"{type(error).__name__}: {error}",
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
        reason=_named(reason, item),
        hint=None if hint is None else _named(hint, item),
        error=None if error is None else _named(error, item),
        seconds=round(seconds, 3),
        attempts=attempts,
        complete=False,
    )


def without_folder(result: ItemResult, out: Path) -> ItemResult:
    """The result without the place where the batch stands, for private runs."""
    texts = {"reason": result.reason, "hint": result.hint, "error": result.error}
    changed = {
        name: text.replace(str(out), out.name).replace(str(out.parent), "")
        for name, text in texts.items()
        if text is not None
    }
    return result.model_copy(update=changed)


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


def _named(text: str, item: BatchItem) -> str:
    """Messages name a source by its path; a record names it as the batch does."""
    paths = [(item.source, item.named)]
    if item.restored is not None and item.restored_named is not None:
        paths.append((item.restored, item.restored_named))
    for path, named in paths:
        for spelled in (str(path), repr(str(path))[1:-1]):
            text = text.replace(spelled, named)
    return readable_name(text)


def _internal(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "the memory of this machine did not suffice"
    if isinstance(error, OSError):
        return f"the system refused to read or write: {error.strerror or error}"
    return f"internal error: {type(error).__name__}: {error}"

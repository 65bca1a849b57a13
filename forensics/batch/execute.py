"""Execute: does one item in the process it is called in, and always comes back with its record.

A plain function with picklable arguments, so that any engine can call it in any process.  Networks
stay loaded in that process from one item to the next.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.batch.results import failed, result_of_bundle
from forensics.batch.runner import Order, Task
from forensics.config import Settings
from forensics.errors import ForensicsError, IntegrityError, Interrupted, UsageError
from forensics.record_batch import BatchItem, ItemResult
from forensics.records import Mode

if TYPE_CHECKING:
    from forensics.engines import Engines

log = logging.getLogger(__name__)

_loaded: dict[str, Engines] = {}
"""The networks of this process by kind of audit and digest of the settings."""


def execute_item(task: Task, order: Order, *, attempt: int = 1) -> ItemResult:
    """Audit one item into ``task.out``; whatever goes wrong is its result.

    Raises `Interrupted` alone: what was begun stays and is taken up when ``task.begun``.  The
    bundle is sealed and unsigned, and names the signers of ``order.signing``.
    """
    started = time.monotonic()
    item = task.item
    try:
        if task.begun and (sealed := _sealed(task, order, attempt)) is not None:
            return sealed
        _audit(task, order)
        return result_of_bundle(item, task.out, time.monotonic() - started, attempts=attempt)
    except Interrupted:
        raise
    except Exception as error:  # the boundary of an item: its failure is a record, not our end
        if not isinstance(error, ForensicsError):
            log.warning("%s: %s: %s", item.id, type(error).__name__, error, exc_info=error)
        return failed(item, error, time.monotonic() - started, attempts=attempt)


def _audit(task: Task, order: Order) -> None:
    from forensics.api import run_audit
    from forensics.progress import Silent
    from forensics.undertaking import Undertaking

    item = task.item
    kind = Undertaking.of(item.restored, restored_only=False)
    kept = _Kept(order.settings)

    def once(*, resume: bool, force: bool) -> None:
        run_audit(
            item.source,
            task.out,
            order.settings,
            force=force,
            progress=Silent(),
            say=_note(item),
            signing=order.signing,
            resume=resume,
            undertaking=kind,
            keep_engines=kept,
        )

    if task.begun and kind.resumable and _leftover(task.out):
        try:
            once(resume=True, force=True)
            return
        except (UsageError, IntegrityError) as error:
            # Other threads, a journal that cannot be read: what was begun is begun anew.
            log.info("%s: not resumed (%s)", item.id, error.message)
    once(resume=False, force=task.begun)


def _note(item: BatchItem) -> Callable[[str], None]:
    """Sentences of an audit go to the log: the screen belongs to the batch."""

    def note(words: str) -> None:
        log.debug("%s: %s", item.id, words)

    return note


class _Kept:
    """The networks for ``settings`` by the kind of audit, loaded once in this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.digest()

    def __call__(self, mode: Mode, load: Callable[[], Engines]) -> Engines:
        name = f"{mode} {self._settings}"
        if name not in _loaded:
            for other in [n for n in _loaded if not n.endswith(self._settings)]:
                del _loaded[other]  # of another batch: two sets would not fit everywhere
            _loaded[name] = load()
        return _loaded[name]


def _leftover(out: Path) -> bool:
    from forensics.evidence.bundle import MARKER, SUFFIX

    return (out.with_name(out.name + SUFFIX) / MARKER).is_file()


def _sealed(task: Task, order: Order, attempt: int) -> ItemResult | None:
    """The result of an earlier attempt that sealed its bundle and died before it said so.

    Not where a time stamp is wanted: a stamp taken long after the seal does not fit its log.
    """
    if order.signing.timestamp_url is not None:
        return None
    from forensics.evidence.lines import load_audit

    try:
        audit = load_audit(task.out)
        if not (task.out / "tagmanifest-sha512.txt").is_file():
            return None
        ours = order.settings.values()  # a pair records only those that had an effect
        same = all(name in ours and ours[name] == v for name, v in audit.settings.items())
        if not same or audit.run.signers != order.signing.fingerprints:
            return None
        if task.item.restored is not None:  # a pair takes little time: it is held together anew
            return None
        if _source_sha256(task.item.source) != audit.source.sha256:
            return None
        found = result_of_bundle(task.item, task.out, audit.run.seconds, attempts=attempt)
    except (ForensicsError, OSError):
        return None  # no bundle, or none of ours: it is made anew
    log.info("%s: its bundle stood already", task.item.id)
    return found


def _source_sha256(source: Path) -> str:
    from forensics.media.container import digest_file, digest_files
    from forensics.media.quick import list_folder

    if source.is_dir():
        return digest_files(list_folder(source).pictures).sha256
    return digest_file(source).sha256

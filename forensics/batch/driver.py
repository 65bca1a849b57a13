"""Driver: hands the items of a batch to a runner, journals what comes back, signs, and rolls up.

Promise: what the journal calls done is done, stands on disk and is signed; everything else is done
again or taken up by ``--resume``.  No worker ever holds a key: the driver reads every file of a
bundle before it signs it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forensics.batch.identity import identity
from forensics.batch.journal import NAME as JOURNAL
from forensics.batch.journal import Journal, Row
from forensics.batch.plan import BatchPlan
from forensics.batch.results import bundle_digest, duplicate, failed, without_folder
from forensics.batch.rollup import Facts, clear_rollup, write_rollup
from forensics.batch.runner import Finished, Order, Runner, Started, Task
from forensics.config import Settings
from forensics.errors import (
    EnvironmentLacks,
    ForensicsError,
    IntegrityError,
    Interrupted,
    UsageError,
)
from forensics.evidence.signing import Signing
from forensics.progress import Progress
from forensics.record_batch import BatchSummary, ItemResult
from forensics.report.batch_words import item_line

log = logging.getLogger(__name__)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """How a batch is done. ``max_failures``: stop after so many failed items of this run."""

    out: Path
    settings: Settings
    signing: Signing
    runner: Runner
    timeout_s: float | None = None
    memory_bytes: int | None = None
    threads: int = 1
    max_failures: int | None = None
    retry_failed: bool = False

    def order(self) -> Order:
        """What the workers get of it."""
        return Order(
            self.settings,
            self.signing.without_keys(),
            timeout_s=self.timeout_s,
            memory_bytes=self.memory_bytes,
            threads=self.threads,
        )


def check_environment(settings: Settings) -> None:
    """What would make every item fail, said once and before anything is done.

    Raises `UsageError` and `EnvironmentLacks` as an audit does.
    """
    from forensics.choices import check_settings
    from forensics.report.pdf import pdf_available

    check_settings(settings)
    if "pdf" in settings.formats and (reason := pdf_available()):
        raise EnvironmentLacks(f"no PDF can be made here: {reason}", "Use --format html.")


def check_out(out: Path) -> None:
    """Raises `UsageError` when ``out`` is a file or a folder that holds anything but a journal."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{str(out)!r} is a file, not a folder", "Choose a folder with --out.")
    if out.exists() and not (out / JOURNAL).exists() and any(out.iterdir()):
        raise UsageError(
            f"the folder {str(out)!r} is not empty and holds no batch",
            "Choose another with --out.",
        )


def begin(plan: BatchPlan, job: Job) -> Journal:
    """The journal of a new batch in ``job.out``, which must be empty or absent (`UsageError`)."""
    check_out(job.out)
    try:
        job.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write to {str(job.out)!r}: {error.strerror}",
            "Choose another folder with --out.",
        ) from error
    meta = {
        "id": str(uuid.uuid4()),
        "started_utc": _utc(),
        "notes": "\n".join(plan.notes),
    }
    items = [(planned.item, planned.same_as) for planned in plan.items]
    return Journal.begin(job.out, items, identity(job.settings, job.signing), meta)


def take_up(job: Job) -> Journal:
    """The journal of the batch that stands in ``job.out``; errors as `Journal.resume`."""
    return Journal.resume(job.out, identity(job.settings, job.signing))


def run_batch(journal: Journal, job: Job, progress: Progress, say: Say) -> BatchSummary:
    """Do what is left of a batch and write its roll-up; closes the journal.

    Raises `Interrupted` when it was stopped from outside: no roll-up then, and nothing is lost.
    `IntegrityError` when a bundle that was done is not what it was.
    """
    try:
        return _Batch(journal, job, progress, say).run()
    except KeyboardInterrupt:
        done = sum(row.state == "done" for row in journal.rows())
        raise Interrupted(
            "interrupted",
            f"{done} item(s) are done. Run the same command with --resume to continue.",
        ) from None
    finally:
        journal.close()


class _Batch:
    """One run of a batch."""

    def __init__(self, journal: Journal, job: Job, progress: Progress, say: Say) -> None:
        self._journal, self._job, self._progress, self._say = journal, job, progress, say
        self._failures = 0
        self._stopped: str | None = None

    def run(self) -> BatchSummary:
        clear_rollup(self._job.out)
        rows = self._journal.rows()
        self._check_done(rows)
        for row in rows:
            if row.state != "sealed" or row.result is None:
                continue
            if self._job.signing.timestamp_url is None:
                self._conclude(row.result)
            else:  # a stamp taken long after the seal does not fit its log
                self._journal.again(row.item.id)
        tasks = [self._task(row) for row in self._journal.rows() if self._is_due(row)]
        held = sum(row.state == "done" for row in rows)
        self._say(
            f"{len(rows)} item(s): {held} done, {len(tasks)} to do with "
            f"{self._job.runner.workers} worker(s)."
        )
        self._work(tasks)
        self._repeat()
        return self._roll_up()

    # ------------------------------------------------------------ what is due

    def _check_done(self, rows: Sequence[Row]) -> None:
        """Bundles that are done must be what they were; one that is gone is made again."""
        altered = []
        for row in rows:
            if row.state != "done" or row.result is None:
                continue
            if row.result.bundle is None:
                if self._job.retry_failed and row.result.outcome == "failed":
                    self._journal.again(row.item.id)
                continue
            bundle = self._job.out / row.result.bundle
            try:
                found = bundle_digest(bundle)
            except OSError:
                if bundle.exists():
                    altered.append(row.item.id)
                else:
                    self._say(f"{row.item.id}: its bundle is gone; it is made again.")
                    self._journal.again(row.item.id)
                continue
            if found != row.bundle_sha256:
                altered.append(row.item.id)
        if altered:
            raise IntegrityError(
                f"bundles that were done are not what they were: {', '.join(altered[:10])}",
                "Look at them with 'forensics verify'; move them away and resume to make them "
                "again.",
            )

    @staticmethod
    def _is_due(row: Row) -> bool:
        return row.same_as is None and row.state in {"planned", "running"}

    def _task(self, row: Row) -> Task:
        return Task(row.item, self._job.out / row.item.id, begun=row.state == "running")

    # ------------------------------------------------------------ work

    def _work(self, tasks: Sequence[Task]) -> None:
        if not tasks:
            return
        events = self._job.runner.run(tasks, self._job.order())
        with self._progress.step("Items", len(tasks)) as step, closing(events):
            for event in events:
                if isinstance(event, Started):
                    self._journal.started(event.id)
                elif isinstance(event, Finished):
                    self._conclude(event.result)
                    step.advance()
                if self._stopped is not None:
                    self._say(self._stopped)
                    return

    def _conclude(self, result: ItemResult) -> None:
        """Sign what a worker sealed, and note the item as done."""
        if self._job.settings.private:
            result = without_folder(result, self._job.out)
        if result.bundle is not None and self._job.signing.keys:
            self._journal.sealed(result)
            result = self._signed(result)
        self._journal.done(result)
        self._say(item_line(result))
        if result.outcome == "failed":
            self._failures += 1
            most = self._job.max_failures
            if most is not None and self._failures >= most:
                self._stopped = (
                    f"Stopped after {self._failures} failed item(s) (--max-failures {most}); "
                    "--resume does the rest."
                )

    def _signed(self, result: ItemResult) -> ItemResult:
        # Here alone: it brings an HTTP client for time stamps.
        from forensics.evidence.sealing import sign_sealed

        bundle = self._job.out / (result.bundle or "")
        try:
            missing = sign_sealed(bundle, self._job.signing)
        except (ForensicsError, OSError, ValueError) as error:
            log.warning("%s: not signed: %s", result.id, error)
            row = next(row for row in self._journal.rows() if row.item.id == result.id)
            return failed(row.item, error, result.seconds, attempts=result.attempts)
        if missing is None:
            return result
        code = 3
        return result.model_copy(update={"timestamp_failure": missing, "exit_code": code})

    def _repeat(self) -> None:
        """Items that are the same as another say so, with what became of that one by now."""
        rows = self._journal.rows()
        results = {row.item.id: row.result for row in rows if row.state == "done"}
        for row in rows:
            if row.same_as is None:
                continue
            if (first := results.get(row.same_as)) is not None:
                self._journal.done(duplicate(row.item, first))
            elif row.state == "done":
                self._journal.again(row.item.id)

    # ------------------------------------------------------------ roll-up

    def _roll_up(self) -> BatchSummary:
        job = self._job
        facts = Facts(
            id=self._journal.meta("id"),
            started_utc=self._journal.meta("started_utc"),
            starts=int(self._journal.meta("starts") or 1),
            notes=tuple(n for n in self._journal.meta("notes").split("\n") if n),
            stopped=self._stopped,
            runner=job.runner.name,
            workers=job.runner.workers,
        )
        return write_rollup(job.out, self._journal.rows(), job.settings, job.signing, facts)


def _utc() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Local runner: worker processes on this machine, each capped in time and memory from outside.

Promise: a worker that hangs, grows or dies costs its own item alone, and a new worker takes its
place.  Every worker has a pipe of its own, so a death in mid-message reaches nobody else.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pickle import UnpicklingError

from forensics.batch.memory import resident_bytes
from forensics.batch.results import without_bundle
from forensics.batch.runner import ATTEMPTS, Event, Finished, Order, Started, Task
from forensics.batch.worker import Job, serve
from forensics.children import end_words
from forensics.record_batch import ItemResult

log = logging.getLogger(__name__)

Entry = Callable[["Connection[ItemResult, Job]", Order, int | None], None]
_TICK_S = 0.25
_GRACE_S = 10.0


@dataclass
class _Duty:
    """The item a worker is at."""

    task: Task
    attempt: int
    since: float
    spent_s: float
    """By earlier attempts."""

    @property
    def seconds(self) -> float:
        return self.spent_s + time.monotonic() - self.since


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, number: int, order: Order, gpu: int | None, entry: Entry) -> None:
        context = get_context("spawn")
        self.name = f"worker {number}"
        ours, theirs = context.Pipe()
        self.pipe: Connection[Job, ItemResult] = ours
        self.process: SpawnProcess = context.Process(
            target=entry, args=(theirs, order, gpu), name=f"forensics-{number}", daemon=False
        )
        with _ctrl_c_is_ours():
            self.process.start()
        theirs.close()
        self.duty: _Duty | None = None

    def give(self, duty: _Duty) -> None:
        self.duty = duty
        try:
            self.pipe.send((duty.task, duty.attempt))
        except OSError:  # it died meanwhile; its sentinel tells
            log.debug("%s took nothing more", self.name)

    def answer(self) -> ItemResult | None:
        """What it sent; None when it ended instead, also in the middle of a message."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError, UnpicklingError):
            return None

    def end_words(self) -> str:
        """How the process ended, once it has."""
        self.process.join(_GRACE_S)
        return end_words(self.process.exitcode if self.process.exitcode is not None else -9)

    def kill(self) -> None:
        self.process.kill()
        self.process.join(_GRACE_S)
        self.pipe.close()


@contextmanager
def _ctrl_c_is_ours() -> Iterator[None]:
    """A process started inside ignores Ctrl-C: the driver ends it, so that it can be resumed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class LocalRunner:
    """``workers`` processes; with ``gpus``, each sees one of them, in turn.

    ``entry`` is what runs in a worker: a function of a module, as `forensics.batch.worker.serve`.
    """

    name = "local"

    def __init__(self, workers: int, gpus: int = 0, entry: Entry = serve) -> None:
        self._count, self._gpus, self._entry = workers, gpus, entry

    @property
    def workers(self) -> int:
        """How many items are done at a time."""
        return self._count

    def run(self, tasks: Sequence[Task], order: Order) -> Generator[Event, None, None]:
        """See `forensics.batch.runner.Runner`."""
        count = min(self._count, len(tasks))
        shift = _Shift(tasks, order, count, self._gpus, self._entry)
        try:
            yield from shift.work()
        finally:
            shift.stop()


class _Shift:
    """One run over its tasks."""

    def __init__(
        self, tasks: Sequence[Task], order: Order, count: int, gpus: int, entry: Entry
    ) -> None:
        self._order, self._gpus, self._entry = order, gpus, entry
        self._waiting = deque((task, 1, 0.0) for task in tasks)
        self._workers: dict[int, _Worker] = {}
        self._count = count

    def work(self) -> Iterator[Event]:
        """Until every task has ended."""
        while True:
            yield from self._hand_out()
            busy = [worker for worker in self._workers.values() if worker.duty is not None]
            if not busy:
                return
            wait([x for w in busy for x in (w.pipe, w.process.sentinel)], _TICK_S)
            for worker in busy:
                if (event := self._look_at(worker)) is not None:
                    yield event

    def stop(self) -> None:
        """End all workers; those at an item leave it resumable."""
        for worker in self._workers.values():
            worker.pipe.close()
            if worker.duty is not None:
                worker.process.terminate()
        until = time.monotonic() + _GRACE_S
        for worker in self._workers.values():
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def _hand_out(self) -> Iterator[Event]:
        for number in range(1, self._count + 1):
            if not self._waiting:
                return
            worker = self._workers.get(number)
            if worker is not None and worker.duty is not None:
                continue
            if worker is None:
                gpu = (number - 1) % self._gpus if self._gpus else None
                worker = self._workers[number] = _Worker(number, self._order, gpu, self._entry)
            task, attempt, spent = self._waiting.popleft()
            worker.give(_Duty(task, attempt, time.monotonic(), spent))
            yield Started(task.item.id, attempt, worker.name)

    def _look_at(self, worker: _Worker) -> Event | None:
        """What became of a busy worker's item, if anything did."""
        duty = worker.duty
        if duty is None:
            return None
        if worker.pipe.poll():
            if (result := worker.answer()) is not None:
                worker.duty = None
                return Finished(result.model_copy(update={"seconds": round(duty.seconds, 3)}))
            return self._died(worker, duty)
        if not worker.process.is_alive():
            return self._died(worker, duty)
        if (reason := self._beyond(worker, duty)) is not None:
            log.warning("%s: %s; its worker was stopped", duty.task.item.id, reason)
            self._dismiss(worker)
            hint = "Give it more with --item-timeout or --item-memory, and --retry-failed."
            return self._failure(duty, reason, hint)
        return None

    def _beyond(self, worker: _Worker, duty: _Duty) -> str | None:
        """Which limit the item has crossed."""
        order = self._order
        if order.timeout_s is not None and time.monotonic() - duty.since > order.timeout_s:
            return f"it took longer than the {order.timeout_s:g} s that one item may take"
        if order.memory_bytes is not None:
            used = resident_bytes(worker.process.pid or 0)
            if used is not None and used > order.memory_bytes:
                limit = order.memory_bytes / 2**20
                return f"it needed {used / 2**20:.0f} MiB of memory, more than the {limit:.0f} MiB"
        return None

    def _died(self, worker: _Worker, duty: _Duty) -> Event | None:
        """One more attempt, or a failure."""
        words = worker.end_words()
        self._dismiss(worker)
        log.warning("%s: its worker %s (attempt %d)", duty.task.item.id, words, duty.attempt)
        if duty.attempt < ATTEMPTS:
            task = Task(duty.task.item, duty.task.out, begun=True)
            self._waiting.appendleft((task, duty.attempt + 1, duty.seconds))
            return None
        reason = f"the process that did it {words}, in {duty.attempt} attempts"
        return self._failure(duty, reason, "Audit this one alone with -v to see where it ends.")

    def _failure(self, duty: _Duty, reason: str, hint: str) -> Event:
        return Finished(
            without_bundle(
                duty.task.item,
                reason=reason,
                hint=hint,
                seconds=duty.seconds,
                attempts=duty.attempt,
            )
        )

    def _dismiss(self, worker: _Worker) -> None:
        worker.kill()
        for number, other in list(self._workers.items()):
            if other is worker:
                del self._workers[number]

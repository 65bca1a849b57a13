"""Relay: does jobs in their order on one thread of its own, beside the networks.

Promise: at most ``ahead`` jobs wait, so memory is bounded; the first job that raises is the last
one done, and its error is raised where jobs are handed in.  Encoding, hashing and writing pictures
leave the interpreter's lock for most of their time, so they run while a network computes.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Job = Callable[[], None]
_WAIT_S = 0.1


class Relay:
    """A context: jobs handed in by `put` are all done, or one has raised, when it is left."""

    def __init__(self, ahead: int) -> None:
        """``ahead``: how many jobs may wait, at least 1."""
        if ahead < 1:
            raise ValueError(f"at least one job must be allowed to wait, is {ahead}")
        self._jobs: queue.Queue[Job | None] = queue.Queue(maxsize=ahead)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="forensics-relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the jobs; after an error in the caller those still waiting are dropped."""
        if error is not None:
            self._drop_waiting()
        self._hand_in(None)
        self._thread.join()
        if error is None:
            self._raise()

    def put(self, job: Job) -> None:
        """Hand in a job; waits while too many are waiting. Raises what an earlier job raised."""
        self._raise()
        self._hand_in(job)
        self._raise()

    def _hand_in(self, job: Job | None) -> None:
        # A worker that has stopped empties nothing: waiting for room would never end.
        while self._thread.is_alive():
            try:
                self._jobs.put(job, timeout=_WAIT_S)
            except queue.Full:
                continue
            return

    def _drop_waiting(self) -> None:
        while True:
            try:
                self._jobs.get_nowait()
            except queue.Empty:
                return

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            # Whatever it is, also the end of a replay, belongs to the thread that hands in jobs.
            except BaseException as error:
                self._error = error
                return

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

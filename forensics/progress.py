"""Progress: what a long step tells while it works. Never to standard output."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, TextIO


class Step(Protocol):
    """One step under way."""

    def advance(self, count: int = 1) -> None: ...


class Progress(Protocol):
    """Makes steps. ``total`` is None when unknown."""

    def step(self, label: str, total: int | None) -> StepContext: ...


class StepContext(Protocol):
    """A step as a context."""

    def __enter__(self) -> Step: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None: ...


class _Nothing:
    def advance(self, count: int = 1) -> None:
        """Count nothing."""


class Silent:
    """Says nothing (``--quiet``)."""

    @contextmanager
    def step(self, label: str, total: int | None) -> Iterator[Step]:
        yield _Nothing()


class _Lines:
    """Plain lines, at most one every ten seconds."""

    def __init__(self, label: str, total: int | None, stream: TextIO) -> None:
        self._label, self._total, self._stream = label, total, stream
        self._count, self._start = 0, time.monotonic()
        self._told = self._start

    def advance(self, count: int = 1) -> None:
        self._count += count
        now = time.monotonic()
        if now - self._told >= 10:
            self._told = now
            self.tell(now)

    def tell(self, now: float) -> None:
        seconds = max(1e-3, now - self._start)
        of = f" of {self._total}" if self._total else ""
        rate = f"{self._count / seconds:.1f}/s"
        left = ""
        if self._total and 0 < self._count < self._total:
            left = f", about {seconds / self._count * (self._total - self._count):.0f} s left"
        text = f"{self._label}: {self._count}{of}, {rate}, {seconds:.0f} s{left}"
        self._stream.write(text + "\n")
        self._stream.flush()


class Plain:
    """For pipes and logs: plain lines on standard error."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    @contextmanager
    def step(self, label: str, total: int | None) -> Iterator[Step]:
        lines = _Lines(label, total, self._stream)
        yield lines
        lines.tell(time.monotonic())


class _Bar:
    def __init__(self, bars: object, task: object) -> None:
        self._bars, self._task = bars, task

    def advance(self, count: int = 1) -> None:
        self._bars.advance(self._task, count)  # type: ignore[attr-defined] # rich loads late


class Terminal:
    """For people: a rich bar with rate and time left, on standard error."""

    @contextmanager
    def step(self, label: str, total: int | None) -> Iterator[Step]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            ProgressColumn,
            Task,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        class Rate(ProgressColumn):
            """Steps a second."""

            def render(self, task: Task) -> str:
                return f"{task.speed:.2f}/s" if task.speed else ""

        from rich.progress import Progress as Bars

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Bars(*columns, console=Console(stderr=True)) as bars:
            yield _Bar(bars, bars.add_task(label, total=total))


def choose(quiet: bool) -> Silent | Plain | Terminal:
    """Bars on a terminal, plain lines when piped, nothing when quiet."""
    if quiet:
        return Silent()
    return Terminal() if sys.stderr.isatty() else Plain()

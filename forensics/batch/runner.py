"""Runner: who does the items of a batch, and what a runner owes the driver.

Promise of a runner: every `Task` it was given ends in exactly one `Finished`, whatever dies on the
way, unless its iterator is closed first; then all its workers end and what they had begun can be
resumed.  It never holds a key: workers seal bundles that name the signers, the driver signs.

A runner calls `forensics.batch.execute.execute_item`, a plain function with picklable arguments,
in a process that keeps its networks loaded from one item to the next.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from forensics.config import Settings
from forensics.evidence.signing import UNSIGNED, Signing
from forensics.record_batch import BatchItem, ItemResult


@dataclass(frozen=True)
class Order:
    """What all items of a batch share. Picklable.

    ``signing`` names signers and holds no key (`Signing.without_keys`).  ``timeout_s`` and
    ``memory_bytes`` cap one attempt at one item, loading the networks included; None: no cap.
    ``threads`` is for sums of one worker.
    """

    settings: Settings
    signing: Signing = UNSIGNED
    timeout_s: float | None = None
    memory_bytes: int | None = None
    threads: int = 1


@dataclass(frozen=True)
class Task:
    """One item to do. Picklable.

    ``out`` is the folder of the bundle (absolute); ``begun``: an earlier attempt may have left
    something there, which `execute_item` takes up.
    """

    item: BatchItem
    out: Path
    begun: bool = False


@dataclass(frozen=True)
class Started:
    """A worker took the item up; told again for every attempt."""

    id: str
    attempt: int
    worker: str


@dataclass(frozen=True)
class Finished:
    """The item has its result."""

    result: ItemResult


Event = Started | Finished


class Runner(Protocol):
    """Does tasks; ``name`` and ``workers`` go into the record."""

    @property
    def name(self) -> str: ...

    @property
    def workers(self) -> int: ...

    def run(self, tasks: Sequence[Task], order: Order) -> Generator[Event, None, None]:
        """Do the tasks, telling what happens as it happens; closing the iterator stops all work.

        Raises `forensics.errors.EnvironmentLacks` when no worker can be had.
        """
        ...


ATTEMPTS = 2
"""A worker that dies costs its item one retry, then the item has failed."""

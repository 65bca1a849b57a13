"""Fleet: workers on other machines, seen from the driver; what an engine of such workers owes it.

`forensics.batch.fleet_shift` holds the rules (who gets what, what a death costs) on this interface
alone; `forensics.batch.ray_fleet` is the one engine behind it, tests have another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from forensics.batch.runner import Order, Task
from forensics.record_batch import ItemResult


@dataclass(frozen=True)
class SourceFacts:
    """What an input must be on the node, so that a file of the same name is not taken for it."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Ready:
    """A worker is up."""

    name: str


@dataclass(frozen=True)
class Missing:
    """The node does not see the item's input under its path, or sees another file there."""


@dataclass(frozen=True)
class Part:
    """A piece of a file of the bundle, in order. ``path`` is relative, with ``/``."""

    path: str
    data: bytes


@dataclass(frozen=True)
class Done:
    """The item's result; every part of its bundle came before."""

    result: ItemResult


@dataclass(frozen=True)
class Beyond:
    """The item crossed a limit and goes on; the worker must be ended."""

    reason: str


@dataclass(frozen=True)
class Died:
    """The worker is gone, with words for a reader; ``node_lost``: its machine went with it."""

    words: str
    node_lost: bool = False


News = Ready | Missing | Part | Done | Beyond | Died


class Hand(Protocol):
    """One worker, from its request to its end."""

    def give(self, task: Task, order: Order, attempt: int, facts: tuple[SourceFacts, ...]) -> None:
        """Hand it an item; its input is read in place when it is what ``facts`` say."""
        ...

    def ship(self, name: str, data: bytes, *, first: bool) -> None:
        """Send a piece of an input file to an idle worker; ``first`` begins the file."""
        ...

    def news(self) -> News | None:
        """The next thing it tells, None when there is none yet. After `Died` nothing more comes."""
        ...

    def end(self) -> None:
        """End an idle worker, which clears up behind itself."""
        ...

    def kill(self) -> None:
        """End it now, whatever it does; its scratch folder may stay."""
        ...


class Fleet(Protocol):
    """Starts workers and waits for any of them."""

    @property
    def slots(self) -> int:
        """How many workers there is room for."""
        ...

    def start(self, number: int) -> Hand:
        """Ask for a worker; it may be long in coming, or never come where room was lost."""
        ...

    def wait(self, hands: Sequence[Hand], timeout_s: float) -> None:
        """Return when one of ``hands`` has news, or after the time."""
        ...

    def close(self) -> None:
        """End everything that was started here."""
        ...

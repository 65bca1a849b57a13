"""A fleet within this process: real nodes in step with the driver, deaths at chosen moments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from forensics.batch.fleet import Died, Hand, News, Part, Ready, SourceFacts
from forensics.batch.node import Node
from forensics.batch.runner import Order, Task

Interfere = Callable[["DrawnHand", News], News | None]
"""What a worker tells instead; None: as it is."""


@dataclass
class DrawnHand:
    """One node; its generator advances when it is asked for news."""

    fleet: DrawnFleet
    number: int
    node: Node
    stream: Iterator[News] | None = None
    said_ready: bool = False
    dead: bool = False
    item: str = ""

    def give(self, task: Task, order: Order, attempt: int, facts: tuple[SourceFacts, ...]) -> None:
        self.item = task.item.id
        self.fleet.given.append((self.number, task.item.id, attempt))
        self.fleet.orders.append(order)
        self.stream = self.node.do(task, order, attempt, facts)

    def ship(self, name: str, data: bytes, *, first: bool) -> None:
        self.fleet.shipped[name] += len(data)
        self.node.take(name, data, first)

    def news(self) -> News | None:
        if self.dead:
            return None
        if not self.said_ready:
            self.said_ready = True
            found: News | None = Ready(f"drawn {self.number}")
        else:
            found = None if self.stream is None else next(self.stream, None)
        if found is not None and (other := self.fleet.interfere(self, found)) is not None:
            found = other
        if isinstance(found, Died):
            self.kill()
        return found

    def end(self) -> None:
        self.fleet.ended.append(self.number)
        self.kill()

    def kill(self) -> None:
        if not self.dead:
            self.dead = True
            self.node.end()


@dataclass
class DrawnFleet:
    """``count`` places; everything that was handed out is written down."""

    scratch: Path
    count: int = 2
    interfere: Interfere = lambda hand, news: None
    given: list[tuple[int, str, int]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    shipped: Counter[str] = field(default_factory=Counter)
    hands: list[DrawnHand] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    closed: bool = False

    @property
    def slots(self) -> int:
        return self.count

    def start(self, number: int) -> Hand:
        hand = DrawnHand(self, number, Node(["forensics", "batch"], 1, self.scratch))
        self.hands.append(hand)
        return hand

    def wait(self, hands: Sequence[Hand], timeout_s: float) -> None:
        """There is always news here."""

    def close(self) -> None:
        self.closed = True


def die_once(item: str, after_parts: int, *, node_lost: bool) -> Interfere:
    """The worker at ``item`` dies after so many pieces of its bundle, the first time."""
    seen: Counter[str] = Counter()

    def interfere(hand: DrawnHand, news: News) -> News | None:
        if hand.item != item or seen["died"] or not isinstance(news, Part):
            return None
        seen["parts"] += 1
        if seen["parts"] <= after_parts:
            return None
        seen["died"] += 1
        return Died("was on a node that was lost" if node_lost else "died", node_lost)

    return interfere

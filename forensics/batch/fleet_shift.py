"""Fleet shift: one run of a batch over a fleet: who gets which item, and what a death costs.

Promise, as `forensics.batch.runner.Runner`: every task ends in exactly one `Finished`.  A worker
that dies costs its item an attempt, a lost machine does not count against the item; the bundles of
attempts that did not end are never seen.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from forensics.batch.fleet import (
    Beyond,
    Died,
    Done,
    Fleet,
    Hand,
    Missing,
    News,
    Part,
    Ready,
    SourceFacts,
)
from forensics.batch.incoming import Incoming, clear
from forensics.batch.node import PART_BYTES, files_below, inputs_of, source_facts
from forensics.batch.results import failed, without_bundle
from forensics.batch.runner import ATTEMPTS, Event, Finished, Order, Started, Task
from forensics.errors import EnvironmentLacks, ForensicsError, IntegrityError
from forensics.record_batch import ItemResult
from forensics.record_capture import RECORD_SUFFIX

log = logging.getLogger(__name__)

MAX_SHIPPED_BYTES = 4 * 2**30
"""Largest input that is sent to a node which does not see it."""
NODE_LOSSES = 5
"""Machines that may be lost under one item before it has failed."""
FALSE_STARTS = 3
"""Workers of one place that may die before they are ready."""
START_S = 600.0
"""Longest wait without a single worker."""
_TICK_S = 0.5
_GRACE_S = 30.0


@dataclass
class _Errand:
    """An item on its way through attempts."""

    task: Task
    facts: tuple[SourceFacts, ...] = ()
    starts: int = 0
    deaths: int = 0
    losses: int = 0
    spent_s: float = 0.0
    shipped: bool = False


@dataclass
class _Place:
    """A place for one worker, and who is in it."""

    number: int
    hand: Hand | None = None
    name: str = ""
    ready: bool = False
    false_starts: int = 0
    errand: _Errand | None = None
    incoming: Incoming | None = None
    since: float = field(default_factory=time.monotonic)


class FleetShift:
    """One run over its tasks."""

    def __init__(self, fleet: Fleet, tasks: Sequence[Task], order: Order, start_s: float) -> None:
        self._fleet, self._order, self._start_s = fleet, order, start_s
        self._waiting = deque(_Errand(task) for task in tasks)
        count = max(1, min(fleet.slots, len(tasks)))
        self._places = [_Place(number) for number in range(1, count + 1)]
        self._alone_since = time.monotonic()
        self._last_words = "no worker came up"

    # ------------------------------------------------------------ the loop

    def work(self) -> Iterator[Event]:
        """Until every task has ended; `EnvironmentLacks` when no worker can be had."""
        while self._waiting or any(place.errand for place in self._places):
            self._staff()
            yield from self._hand_out()
            hands = [place.hand for place in self._places if place.hand is not None]
            self._fleet.wait(hands, _TICK_S)
            for place in self._places:
                yield from self._listen(place)
            self._check_alone()

    def stop(self) -> None:
        """End all workers and remove what came in part."""
        for place in self._places:
            if place.incoming is not None:
                place.incoming.drop()
            if place.hand is None:
                continue
            if place.ready and place.errand is None:
                place.hand.end()
            else:
                place.hand.kill()

    def _staff(self) -> None:
        """Ask for a worker wherever there is none; a place with false starts is given up."""
        for place in self._places:
            if place.hand is None and place.false_starts < FALSE_STARTS and self._waiting:
                place.hand, place.ready = self._fleet.start(place.number), False

    def _check_alone(self) -> None:
        if any(place.ready for place in self._places):
            self._alone_since = time.monotonic()
            return
        given_up = all(place.false_starts >= FALSE_STARTS for place in self._places)
        if given_up or time.monotonic() - self._alone_since > self._start_s:
            raise EnvironmentLacks(
                f"no worker of the cluster can be had: {self._last_words}",
                "Look at the cluster ('ray status'), and resume the batch with --resume.",
            )

    # ------------------------------------------------------------ out

    def _hand_out(self) -> Iterator[Event]:
        for place in self._places:
            if not (self._waiting and place.hand is not None and place.ready):
                continue
            if place.errand is not None:
                continue
            errand = self._waiting.popleft()
            try:
                self._prepare(errand)
            except (ForensicsError, OSError) as error:
                yield Finished(failed(errand.task.item, error, 0.0, attempts=errand.starts))
                continue
            errand.starts += 1
            self._give(place, errand)
            yield Started(errand.task.item.id, errand.starts, place.name)

    def _prepare(self, errand: _Errand) -> None:
        """Before the first attempt: what the input is, and a free place for the bundle."""
        if errand.starts:
            return
        clear(errand.task.out)
        try:
            errand.facts = tuple(source_facts(path) for path in inputs_of(errand.task.item))
        except (ForensicsError, OSError) as error:
            # The audit says it in the words it has for this; the node tries the path itself.
            log.info("%s: cannot be read here: %s", errand.task.item.id, error)
            errand.facts = ()

    def _give(self, place: _Place, errand: _Errand) -> None:
        if place.hand is None:
            raise RuntimeError("an item was given to nobody")
        place.errand, place.since = errand, time.monotonic()
        place.incoming = Incoming(errand.task.out)
        task = replace(errand.task, begun=False)
        place.hand.give(task, self._order, errand.starts, errand.facts)

    # ------------------------------------------------------------ in

    def _listen(self, place: _Place) -> Iterator[Event]:
        """Everything that a worker tells now."""
        while place.hand is not None and (news := place.hand.news()) is not None:
            yield from self._take(place, news)
        errand, limit = place.errand, self._order.timeout_s
        if errand is None or limit is None:
            return
        # The worker counts for itself; this is for one that cannot any more.
        if time.monotonic() - place.since > limit + _GRACE_S:
            reason = f"it took longer than the {limit:g} s that one item may take"
            yield from self._take(place, Beyond(reason))

    def _take(self, place: _Place, news: News) -> Iterator[Event]:
        if isinstance(news, Ready):
            place.ready, place.name, place.false_starts = True, news.name, 0
        elif isinstance(news, Died):
            yield from self._died(place, news)
        elif place.errand is None or place.incoming is None:
            log.debug("%s said something without an item", place.name)
        elif isinstance(news, Part):
            yield from self._part(place, place.incoming, news)
        elif isinstance(news, Missing):
            yield from self._missing(place, place.errand)
        elif isinstance(news, Beyond):
            errand = self._leave(place)
            self._dismiss(place)
            hint = "Give it more with --item-timeout or --item-memory, and --retry-failed."
            yield self._failure(errand, news.reason, hint)
        elif isinstance(news, Done):
            yield from self._done(place, place.incoming, news.result)

    def _part(self, place: _Place, incoming: Incoming, part: Part) -> Iterator[Event]:
        try:
            incoming.write(part.path, part.data)
        except (IntegrityError, OSError) as error:
            yield from self._spoilt(place, error)

    def _done(self, place: _Place, incoming: Incoming, result: ItemResult) -> Iterator[Event]:
        if result.bundle is not None:
            try:
                incoming.settle(result)
            except (IntegrityError, OSError) as error:
                yield from self._spoilt(place, error)
                return
        errand = self._leave(place)
        update = {"seconds": round(errand.spent_s, 3), "attempts": errand.starts}
        yield Finished(result.model_copy(update=update))

    def _spoilt(self, place: _Place, error: Exception) -> Iterator[Event]:
        """What came back is no bundle, or cannot be kept: no attempt more, the item has failed."""
        errand = self._leave(place)
        self._dismiss(place)
        yield Finished(failed(errand.task.item, error, errand.spent_s, attempts=errand.starts))

    def _missing(self, place: _Place, errand: _Errand) -> Iterator[Event]:
        """Send the input along and give the item again; once, and up to a limit."""
        size = sum(fact.bytes for fact in errand.facts)
        reason = None
        if errand.shipped:
            reason = "the node has its input and does not find it"
        elif size > MAX_SHIPPED_BYTES:
            reason = (
                f"the node does not see its input, and {size} bytes are more than the "
                f"{MAX_SHIPPED_BYTES} that are sent along"
            )
        if reason is not None or place.hand is None:
            self._leave(place)
            hint = "Lay the inputs on a path that the driver and all nodes see alike."
            yield self._failure(errand, reason or "its worker is gone", hint)
            return
        try:
            self._ship(place.hand, errand)
        except OSError as error:
            self._leave(place)
            yield Finished(failed(errand.task.item, error, errand.spent_s, attempts=errand.starts))
            return
        errand.shipped = True
        task = replace(errand.task, begun=False)
        place.hand.give(task, self._order, errand.starts, errand.facts)

    def _ship(self, hand: Hand, errand: _Errand) -> None:
        for number, path in enumerate(inputs_of(errand.task.item)):
            for file in _files(path):
                name = file.relative_to(path.parent).as_posix()
                with file.open("rb") as stream:
                    data = stream.read(PART_BYTES)
                    hand.ship(f"{number}/{name}", data, first=True)
                    while data := stream.read(PART_BYTES):
                        hand.ship(f"{number}/{name}", data, first=False)

    # ------------------------------------------------------------ deaths

    def _died(self, place: _Place, died: Died) -> Iterator[Event]:
        self._last_words = died.words
        if not place.ready:
            place.false_starts += 1
            place.hand = None
            log.warning("a worker died before it was ready: %s", died.words)
            return
        errand = self._leave(place) if place.errand is not None else None
        place.hand, place.ready = None, False
        if errand is None:
            return
        log.warning("%s: its worker %s (start %d)", errand.task.item.id, died.words, errand.starts)
        errand.losses += died.node_lost
        errand.deaths += not died.node_lost
        errand.shipped = False
        if errand.deaths < ATTEMPTS and errand.losses < NODE_LOSSES:
            self._waiting.appendleft(errand)
            return
        reason = f"the worker that did it {died.words}, in {errand.starts} attempts"
        yield self._failure(errand, reason, "Audit this one alone with -v to see where it ends.")

    def _leave(self, place: _Place) -> _Errand:
        """Take the item from a place; what came of its bundle is removed."""
        errand = place.errand
        if errand is None:
            raise RuntimeError("a place without an item has none to give")
        errand.spent_s += time.monotonic() - place.since
        if place.incoming is not None:
            place.incoming.drop()
        place.errand = place.incoming = None
        return errand

    def _dismiss(self, place: _Place) -> None:
        if place.hand is not None:
            place.hand.kill()
        place.hand, place.ready = None, False

    @staticmethod
    def _failure(errand: _Errand, reason: str, hint: str) -> Event:
        return Finished(
            without_bundle(
                errand.task.item,
                reason=reason,
                hint=hint,
                seconds=errand.spent_s,
                attempts=errand.starts,
            )
        )


def _files(path: Path) -> list[Path]:
    """What of an input is sent: a file with its capture record, a folder's files."""
    if path.is_dir():
        return files_below(path)
    record = path.with_name(path.name + RECORD_SUFFIX)
    # A name too long for a record is no error here: os.path.isfile says no.
    return [path, record] if os.path.isfile(record) else [path]

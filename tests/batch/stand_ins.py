"""Stand-ins: workers that die, hang or grow on demand, and a runner that writes drawn bundles.

They hold no network, so that hundreds of items take seconds; everything around them is the tool's.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from forensics.batch.results import result_of_bundle, without_bundle
from forensics.batch.runner import Event, Finished, Order, Started, Task
from forensics.batch.worker import Job
from forensics.record_batch import BatchItem, ItemResult


def item(name: str, source: Path | None = None) -> BatchItem:
    """An item called ``name``."""
    return BatchItem(name, source or Path("/nowhere") / name, None, f"in/{name}")


def serve(pipe: Connection[ItemResult, Job], order: Order, gpu: int | None) -> None:
    """A worker whose items do what their ids say."""
    while True:
        try:
            task, attempt = pipe.recv()
        except EOFError:
            return
        what = task.item.id.partition("-")[0]
        if what == "dies" or (what == "stumbles" and attempt == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "hangs":
            time.sleep(600)
        held = bytearray(400 * 2**20) if what == "grows" else b""
        if what == "grows":
            time.sleep(30)
        pipe.send(
            without_bundle(
                task.item,
                reason=f"{what} {len(held)} {task.begun} {gpu} {order.threads}",
                attempts=attempt,
            )
        )


@dataclass
class Drawn:
    """A runner that copies a drawn bundle for every item; ``faults`` are ids that fail.

    ``make`` gives the bundle to copy for an item.  ``before`` is called with each id.
    """

    make: Callable[[str], Path]
    faults: frozenset[str] = frozenset()
    before: Callable[[str], None] = lambda _: None
    name: str = "drawn"
    workers: int = 1
    done: list[str] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    def run(self, tasks: Sequence[Task], order: Order) -> Generator[Event, None, None]:
        self.orders.append(order)
        for task in tasks:
            name = task.item.id
            yield Started(name, 1, "drawn")
            self.before(name)
            self.done.append(name)
            if name in self.faults:
                yield Finished(without_bundle(task.item, reason=f"{name} is broken", hint="mend"))
                continue
            shutil.copytree(self.make(name), task.out)
            yield Finished(result_of_bundle(task.item, task.out, 1.0))

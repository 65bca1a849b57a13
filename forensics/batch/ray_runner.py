"""Ray runner: a batch on the machines of a Ray cluster, with the results of the local runner.

Promise: as `forensics.batch.runner.Runner`.  The rules are `fleet_shift`'s, Ray is `ray_fleet`'s,
which is imported when a batch begins and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from forensics.batch.fleet import Fleet
from forensics.batch.fleet_shift import START_S, FleetShift
from forensics.batch.runner import Event, Order, Task

Gather = Callable[[], Fleet]


class RayRunner:
    """``gather`` opens the fleet (`forensics.batch.ray_fleet.RayFleet`), once, when it is needed.

    ``workers`` is what was asked for; with None the cluster is looked at as soon as somebody wants
    to know.
    """

    name = "ray"

    def __init__(self, gather: Gather, workers: int | None, start_s: float = START_S) -> None:
        self._gather, self._asked, self._start_s = gather, workers, start_s
        self._fleet: Fleet | None = None
        self._slots: int | None = None

    @property
    def workers(self) -> int:
        """Workers at a time: asked for, or what the cluster has room for."""
        if self._slots is None and self._asked is None:
            self._open()
        return self._slots or self._asked or 1

    def _open(self) -> Fleet:
        if self._fleet is None:
            self._fleet = self._gather()
            self._slots = self._fleet.slots
        return self._fleet

    def run(self, tasks: Sequence[Task], order: Order) -> Generator[Event, None, None]:
        """See `forensics.batch.runner.Runner`."""
        fleet = self._open()
        shift = FleetShift(fleet, tasks, order, self._start_s)
        try:
            yield from shift.work()
        finally:
            self._fleet = None
            shift.stop()
            fleet.close()


def ray_runner(address: str | None, workers: int | None, threads: int, device: str) -> RayRunner:
    """The runner for ``--runner ray``; `EnvironmentLacks` where ray is not installed."""
    from forensics.batch.ray_fleet import RayFleet, Wish, check_extra

    check_extra()
    wish = Wish(address, workers, threads, gpus=device in {"auto", "cuda"})
    return RayRunner(lambda: RayFleet(wish), workers)

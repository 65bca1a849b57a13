"""Ray fleet: actors of a Ray cluster as workers of a batch.  The one file that imports ray.

Promise: without an address Ray is started on this machine alone, bound to the loopback, its logs in
a folder of their own that goes with it, with no telemetry; what was started here is stopped here.
An actor gets an order that holds no key, and takes one item at a time.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from forensics.batch.fleet import Died, Hand, News, Part, Ready, SourceFacts
from forensics.batch.node import Node
from forensics.batch.runner import Order, Task
from forensics.errors import EnvironmentLacks

log = logging.getLogger(__name__)

_STORE_BYTES = 512 * 2**20
"""Object store of a Ray that is started here: pieces of a few MiB on their way, nothing else."""
_PIECES_AHEAD = 4
_END_S = 10.0
_STARTS = 4
_BYTES_EACH = 2 * 2**30
"""Memory that one worker on a CPU is counted with."""


@dataclass(frozen=True)
class Wish:
    """What the driver wants of a cluster. ``workers`` None: as many as it carries."""

    address: str | None
    workers: int | None
    threads: int
    gpus: bool
    """One actor for each GPU, where there are any."""


def check_extra() -> None:
    """Raise `EnvironmentLacks` where the extra is not installed."""
    if find_spec("ray") is None:
        raise EnvironmentLacks(
            "ray is not installed, so a batch cannot be spread over a cluster",
            "Install it with: pip install 'restoration-forensics[cluster]'",
        )


class Actor(Node):
    """A `Node` in a process of Ray."""

    def up(self) -> tuple[dict[str, str | None], str]:
        """Versions that decide pixels, and the node this is on."""
        import ray

        return self.hello(), str(ray.get_runtime_context().get_node_id())


class RayFleet:
    """A Ray that was joined, or started here; `close` leaves or stops it."""

    def __init__(self, wish: Wish) -> None:
        check_extra()
        self._wish = wish
        self._folder: Path | None = None
        self._joined = False
        self._versions = _own_versions()
        self._connect()
        try:
            self._gpus = wish.gpus and _total("GPU") >= 1
            self._slots = self._room()
        except BaseException:
            self.close()
            raise

    @property
    def slots(self) -> int:
        """See `forensics.batch.fleet.Fleet`."""
        return self._slots

    def _connect(self) -> None:
        self._prepare()
        import ray

        self._joined = ray.is_initialized()  # whoever started it stops it
        if self._joined:
            return
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            if self._wish.address is None:
                self._start()
            else:
                ray.init(
                    address=self._wish.address,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
        except Exception as error:  # the boundary to Ray, which raises even bare Exception here
            self._remove_folder()
            where = "started" if self._wish.address is None else f"joined at {self._wish.address!r}"
            raise EnvironmentLacks(
                f"Ray could not be {where}: {str(error).splitlines()[0] if str(error) else error}",
                "Look at the cluster with 'ray status', or use --runner local.",
            ) from error
        finally:
            _restore(handlers)

    def _prepare(self) -> None:
        """Variables that Ray reads when it is imported and when it starts."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent to anybody
        if self._wish.address is not None or "ray" in sys.modules:
            return
        if not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
            # A secret of this run alone; left to itself Ray writes one into the home folder.
            os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))

    def _start(self) -> None:
        """Start a Ray here; once more where a busy machine took longer than Ray waits."""
        for attempt in range(1, _STARTS + 1):
            try:
                self._start_once()
            except Exception as error:  # "timed out during startup" is a bare Exception of Ray's
                self._remove_folder()
                if attempt == _STARTS:
                    raise
                log.warning("Ray did not start (%s); once more", error)
            else:
                return

    def _start_once(self) -> None:
        import ray

        # Ray puts sockets there, whose paths must be short.
        self._folder = Path(tempfile.mkdtemp(prefix="fray-"))
        wish = self._wish
        workers = wish.workers or max(1, (os.cpu_count() or 1) // wish.threads)
        ray.init(
            num_cpus=workers * wish.threads,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=str(self._folder),
            _node_ip_address="127.0.0.1",
        )

    def _room(self) -> int:
        """Workers that the cluster has room for now."""
        if self._gpus:
            room = int(_total("GPU"))
        else:
            room = 0
            for node in _alive_nodes():
                each = int(node["Resources"].get("CPU", 0)) // self._wish.threads
                memory = int(node["Resources"].get("memory", 0)) // _BYTES_EACH
                room += min(each, max(1, memory)) if each else 0
        if room < 1:
            raise EnvironmentLacks(
                f"the cluster has no node with {self._wish.threads} free core(s)",
                "Look at it with 'ray status', or ask for fewer --threads.",
            )
        return room if self._wish.workers is None else min(room, self._wish.workers)

    def start(self, number: int) -> Hand:
        """See `forensics.batch.fleet.Fleet`."""
        import ray

        threads = str(self._wish.threads)
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        options: dict[str, Any] = {
            "num_cpus": self._wish.threads,
            "num_gpus": 1 if self._gpus else 0,
            "max_restarts": 0,
            "max_task_retries": 0,
            "scheduling_strategy": "SPREAD",
            "runtime_env": {
                "env_vars": {**dict.fromkeys(names, threads), "OMP_WAIT_POLICY": "PASSIVE"}
            },
        }
        arguments = (list(sys.argv), self._wish.threads, self._folder)
        actor = ray.remote(Actor).options(**options).remote(*arguments)
        return _RayHand(actor, number, self._versions)

    def wait(self, hands: Sequence[Hand], timeout_s: float) -> None:
        """See `forensics.batch.fleet.Fleet`."""
        import ray

        pending = [hand.pending for hand in hands if isinstance(hand, _RayHand)]
        pending = [one for one in pending if one is not None]
        if pending:
            ray.wait(pending, num_returns=1, timeout=timeout_s, fetch_local=False)

    def close(self) -> None:
        """See `forensics.batch.fleet.Fleet`."""
        import ray

        if not self._joined:
            handlers = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
            ray.shutdown()
            _restore(handlers)
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class _RayHand:
    """One actor."""

    def __init__(self, actor: Any, number: int, versions: dict[str, str | None]) -> None:
        self._actor, self._number, self._versions = actor, number, versions
        self._hello: Any = actor.up.remote()
        self._stream: Any = None
        self._dead = self._owes = False
        self._node: str | None = None

    @property
    def pending(self) -> Any:
        """What to wait for; None when nothing is under way."""
        return None if self._dead else (self._hello if self._stream is None else self._stream)

    def give(self, task: Task, order: Order, attempt: int, facts: tuple[SourceFacts, ...]) -> None:
        method = self._actor.do.options(
            num_returns="streaming", _generator_backpressure_num_objects=_PIECES_AHEAD
        )
        self._stream, self._owes = method.remote(task, order, attempt, facts), True

    def ship(self, name: str, data: bytes, *, first: bool) -> None:
        import ray
        from ray.exceptions import RayError

        # A death shows as news of the item that is given next.
        with suppress(RayError):
            ray.get(self._actor.take.remote(name, data, first))

    def news(self) -> News | None:
        import ray
        from ray.exceptions import RayError

        pending = self.pending
        if pending is None:
            return None
        done, _ = ray.wait([pending], timeout=0, fetch_local=False)
        if not done:
            return None
        try:
            if self._stream is None:
                return self._up(*ray.get(self._hello))
            found: News = ray.get(next(self._stream))
            self._owes = isinstance(found, Part)
            return found
        except StopIteration:
            self._stream = None
            if not self._owes:
                return None
            self.kill()
            return Died("ended without a result")
        except RayError as error:
            return self._end(error)

    def _up(self, versions: dict[str, str | None], node: str) -> News:
        self._hello, self._node = None, node
        others = {n: v for n, v in versions.items() if v != self._versions.get(n)}
        if others:
            words = ", ".join(f"{n} {v} (here {self._versions.get(n)})" for n, v in others.items())
            self.kill()
            return Died(f"has other versions, so its pixels could differ: {words}")
        return Ready(f"actor {self._number} on node {node[:12]}")

    def _end(self, error: Any) -> News:
        from ray.exceptions import NodeDiedError, OutOfMemoryError, RayTaskError

        self._dead = True
        if isinstance(error, RayTaskError):
            words = f"failed ({type(error.cause).__name__}: {error.cause})"
        elif isinstance(error, OutOfMemoryError):
            words = "was ended by Ray: its node ran out of memory"
        else:
            words = f"died ({type(error).__name__})"
        lost = isinstance(error, NodeDiedError) or self._node_is_gone()
        self.kill()
        return Died("was on a node that was lost" if lost else words, node_lost=lost)

    def _node_is_gone(self) -> bool:
        return self._node is not None and all(n["NodeID"] != self._node for n in _alive_nodes())

    def end(self) -> None:
        import ray
        from ray.exceptions import RayError

        if not self._dead:
            with suppress(RayError):
                ray.get(self._actor.end.remote(), timeout=_END_S)
        self.kill()

    def kill(self) -> None:
        import ray
        from ray.exceptions import RayError

        self._dead = True
        with suppress(RayError, ValueError):
            ray.kill(self._actor, no_restart=True)


def _alive_nodes() -> list[dict[str, Any]]:
    import ray

    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]  # of ray


def _total(resource: str) -> float:
    return float(sum(node["Resources"].get(resource, 0) for node in _alive_nodes()))


def _own_versions() -> dict[str, str | None]:
    from forensics.evidence.environment import pixel_versions

    return pixel_versions()


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    """Ray puts handlers of its own in place; the command's own must stay."""
    for number, handler in handlers.items():
        with suppress(ValueError):  # not the main thread: there were none to keep
            signal.signal(number, handler)

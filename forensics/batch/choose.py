"""Choose: which runner does a batch, and with how many workers, from what this machine has."""

from __future__ import annotations

import os
from dataclasses import dataclass

from forensics.batch.local import LocalRunner
from forensics.batch.memory import machine_bytes
from forensics.batch.runner import Runner
from forensics.errors import UsageError

WORKER_BYTES = 2 * 2**30
"""Memory that one worker on a CPU is counted with; measured 1.1 to 1.3 GiB with ``embedded``."""
RUNNERS = ("local", "ray")


@dataclass(frozen=True)
class Chosen:
    """A runner and the threads for sums that each of its workers gets."""

    runner: Runner
    threads: int


def choose_runner(
    name: str,
    workers: int | None,
    threads: int | None,
    device: str,
    ray_address: str | None = None,
) -> Chosen:
    """The runner called ``name``; None: as many workers and threads as this machine carries.

    On a GPU one worker each; otherwise one worker a core as far as memory goes, one thread each:
    many items side by side are done sooner than one item on many cores.  A cluster that is joined
    at ``ray_address`` decides by what it has.
    """
    if name not in RUNNERS:
        raise UsageError(f"--runner {name}: unknown", f"Choose from {', '.join(RUNNERS)}.")
    for option, value in (("--workers", workers), ("--threads", threads)):
        if value is not None and value < 1:
            raise UsageError(f"{option} {value}: at least 1 is needed")
    if ray_address is not None and name != "ray":
        raise UsageError("--ray-address goes with --runner ray")
    if name == "ray":
        from forensics.batch.ray_runner import ray_runner

        here = (workers or cpu_workers()) if ray_address is None else workers
        return Chosen(ray_runner(ray_address, here, threads or 1, device), threads or 1)
    gpus = gpu_count() if device in {"auto", "cuda"} else 0
    count = workers or gpus or cpu_workers()
    each = threads or max(1, cores() // count if gpus else 1)
    return Chosen(LocalRunner(count, gpus), each)


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def cpu_workers() -> int:
    """One a core, as far as memory goes."""
    memory = machine_bytes()
    most = cores() if memory is None else min(cores(), memory // WORKER_BYTES)
    return max(1, most)


def gpu_count() -> int:
    """GPUs that torch can use; torch is loaded only where the driver's tools are."""
    import shutil

    if shutil.which("nvidia-smi") is None:
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0

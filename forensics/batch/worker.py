"""Worker: a process that does items one after the other and keeps its networks loaded.

It ends when its pipe closes, when it is asked to, and at once when the process that started it is
gone, however that died: nobody would read its results, and a resumed batch does its item again.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from types import FrameType

from forensics.batch.execute import execute_item
from forensics.batch.runner import Order, Task
from forensics.errors import Interrupted
from forensics.record_batch import ItemResult

Job = tuple[Task, int]
"""A task and the number of the attempt."""


def serve(pipe: Connection[ItemResult, Job], order: Order, gpu: int | None) -> None:
    """Take jobs from ``pipe`` and send back their results until it closes.

    ``gpu``: the one this process may see, None for all.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, _asked_to_end)
    _settle(order.threads, gpu)
    # Interrupted: what was begun can be resumed; a closed pipe: nobody waits for more.
    with suppress(EOFError, BrokenPipeError, ConnectionResetError, Interrupted, KeyboardInterrupt):
        while True:
            task, attempt = pipe.recv()
            pipe.send(execute_item(task, order, attempt=attempt))


def _settle(threads: int, gpu: int | None) -> None:
    """Threads and GPU of this process, before a library reads them."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(gpu)
    import torch

    torch.set_num_threads(threads)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _asked_to_end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

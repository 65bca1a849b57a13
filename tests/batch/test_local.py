"""Local workers: what dies, hangs or grows costs its own item alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.batch.local import LocalRunner
from forensics.batch.memory import machine_bytes, measurable, resident_bytes
from forensics.batch.runner import Finished, Order, Started, Task
from forensics.config import Settings
from forensics.record_batch import ItemResult
from tests.batch import stand_ins


def _run(
    ids: list[str], workers: int = 2, order: Order | None = None
) -> tuple[dict[str, ItemResult], list[Started]]:
    runner = LocalRunner(workers, entry=stand_ins.serve)
    tasks = [Task(stand_ins.item(name), Path("/nowhere/out") / name) for name in ids]
    results: dict[str, ItemResult] = {}
    started = []
    for event in runner.run(tasks, order or Order(Settings())):
        if isinstance(event, Finished):
            assert event.result.id not in results, "one result for each item"
            results[event.result.id] = event.result
        else:
            started.append(event)
    return results, started


def test_every_item_has_one_result_whatever_dies() -> None:
    ids = [f"fine-{n}" for n in range(6)] + ["dies-0", "stumbles-0", "stumbles-1", "dies-1"]
    results, started = _run(ids)
    assert sorted(results) == sorted(ids)
    for name, result in results.items():
        if name.startswith("dies"):
            assert "crashed (SIGKILL), in 2 attempts" in (result.reason or "")
            assert (result.outcome, result.exit_code, result.attempts) == ("failed", 3, 2)
        elif name.startswith("stumbles"):
            # The second attempt takes up what the first may have left.
            assert result.reason == "stumbles 0 True None 1"
            assert result.attempts == 2
        else:
            assert result.reason == "fine 0 False None 1"
    attempts = [event.id for event in started]
    assert attempts.count("dies-0") == attempts.count("stumbles-0") == 2
    assert attempts.count("fine-0") == 1


def test_an_item_that_hangs_is_stopped_and_the_others_go_on() -> None:
    results, _ = _run(["hangs-0", "fine-0", "fine-1"], order=Order(Settings(), timeout_s=8))
    assert results["hangs-0"].reason == "it took longer than the 8 s that one item may take"
    assert "--item-timeout" in (results["hangs-0"].hint or "")
    assert 8 <= results["hangs-0"].seconds < 20
    assert results["fine-1"].reason == "fine 0 False None 1"


def test_an_item_that_grows_is_stopped() -> None:
    assert measurable()
    order = Order(Settings(), memory_bytes=300 * 2**20)
    results, _ = _run(["grows-0", "fine-0"], workers=1, order=order)
    assert "more than the 300 MiB" in (results["grows-0"].reason or "")
    assert results["fine-0"].outcome == "failed"
    assert "fine 0" in (results["fine-0"].reason or "")


def test_closing_ends_all_workers() -> None:
    runner = LocalRunner(2, entry=stand_ins.serve)
    tasks = [Task(stand_ins.item(f"hangs-{n}"), Path("/nowhere")) for n in range(4)]
    events = runner.run(tasks, Order(Settings()))
    assert isinstance(next(events), Started)
    children = multiprocessing.active_children()
    assert children
    since = time.monotonic()
    events.close()
    assert time.monotonic() - since < 12
    assert not [child for child in children if child.is_alive()]


@pytest.fixture
def _as_at_a_terminal() -> Iterator[None]:
    """A shell that starts the tests in the background has them ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_as_at_a_terminal")
def test_ctrl_c_of_the_terminal_ends_no_worker_by_itself() -> None:
    """It reaches the whole group; the driver alone decides, and leaves items resumable."""
    runner = LocalRunner(1, entry=stand_ins.serve)
    tasks = [Task(stand_ins.item("hangs-0"), Path("/nowhere"))]
    events = runner.run(tasks, Order(Settings()))
    next(events)
    (child,) = multiprocessing.active_children()
    assert child.pid is not None
    for _ in range(20):
        os.kill(child.pid, signal.SIGINT)
        time.sleep(0.1)
    assert child.is_alive()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    events.close()
    assert not child.is_alive()


def test_each_worker_sees_one_gpu_in_turn() -> None:
    runner = LocalRunner(2, gpus=2, entry=stand_ins.serve)
    tasks = [Task(stand_ins.item(f"fine-{n}"), Path("/nowhere")) for n in range(2)]
    events = list(runner.run(tasks, Order(Settings(), threads=3)))
    said = {e.result.id: e.result.reason for e in events if isinstance(e, Finished)}
    assert said == {"fine-0": "fine 0 False 0 3", "fine-1": "fine 0 False 1 3"}


def test_memory_of_this_process_is_told() -> None:
    own = resident_bytes(os.getpid())
    whole = machine_bytes()
    assert own is not None
    assert whole is not None
    assert 5 * 2**20 < own < whole
    assert resident_bytes(2**22 + 1) is None  # no such process


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_ends_with_its_parent(end: signal.Signals, tmp_path: Path) -> None:
    """Whoever kills the driver leaves no worker behind that computes for nobody."""
    import subprocess
    import sys

    code = (
        "import os, sys, time, multiprocessing as m\n"
        "from forensics.batch import worker\n"
        "def hang(pipe, order, gpu):\n"
        "    import threading\n"
        "    threading.Thread(target=worker._end_with_parent, daemon=True).start()\n"
        "    open('pid', 'w').write(str(os.getpid())); time.sleep(600)\n"
        "if __name__ == '__main__':\n"
        "    p = m.get_context('spawn').Process(target=hang, args=(None, None, None)); p.start()\n"
        "    time.sleep(600)\n"
    )
    (tmp_path / "parent.py").write_text(code)
    parent = subprocess.Popen([sys.executable, "parent.py"], cwd=tmp_path)
    pid_file = tmp_path / "pid"
    until = time.monotonic() + 60
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    pid = int(pid_file.read_text())
    parent.send_signal(end)
    parent.wait(30)
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        if "State:\tZ" in Path(f"/proc/{pid}/status").read_text():
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{pid}").exists(), "the worker outlived its parent"

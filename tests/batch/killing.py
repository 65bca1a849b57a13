"""Killing: runs a batch as a user would, and ends its process with SIGKILL at seeded moments."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """How one start of the command ended; a kill is -9."""

    exit_code: int
    said: str


def start(argv: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    """The command ``forensics batch ARGV`` in ``folder``, its words readable line by line."""
    return subprocess.Popen(
        [sys.executable, "-m", "forensics", "batch", *argv],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


def kill_after(argv: Sequence[str], folder: Path, items: int, pause_s: float) -> Run:
    """Kill the process ``pause_s`` seconds after it has told of ``items`` finished items.

    An exit before that is the result too.
    """
    process = start(argv, folder)
    assert process.stderr is not None
    said, seen = [], 0
    for line in process.stderr:
        said.append(line)
        seen += line.rstrip().endswith(" s)") and ": " in line
        if seen >= items:
            break
    time.sleep(pause_s)
    process.send_signal(signal.SIGKILL)
    said.append(process.stderr.read())
    process.stderr.close()
    return Run(process.wait(), "".join(said))


def run(argv: Sequence[str], folder: Path, timeout_s: float = 1800) -> Run:
    """The command to its end."""
    process = start(argv, folder)
    _, said = process.communicate(timeout=timeout_s)
    return Run(process.returncode, said)


def with_kills(
    argv: Sequence[str], folder: Path, kills: Sequence[tuple[int, float]]
) -> tuple[list[Run], Run]:
    """Start, kill as ``kills`` says (items told of, pause), resume each time, then let it end."""
    runs: list[Run] = []
    again: list[str] = []
    for items, pause_s in kills:
        found = kill_after([*argv, *again], folder, items, pause_s)
        runs.append(found)
        if found.exit_code != -signal.SIGKILL:
            return runs, found
        again = ["--resume"]
    return runs, run([*argv, *again], folder)


def moments(dice: random.Random, count: int, most_items: int) -> list[tuple[int, float]]:
    """Seeded moments: after so many finished items, and so long after that."""
    return [(dice.randint(1, most_items), dice.uniform(0, 4)) for _ in range(count)]

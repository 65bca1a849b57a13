"""The decoding child holds a frame or two, however long the clip is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from forensics.media.probe import probe
from forensics.media.reader import read_frames

FRAME_KIB = 480 * 400 * 3 // 2 // 1024  # of the sample clip, as decoded


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what the child holds")
def test_decoded_frames_do_not_pile_up(repo_root: Path) -> None:
    held = {}
    for number, _ in enumerate(read_frames(probe(repo_root / "fixtures/two_people.mp4")), start=1):
        if number in (20, 110):
            held[number] = max(_anonymous_kib(pid) for pid in _below(os.getpid()))
    # Kept until Python's collector came by, 90 frames were 25 MiB.
    assert held[110] - held[20] < 20 * FRAME_KIB


def _below(pid: int) -> list[int]:
    """All processes that come from this one."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    direct = [int(n) for task in tasks for n in (task / "children").read_text("ascii").split()]
    return direct + [deep for one in direct for deep in _below(one)]


def _anonymous_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))

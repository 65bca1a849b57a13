"""Peak memory of whole audits, from a short clip to a long one.

An audit runs as a process of its own; the memory is what it and its children hold together at the
worst moment, sampled four times a second: their own pages by proportional set size, so that what
they share counts once, and mapped files (libraries) as much as the process with most of them.  The
proportional size of files would be smaller the more other programs have the same libraries loaded.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.speed.clip import make_clip

FPS = 2
SAMPLES_PER_S = 4
LENGTHS_S = (10, 60, 600)
SMOKE_LENGTHS_S = (2, 3)


def measure(
    folder: Path, lengths_s: tuple[int, ...], size: str, say: Callable[[str], None]
) -> dict[str, Any]:
    """An audit of each length with the embedded networks, without PDF."""
    points = []
    for seconds in lengths_s:
        clip = make_clip(folder, size, 1, seconds * FPS, fps=FPS)
        for picture in clip.pictures:
            picture.unlink()
        began = time.monotonic()
        peak = peak_mib(
            [
                *(sys.executable, "-m", "forensics", "audit", str(clip.path)),
                *("--out", str(folder / f"audit-{seconds}"), "--format", "html", "-q"),
            ]
        )
        points.append(
            {"seconds": seconds, "peak_mib": peak, "took_s": round(time.monotonic() - began, 1)}
        )
        say(f"  {seconds} s of clip: {peak:.0f} MiB at most, in {points[-1]['took_s']} s")
    growth = points[-1]["peak_mib"] / points[0]["peak_mib"] - 1
    return {
        "words": f"{size} at {FPS} frames a second, whole process tree",
        "points": points,
        "growth": growth,
    }


def peak_mib(command: list[str]) -> float:
    """Run a command to its end; the most memory its tree of processes held, in MiB.

    Raises ``RuntimeError`` when it fails.
    """
    peak_kib = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            peak_kib = max(peak_kib, _held_kib(_tree(process.pid)))
            time.sleep(1 / SAMPLES_PER_S)
        said = process.stderr.read() if process.stderr else b""
    if process.returncode != 0:
        words = said.decode("utf-8", "replace")[-400:]
        raise RuntimeError(f"exit {process.returncode}: {words}")
    return peak_kib / 1024


def _tree(pid: int) -> list[int]:
    """The process and all below it, as far as they still live."""
    out = [pid]
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return out
    for child in children:
        out += _tree(int(child))
    return out


def _held_kib(pids: list[int]) -> int:
    """What the processes hold together; one that has ended holds nothing."""
    own, files = 0, 0
    for pid in pids:
        rollup = _fields_kib(Path(f"/proc/{pid}/smaps_rollup"))
        own += rollup.get("Pss_Anon", 0) + rollup.get("Pss_Shmem", 0)
        files = max(files, _fields_kib(Path(f"/proc/{pid}/status")).get("RssFile", 0))
    return own + files


def _fields_kib(path: Path) -> dict[str, int]:
    """Lines like ``Pss_Anon:   12 kB``; none where the process has ended."""
    try:
        lines = path.read_text("ascii", "replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if line.endswith(" kB"))
    return {name: int(value.split()[0]) for name, value in pairs}

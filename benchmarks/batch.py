"""Benchmark: how much more two workers of a batch do than one, one thread each, on the same items.

``python -m benchmarks.batch [ITEMS] [FRAMES]`` makes clips of the committed one and runs
``forensics batch`` over them with one worker and with two, in turn, twice; it prints items a
minute and the ratio.  The clock runs from the start of the command to its end, loading included.
Run it on a machine that does nothing else: two workers need two free cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 2
BAR = 1.7


def main() -> int:
    """Measure and print; 1 when the bar is missed."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    frames = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two workers need two cores")
    seconds: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="batch-bench-") as folder:
        place = Path(folder)
        make_clips(place / "in", items, frames)
        for turn in range(ROUNDS):
            for workers in (1, 2):
                out = place / f"out-{turn}-{workers}"
                seconds[workers].append(run(place, out, workers))
                print(f"round {turn + 1}, {workers} worker(s): {seconds[workers][-1]:.1f} s")
    one, two = median(seconds[1]), median(seconds[2])
    print(f"{items} clips of {frames} frames, 480x400, two people, embedded, one thread a worker")
    print(f"1 worker:  {60 * items / one:.1f} items a minute")
    print(f"2 workers: {60 * items / two:.1f} items a minute")
    print(f"ratio {one / two:.2f} (bar: {BAR})")
    print(f"load of the machine at the end: {load()}")
    return 0 if one / two >= BAR else 1


def make_clips(folder: Path, items: int, frames: int) -> None:
    """Clips of ``frames`` frames, each from another place of the committed clip."""
    import av

    folder.mkdir()
    with av.open(str(ROOT / "fixtures" / "two_people.mp4")) as source:
        pictures = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    for number in range(items):
        first = number * (len(pictures) - frames) // max(1, items - 1)
        with av.open(str(folder / f"clip{number:03d}.mp4"), "w") as out:
            stream = out.add_stream("libx264", rate=15)
            stream.height, stream.width = pictures[0].shape[:2]
            stream.options = {"crf": "18"}
            for picture in pictures[first : first + frames]:
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                    out.mux(packet)
            for packet in stream.encode():
                out.mux(packet)


def run(place: Path, out: Path, workers: int) -> float:
    """Seconds of one batch; SystemExit when it is not complete."""
    command = [sys.executable, "-m", "forensics", "batch", str(place / "in"), "-o", str(out)]
    command += ["--workers", str(workers), "--threads", "1", "--format", "html", "-q"]
    since = time.monotonic()
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return time.monotonic() - since


def load() -> str:
    """Mean number of running processes over the last minute, where the system tells."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    sys.exit(main())

"""How our own cost grows: with frames, with faces a frame, with the frame's size; and a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.clip import SIZES, make_clip


@dataclass(frozen=True)
class Point:
    """One run: a label for the reader, the x of the fit, and what to run."""

    label: str
    x: float
    size: str
    faces: int
    frames: int


@dataclass(frozen=True)
class Growth:
    """Runs along one axis. ``unit`` is what the slope is per; ``per_frame`` divides by frames."""

    name: str
    words: str
    unit: str
    points: tuple[Point, ...]
    per_frame: bool
    expected_s: float


def growths(smoke: bool) -> tuple[Growth, ...]:
    """The three axes."""
    lengths: tuple[int, ...]
    faces: tuple[int, ...]
    sizes: tuple[str, ...]
    if smoke:
        lengths, faces, sizes, base = (1, 2, 3), (1, 2), ("tiny", "360p"), "tiny"
    else:
        lengths, faces, sizes, base = (10, 20, 40), (1, 2, 4, 8), ("360p", "720p", "1080p"), "360p"
    wide = "tiny" if smoke else "720p"
    return (
        Growth(
            "length",
            f"whole clip, {base}, 1 face a frame, by frames",
            "frame",
            tuple(Point(str(n), n, base, 1, n) for n in lengths),
            per_frame=False,
            expected_s=75,
        ),
        Growth(
            "faces",
            f"a frame at {wide}, by faces",
            "face",
            tuple(Point(str(n), n, wide, n, max(1, 8 // n)) for n in faces),
            per_frame=True,
            expected_s=45,
        ),
        Growth(
            "size",
            "a frame with 1 face, by size",
            "megapixel",
            tuple(Point(s, SIZES[s][0] * SIZES[s][1] / 1e6, s, 1, 4) for s in sizes),
            per_frame=True,
            expected_s=20,
        ),
    )


def fit(xs: Sequence[float], seconds: Sequence[float]) -> dict[str, float]:
    """Least squares line; ``worst`` is the largest distance from it, as a part of the value."""
    slope, offset = np.polyfit(xs, seconds, 1)
    line = offset + slope * np.asarray(xs)
    worst = float(np.max(np.abs(line - seconds) / np.asarray(seconds)))
    return {"slope_s": float(slope), "offset_s": float(offset), "worst": worst}


def measure(
    growth: Growth, runner: Any, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run the points, smallest first; each once after one uncounted run of the first."""
    points = []
    for k, point in enumerate(growth.points):
        clip = make_clip(folder, point.size, point.faces, point.frames)
        numbers = list(range(point.frames))
        if k == 0:
            runner.run(clip, numbers, folder / "growth")
        seconds = runner.run(clip, numbers, folder / "growth")
        if growth.per_frame:
            seconds /= point.frames
        points.append({"label": point.label, "x": point.x, "seconds": seconds})
        say(f"  {growth.name} {point.label}: {seconds:.2f} s")
    line = fit([p["x"] for p in points], [p["seconds"] for p in points])
    return {"words": growth.words, "unit": growth.unit, "points": points, "fit": line}

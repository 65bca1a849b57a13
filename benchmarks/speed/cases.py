"""The cases: who runs against whom on what, how long that will take, and the rounds in turn.

In each round every contestant runs once; the order turns around from round to round, so that a
machine that slows down slows everybody.  A ratio is taken within a round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.speed.clip import Clip, make_clip
from benchmarks.speed.machine import spread

# Seconds a 720p frame with two faces takes on two cores with AMX, for the plan printed first.
EXPECTED_S = {
    "upstream": 12.5,
    "one-line": 6.0,
    "ours-exact": 6.0,
    "ours-fast": 1.8,
    "upstream-x2": 65.0,
    "one-line-x2": 18.0,
    "ours-exact-x2": 50.0,
    "ours-fast-x2": 9.5,
}
LOAD_S = {"upstream": 6.0, "one-line": 6.0, "ours-exact": 3.0, "ours-fast": 3.0}


@dataclass(frozen=True)
class Contestant:
    """One column: how many frames it does a round, in how many of the rounds."""

    name: str
    frames: int
    rounds: int


@dataclass(frozen=True)
class Group:
    """Contestants that share clip and rounds."""

    name: str
    words: str
    size: str
    faces: int
    with_background: bool
    contestants: tuple[Contestant, ...]

    @property
    def rounds(self) -> int:
        return max(c.rounds for c in self.contestants)

    def expected_s(self, smoke: bool) -> float:
        """What the table of expectations says."""
        if smoke:
            return 30.0
        suffix = "-x2" if self.with_background else ""
        runs = sum(c.frames * c.rounds * EXPECTED_S[c.name + suffix] for c in self.contestants)
        return runs + sum(LOAD_S[c.name] for c in self.contestants)


def groups(smoke: bool) -> tuple[Group, ...]:
    """The comparisons with upstream.  ``smoke``: tiny pictures, one round, to try the machinery."""
    if smoke:
        few = tuple(
            Contestant(name, 1, 1) for name in ("upstream", "one-line", "ours-exact", "ours-fast")
        )
        return (
            Group("faces", "faces only, plain background", "tiny", 1, False, few),
            Group("x2", "with Real-ESRGAN x2 behind", "tiny", 1, True, few),
        )
    return (
        Group(
            "faces",
            "faces only, plain background",
            "720p",
            2,
            False,
            (
                Contestant("upstream", 1, 5),
                Contestant("one-line", 1, 5),
                Contestant("ours-exact", 2, 5),
                Contestant("ours-fast", 6, 5),
            ),
        ),
        Group(
            "x2",
            "with Real-ESRGAN x2 behind",
            "720p",
            2,
            True,
            (
                Contestant("upstream", 1, 3),
                Contestant("one-line", 1, 3),
                Contestant("ours-fast", 3, 3),
                Contestant("ours-exact", 1, 1),
            ),
        ),
    )


Runner = Callable[[Clip, Sequence[int], Path], float]


@dataclass
class Rounds:
    """Seconds per frame of each contestant, round by round; None where it did not run."""

    seconds: dict[str, list[float | None]] = field(default_factory=dict)
    stages: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    stopped: str | None = None

    def ratios(self, above: str, below: str) -> list[float]:
        """Pairs of one round."""
        pairs = zip(self.seconds[above], self.seconds[below], strict=True)
        return [a / b for a, b in pairs if a is not None and b is not None]

    def times(self, name: str) -> list[float]:
        return [s for s in self.seconds[name] if s is not None]

    def stage_medians(self, name: str) -> dict[str, float]:
        """Seconds per frame by stage, the median round."""
        runs = self.stages[name]
        names = sorted({k for run in runs for k in run})
        return {k: spread([run.get(k, 0.0) for run in runs])["median"] for k in names}


def run_group(
    group: Group,
    load: Callable[[str, bool], Any],
    folder: Path,
    deadline: float,
    say: Callable[[str], None],
) -> Rounds:
    """Load everybody, warm up on a small picture, then run the rounds in turn.

    ``load(name, with_background)`` gives an object with ``run`` and ``stage_s``.  Stops before a
    round that would pass ``deadline`` (``time.monotonic``), and says so.
    """
    clips = {
        frames: make_clip(folder, group.size, group.faces, frames)
        for frames in {c.frames for c in group.contestants} | {group.rounds}
    }
    small = make_clip(folder, "tiny", 1, 1)
    out = Rounds()
    runners = {}
    for contestant in group.contestants:
        runners[contestant.name] = load(contestant.name, group.with_background)
        runners[contestant.name].run(small, [0], folder / "warm")
        out.seconds[contestant.name], out.stages[contestant.name] = [], []
    longest = 0.0
    for number in range(group.rounds):
        if number and time.monotonic() + longest > deadline:
            out.stopped = f"the time allowed was up after {number} of {group.rounds} rounds"
            break
        began = time.monotonic()
        order = group.contestants if number % 2 == 0 else group.contestants[::-1]
        for c in order:
            if number >= c.rounds:
                out.seconds[c.name].append(None)
                continue
            # Upstream takes one picture a round, another one each time; ours takes whole clips.
            whole = c.name.startswith("ours")
            clip = clips[c.frames if whole else group.rounds]
            which = list(range(c.frames)) if whole else [number]
            runner = runners[c.name]
            seconds = runner.run(clip, which, folder / c.name) / len(which)
            out.seconds[c.name].append(seconds)
            stages = {k: v / len(which) for k, v in runner.stage_s.items()}
            out.stages[c.name].append(stages)
            say(f"  round {number + 1}: {c.name:<10} {seconds:7.2f} s a frame")
        longest = max(longest, time.monotonic() - began)
    return out

"""Clock: what the presentation times of a clip say, in four numbers, not in a list of times."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass
class Clock:
    """Watches presentation times: first, last, evenness. Holds four numbers, not the times."""

    first: int | None = None
    last: int | None = None
    last_duration: int | None = None
    shortest: int | None = None
    longest: int | None = None
    steps: int = 0
    backwards: int = 0

    def see(self, pts: int | None, duration: int | None) -> None:
        """Take one frame's time."""
        if pts is None:
            return
        if self.first is None:
            self.first = pts
        if self.last is not None:
            step = pts - self.last
            self.steps += 1
            self.backwards += step <= 0
            self.shortest = step if self.shortest is None else min(self.shortest, step)
            self.longest = step if self.longest is None else max(self.longest, step)
        self.last, self.last_duration = pts, duration

    @property
    def uneven(self) -> bool:
        """Whether steps differ by more than the one tick that rounding explains."""
        if self.shortest is None or self.longest is None:
            return False
        return self.longest - self.shortest > 1

    def seconds(self, time_base: Fraction) -> float | None:
        """From the first frame's start to the last frame's end; None without times."""
        if self.first is None or self.last is None:
            return None
        tail = self.last_duration
        if tail is None:
            tail = (self.last - self.first) // self.steps if self.steps else 0
        return float((self.last - self.first + tail) * time_base)

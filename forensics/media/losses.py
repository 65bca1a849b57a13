"""Losses: what one pass over a clip could not get, so that no later pass shows it.

A clip is read several times.  A frame that was never looked at for faces must not appear as a
restored frame without faces because the decoder happened to survive the next time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Losses:
    """From which frame on nothing was decoded, and why."""

    first: int | None = None
    reason: str = ""
    error: str = ""

    def note(self, frame: int, reason: str, error: str) -> None:
        """Nothing came from ``frame`` on; the earliest such frame counts."""
        if self.first is None or frame < self.first:
            self.first, self.reason, self.error = frame, reason, error

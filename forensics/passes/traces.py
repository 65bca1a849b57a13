"""Traces: which faces of the footage are looked at for an earlier restoration, and what they read.

Every fifth scored face of a person, beginning with the first: the decision is a median over the
person's faces, and neighbouring frames tell the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from forensics.faces.align import Aligned
from forensics.media.reader import DecodedFrame
from forensics.models.nets.traces import TracesNet
from forensics.scoring.traces import TRACES, measure_traces

ONE_IN: Final = 5


@dataclass
class SourceTraces:
    """Reads faces in the order of frames; remembers how many each person has shown."""

    net: TracesNet
    _shown: Counter[int] = field(default_factory=Counter)

    def read(self, decoded: DecodedFrame, person: int, aligned: Aligned | None) -> float | None:
        """`restoration_traces` of one scored face; None where it is not due or cannot be told."""
        if aligned is None:
            return None
        number = self._shown[person]
        self._shown[person] += 1
        if number % ONE_IN:
            return None
        return measure_traces(decoded.rgb_u8, aligned.affine, self.net).values.get(TRACES)

"""Known answers, tally: hits and tries by cell, Wilson intervals, and the printed table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def wilson(hits: int, tries: int, z: float = 1.959964) -> tuple[float, float]:
    """Interval (95 % by default) of a share, after Wilson 1927; (0, 1) without tries."""
    if tries == 0:
        return 0.0, 1.0
    p = hits / tries
    middle = p + z * z / (2 * tries)
    half = z * math.sqrt(p * (1 - p) / tries + z * z / (4 * tries * tries))
    under = 1 + z * z / tries
    return max(0.0, (middle - half) / under), min(1.0, (middle + half) / under)


@dataclass(frozen=True)
class Answer:
    """One edited face: whether any right answer came, and whether the naming flag did.

    ``asked``: above the kind's size gate.
    """

    kind: str
    size: float
    eyes_px: float
    asked: bool
    seen: bool
    named: bool
    what: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recall:
    """Hits of tries."""

    hits: int
    tries: int

    @property
    def share(self) -> float:
        """NaN without tries."""
        return self.hits / self.tries if self.tries else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson, 95 %."""
        return wilson(self.hits, self.tries)

    def __str__(self) -> str:
        if not self.tries:
            return "-"
        low, high = self.interval
        return f"{self.hits}/{self.tries} ({100 * low:.0f}-{100 * high:.0f} %)"


def recall(answers: Iterable[Answer], named: bool = False) -> Recall:
    """Share of answers that were seen (or named)."""
    kept = list(answers)
    return Recall(sum(a.named if named else a.seen for a in kept), len(kept))


def grid(rows: Sequence[Sequence[str]]) -> list[str]:
    """Fixed-width text: first column left, the others right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    ]


def recall_table(answers: Sequence[Answer], sizes_px: Sequence[float]) -> list[str]:
    """Kind and severity by eye distance: hits/tries, in brackets where nothing is asked."""
    rows = [["kind, size", *(f"{px:.0f} px" for px in sizes_px), "asked: seen", "named"]]
    for kind in dict.fromkeys(a.kind for a in answers):
        own = [a for a in answers if a.kind == kind]
        for size in sorted({a.size for a in own}):
            here = [a for a in own if a.size == size]
            cells = []
            for px in sizes_px:
                cell = [a for a in here if a.eyes_px == px]
                text = f"{recall(cell).hits}/{len(cell)}" if cell else "-"
                cells.append(text if any(a.asked for a in cell) or not cell else f"({text})")
            asked = [a for a in here if a.asked]
            named = recall(asked, named=True)
            rows.append(
                [f"{kind}, {size:g}", *cells, str(recall(asked)),
                 f"{named.hits}/{named.tries}" if named.tries else "-"]
            )  # fmt: skip
    return grid(rows)

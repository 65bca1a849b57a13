"""Ledger: what the attacks did, counted over all tests and printed as tables at the end of a run.

A test notes facts through the fixture ``note``; they travel in its report, so they survive xdist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

PROPERTY = "attack table"
Note = Callable[..., None]


@dataclass
class Table:
    """Rows by first mention; a cell is [hits, of]; ``of`` None prints the hits alone."""

    columns: list[str] = field(default_factory=list)
    rows: dict[str, dict[str, list[int | None]]] = field(default_factory=dict)

    def add(self, row: str, column: str, hits: int, of: int | None) -> None:
        if column not in self.columns:
            self.columns.append(column)
        cell = self.rows.setdefault(row, {}).setdefault(column, [0, None])
        cell[0] = (cell[0] or 0) + hits
        if of is not None:
            cell[1] = (cell[1] or 0) + of

    def _sum(self) -> dict[str, list[int | None]]:
        total = Table()
        for cells in self.rows.values():
            for column, (hits, of) in cells.items():
                total.add("all", column, hits or 0, of)
        return total.rows.get("all", {})

    def lines(self) -> list[str]:
        """Fixed-width text, a line of sums last."""
        body = [[row, *self._texts(cells)] for row, cells in self.rows.items()]
        grid = [["", *self.columns], *body, ["all", *self._texts(self._sum())]]
        widths = [max(len(line[n]) for line in grid) for n in range(len(grid[0]))]
        return [
            "  ".join(
                [line[0].ljust(widths[0])]
                + [c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True)]
            ).rstrip()
            for line in grid
        ]

    def _texts(self, cells: dict[str, list[int | None]]) -> list[str]:
        out = []
        for column in self.columns:
            hits, of = cells.get(column, [None, None])
            out.append("-" if hits is None else str(hits) if of is None else f"{hits}/{of}")
        return out


class AttackLedger:
    """Collects the notes of all tests and prints one table for each title."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == PROPERTY:
                title, row, column, hits, of = value  # type: ignore[misc]  # as `note` put it
                self.tables.setdefault(title, Table()).add(row, column, hits, of)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for title, table in self.tables.items():
            terminalreporter.section(title)
            for line in table.lines():
                terminalreporter.write_line(line)

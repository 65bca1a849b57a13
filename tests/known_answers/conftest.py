"""Known answers: truths to edit, the judge, and tables printed at the end of a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.known_answers.truths import Truth, public_truths, shared_truths

PROPERTY = "known answers"
Show = Callable[[str, Sequence[str]], None]
FEW, MANY = 1, 12  # people of the shared portraits: in every run, and with the slow tests


class Tables:
    """Prints what tests handed to ``show``; it travels in their reports, so it survives xdist."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, list[str]]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.parts += [value for name, value in report.user_properties if name == PROPERTY]  # type: ignore[misc]  # as `show` put it

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for title, lines in self.parts:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Tables(), "known-answer-tables")


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Show:
    """``show(title, lines)`` prints a table when all tests are done."""

    def add(title: str, lines: Sequence[str]) -> None:
        record_property(PROPERTY, (title, list(lines)))

    return add


def shared_folder(root: Path) -> Path | None:
    """The data folder as `tests/conftest.py` finds it, or None: the public truths stand alone."""
    named = os.environ.get("FORENSICS_SHARED_DATA")
    folder = Path(named) if named else root.parent / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def truths(repo_root: Path) -> tuple[Truth, ...]:
    """The public truths, and two more people where the shared portraits are at hand."""
    folder = shared_folder(repo_root)
    return public_truths() + (shared_truths(folder, FEW) if folder else ())


@pytest.fixture(scope="session")
def many_truths(shared_data: Path) -> tuple[Truth, ...]:
    """The public truths and twenty people."""
    return public_truths() + shared_truths(shared_data, MANY)

"""Attacks: traps, hostile inputs and doctored bundles; what was tried is printed as tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.attacks.ledger import PROPERTY, AttackLedger, Note


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(AttackLedger(), "attack-ledger")


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """``note(title, row, column, hits, of=None)`` adds to a cell of a table printed at the end."""

    def add(title: str, row: str, column: str, hits: int = 1, of: int | None = None) -> None:
        record_property(PROPERTY, [title, row, column, hits, of])

    return add

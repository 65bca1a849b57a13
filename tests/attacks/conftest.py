"""Attacks: traps, hostile inputs and doctored bundles; what was tried is printed as tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.attacks.audited import Sealed, make_sealed
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


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """One whole bundle that no test may change."""
    from forensics.report.pdf import pdf_available

    if pdf_available() is not None:
        pytest.skip("Pango is absent")
    return make_sealed(tmp_path_factory.mktemp("sealed"))

"""One real, signed audit for all documents; every page works in its own copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.workplace import prepare


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, two_people: Path) -> Path:
    """The prepared workplace; tests copy it and leave it as it is."""
    return prepare(tmp_path_factory.mktemp("documents"), two_people)

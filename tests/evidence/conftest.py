"""Shared by the tests of verify: one small bundle, copied for each attack, and edits of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.bundles import make_bundle


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sealed bundle that no test may change."""
    return make_bundle(tmp_path_factory.mktemp("verify"), side=16)


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    """A copy of `made` to attack."""
    return Path(shutil.copytree(made, tmp_path / "bundle"))

"""Shared by the tests of roll-ups: two batches that no test may change."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.evidence.signing import Signing
from tests.batch.rollups import make_batch
from tests.signers import signer


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unsigned batch that no test may change."""
    return make_batch(tmp_path_factory.mktemp("rollup"))


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, signed by key 1."""
    return make_batch(tmp_path_factory.mktemp("signed-rollup"), Signing((signer(1),)))

"""Shared by the tests of verify: one small bundle, copied for each attack, and edits of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from forensics.evidence.signing import Signing
from tests.bundles import make_bundle
from tests.signers import signer


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sealed bundle that no test may change."""
    return make_bundle(tmp_path_factory.mktemp("verify"), side=16)


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    """A copy of `made` to attack."""
    return Path(shutil.copytree(made, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle signed by `signer` 1, Alice, which no test may change."""
    return make_bundle(tmp_path_factory.mktemp("sealed"), side=16, signing=Signing((signer(1),)))


@pytest.fixture
def signed(sealed: Path, tmp_path: Path) -> Path:
    """A copy of `sealed` to attack."""
    return Path(shutil.copytree(sealed, tmp_path / "signed"))


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signed by Alice and Bob, signers 1 and 2."""
    folder = tmp_path_factory.mktemp("double")
    return make_bundle(folder, side=16, no_faces=True, signing=Signing((signer(1), signer(2))))


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another bundle of Alice's."""
    folder = tmp_path_factory.mktemp("foreign")
    signing = Signing((signer(1),))
    return make_bundle(
        folder,
        side=16,
        no_faces=True,
        run_id="11111111-2222-4333-8444-555555555555",
        signing=signing,
    )

"""Bundles for the replay tests, made once with null networks, copied for each doctoring."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from forensics.config import Settings
from tests.null_audits import make_moving, make_picture, null_audit


@pytest.fixture(scope="session")
def made_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of one picture; not to be changed."""
    root = tmp_path_factory.mktemp("replay")
    source = make_picture(root / "one.png")
    return null_audit(source, root / "one-audit", Settings(format="html"))


@pytest.fixture(scope="session")
def made_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a short clip; not to be changed."""
    root = tmp_path_factory.mktemp("replay-clip")
    source = make_moving(root / "clip.mp4")
    return null_audit(source, root / "clip-audit", Settings(format="html", save="source,frames"))


@pytest.fixture
def picture_bundle(made_picture: Path, tmp_path: Path) -> Path:
    """A copy to doctor."""
    return Path(shutil.copytree(made_picture, tmp_path / "one-audit"))

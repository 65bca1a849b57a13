"""Bundles for the report tests, made once: plain, hostile, without faces."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.report.html import render_html
from forensics.report.view import View, load_view
from tests.bundles import make_bundle

SIDE_PX = 64  # of the pictures: a smaller one is quicker and says the same


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with two people, a failed frame, a failed and a skipped face; not to be changed."""
    return make_bundle(tmp_path_factory.mktemp("plain"), side=SIDE_PX)


@pytest.fixture(scope="session")
def hostile_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("hostile"), hostile=True, side=SIDE_PX)


@pytest.fixture(scope="session")
def empty_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete audit that found nobody."""
    return make_bundle(tmp_path_factory.mktemp("empty"), no_faces=True, failed=False, side=SIDE_PX)


@pytest.fixture(scope="session")
def view(bundle: Path) -> View:
    return load_view(bundle / "data")


@pytest.fixture(scope="session")
def html(view: View) -> str:
    return render_html(view)


@pytest.fixture(scope="session")
def hostile_html(hostile_bundle: Path) -> str:
    return render_html(load_view(hostile_bundle / "data"))

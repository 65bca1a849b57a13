"""Templates are found in a wheel and in a checkout, and their absence is said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import forensics
from forensics.errors import EnvironmentLacks
from forensics.report.pdf import FONTS
from forensics.report.resources import font, templates_dir


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package folder as a wheel lays it out, without templates yet."""
    package = tmp_path / "site" / "forensics"
    package.mkdir(parents=True)
    monkeypatch.setattr(forensics, "__file__", str(package / "__init__.py"))
    templates_dir.cache_clear()
    yield package
    templates_dir.cache_clear()


def test_the_checkout_has_templates_and_fonts(repo_root: Path) -> None:
    assert templates_dir() == repo_root / "templates"
    for name in FONTS:
        assert font(name).read_bytes()[:4] == b"\x00\x01\x00\x00"  # TrueType
    total = sum(file.stat().st_size for file in (templates_dir() / "fonts").iterdir())
    assert total < 1_000_000
    assert (templates_dir() / "fonts" / "LICENSE_DEJAVU").is_file()


def test_a_wheel_has_them_in_the_package(installed: Path) -> None:
    (installed / "templates").mkdir()
    (installed / "templates" / "report.html").write_text("x", "utf-8")
    assert templates_dir() == installed / "templates"


def test_their_absence_is_an_environment_error(installed: Path) -> None:
    shutil.rmtree(installed)
    with pytest.raises(EnvironmentLacks, match="templates"):
        templates_dir()

"""Reference, doors: the alias, the advice, and that nothing is ever fetched."""

from __future__ import annotations

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forensics.errors import EnvironmentLacks
from forensics.reference import aliases, packages


def _without(monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == absent:
            raise ImportError(f"No module named '{absent}'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.parametrize("absent", ["gfpgan", "realesrgan", "basicsr"])
def test_without_the_extra_the_advice_names_the_command(
    monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    _without(monkeypatch, absent)
    with pytest.raises(EnvironmentLacks, match=absent) as caught:
        packages.official_classes()
    assert caught.value.exit_code == 5
    if sys.version_info < (3, 13):
        assert caught.value.hint == 'Run: pip install "restoration-forensics[reference]"'


def test_from_python_3_13_on_the_advice_is_another_python() -> None:
    advice = packages._advice((3, 13))
    assert "Python 3.11 or 3.12" in advice
    assert "--engine native" in advice


def test_importing_the_engine_loads_no_official_package(repo_root: Path) -> None:
    code = (
        "import sys, forensics.reference.engine\n"
        "print(sorted(m for m in sys.modules if m in ('gfpgan', 'realesrgan', 'basicsr')))"
    )
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=repo_root)
    assert out.stdout.strip() == "[]"


def test_without_distutils_setuptools_is_asked_for_its_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on Python 3.12, where basicsr's first import would fail."""
    asked: list[str] = []
    real = aliases.find_spec
    monkeypatch.setattr(aliases, "find_spec", lambda n: None if n == "distutils" else real(n))
    monkeypatch.setitem(sys.modules, aliases.GONE, sys)  # the other alias is in place
    monkeypatch.setattr(aliases.importlib, "import_module", asked.append)
    aliases.supply_missing_modules()
    assert asked == ["setuptools"]


@pytest.mark.reference
def test_the_alias_gives_basicsr_the_function_of_today() -> None:
    packages.official_classes()
    import basicsr.data.degradations as degradations
    from torchvision.transforms import functional

    assert degradations.rgb_to_grayscale is functional.rgb_to_grayscale


@pytest.mark.reference
def test_the_downloader_is_closed_while_networks_are_built_and_back_afterwards() -> None:
    packages.official_classes()
    import gfpgan.utils as upstream

    from forensics.reference.files import weight_files

    before = upstream.load_file_from_url
    with weight_files({"mine.pth": {}}) as paths:
        address = "https://example.org/weights/mine.pth"
        assert upstream.load_file_from_url(url=address) == str(paths["mine.pth"])
        with pytest.raises(EnvironmentLacks, match=r"other\.pth"):
            upstream.load_file_from_url(url="https://example.org/other.pth")
        folder = paths["mine.pth"].parent
    assert upstream.load_file_from_url is before
    assert not folder.exists()

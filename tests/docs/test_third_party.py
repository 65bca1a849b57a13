"""THIRD_PARTY.md says what the installed wheels really carry, and names every extra."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

PAGE = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
EXTRA_OF = {"ray": "cluster", "yt-dlp": "capture"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def files_of(name: str) -> list[str]:
    return [path.as_posix() for path in distribution(name).files or []]


@pytest.mark.parametrize("library", ["libx264", "libx265", "libgnutls", "libmp3lame", "libavcodec"])
def test_the_wheel_of_av_carries_what_the_page_says(library: str) -> None:
    carried = [path for path in files_of("av") if Path(path).name.startswith(library + "-")]
    if not carried:  # wheels for other systems name their libraries otherwise
        carried = [path for path in files_of("av") if library.removeprefix("lib") in path]
    assert carried, library
    assert re.search(library.removeprefix("lib"), PAGE, re.IGNORECASE) or library == "libavcodec"


def test_the_tracker_of_facexlib_is_there_and_named() -> None:
    assert "facexlib/tracking/sort.py" in files_of("facexlib")
    assert "`facexlib/tracking`, which derives from SORT (GPL-3.0" in PAGE


def test_no_file_of_ours_names_the_tracker_or_what_it_draws_in() -> None:
    named = re.compile(r"^\s*(?:import|from)\s+(?:facexlib\.tracking|filterpy|numba)\b", re.M)
    files = sorted((ROOT / "forensics").rglob("*.py"))
    assert len(files) > 100
    assert [path.name for path in files if named.search(path.read_text("utf-8"))] == []


def test_every_extra_and_every_dev_tool_is_named() -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    lines = [*PROJECT["dependency-groups"]["dev"], *(line for extra in extras for line in extra)]
    names = {re.split(r"[^\w.-]", line)[0] for line in lines}
    # setuptools only brings distutils back for the official packages; xdist comes with pytest.
    missing = {n for n in names - {"setuptools", "pytest-xdist"} if n not in PAGE}
    assert missing == set()


@pytest.mark.parametrize("name", ["ray", "yt-dlp", "pyarrow", "duckdb", "mkdocs"])
def test_versions_on_the_page_are_those_installed(name: str) -> None:
    try:
        version = distribution(name).version
    except PackageNotFoundError:
        if name not in EXTRA_OF:
            raise
        pytest.skip(f"extra '{EXTRA_OF[name]}' is not installed")
    stated = re.search(rf"\b{name} (\d[\d.]*)", PAGE)
    assert stated, name
    assert version.startswith(stated[1]), version

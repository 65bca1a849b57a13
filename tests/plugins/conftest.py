"""Plugins as a user has them: wheels built from their sources and unpacked beside the tool."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).with_name("example_package")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package's wheel, built offline."""
    folder = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(EXAMPLE, folder / "source")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        check=True,
        capture_output=True,
        cwd=source,
    )
    (built,) = folder.glob("forensics_example-*.whl")
    return built


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder on the path in which the example is installed; gone with all it imported."""
    target = tmp_path / "target"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    yield from on_path(target)


def on_path(target: Path) -> Iterator[Path]:
    """``target`` on the module path, and nothing left of it afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(target))
    importlib.invalidate_caches()
    yield target
    sys.path.remove(str(target))
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(target) in str(
            sys.modules[name].__file__
        ):
            del sys.modules[name]


def by_hand(target: Path, name: str, code: str, points: str, record: bool = True) -> Path:
    """A small package in ``target``: one module and its metadata, with a list of files or not."""
    target.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    (target / f"{module}.py").write_text(code, "utf-8")
    facts = target / f"{module}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (facts / "entry_points.txt").write_text(points, "utf-8")
    if record:
        names = [f"{module}.py", f"{facts.name}/METADATA", f"{facts.name}/entry_points.txt"]
        lines = "".join(f"{path},,\n" for path in names)
        (facts / "RECORD").write_text(lines + f"{facts.name}/RECORD,,\n", "utf-8")
    return target

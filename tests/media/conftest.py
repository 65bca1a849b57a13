"""Fixtures of the media stage's tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clips import Spec, make_clip


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    """``clip(name, **spec)`` makes a clip in the test's folder."""

    def make(name: str = "clip.mp4", **spec: object) -> Path:
        return make_clip(tmp_path / name, Spec(**spec))  # type: ignore[arg-type]  # checked by Spec

    return make


@pytest.fixture(scope="session")
def ffmpeg() -> Callable[..., str]:
    """``ffmpeg(*arguments)`` runs the command-line tool and returns what it prints."""
    tool = shutil.which("ffmpeg")
    if tool is None:
        pytest.skip("ffmpeg is not installed")

    def run(*arguments: str) -> str:
        command = [tool, "-v", "error", "-nostdin", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run

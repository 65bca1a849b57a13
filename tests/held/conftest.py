"""Held: one pair and one bundle of it serve many tests."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from forensics.cli.app import main
from forensics.config import Settings
from tests.held.made import U8, enlarged, frames_of, write_clip
from tests.null_audits import null_audit

FRAMES = 10


def command(*words: object) -> tuple[int, str, str]:
    """The command as a user starts it, in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("sys.argv", ["forensics", *map(str, words)])
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    return int(code or 0), out.getvalue(), err.getvalue()


@dataclass(frozen=True)
class MadePair:
    """A source, what somebody made of it, and the frames of both."""

    source: Path
    other: Path
    frames: list[U8]
    restored: list[U8]


@pytest.fixture(scope="session")
def pair(two_people: Path, tmp_path_factory: pytest.TempPathFactory) -> MadePair:
    """Ten frames of the committed clip and their sharpened enlargement at 1.5x."""
    folder = tmp_path_factory.mktemp("pair")
    frames = frames_of(two_people, 31, FRAMES)
    source = write_clip(folder / "source.mp4", frames)
    restored = [enlarged(rgb) for rgb in frames]
    other = write_clip(folder / "theirs.mp4", restored)
    return MadePair(source, other, frames, restored)


@pytest.fixture(scope="session")
def held(pair: MadePair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of that pair, measured by null networks."""
    out = tmp_path_factory.mktemp("held") / "bundle"
    return null_audit(pair.source, out, Settings(format="html"), pair.other)

"""Repeatability: how the work is grouped and read decides nothing that is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.build import build
from tests.acceptance.conftest import run
from tests.bundle_checks import same_result


def test_grouping_of_faces_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames one by one and all at once: the same clip, pictures, lines and numbers."""
    clip = tmp_path / "short.mp4"
    build(clip, seconds=0.4)
    out = {}
    for at_once in (16, 1):
        monkeypatch.setattr("forensics.passes.redraw.FACES_AT_ONCE", at_once)
        monkeypatch.setattr("forensics.passes.redraw.FRAMES_AT_ONCE", at_once)
        out[at_once] = tmp_path / f"by-{at_once}" / "out"
        out[at_once].parent.mkdir()
        assert run(clip, out[at_once], "--format", "html", "--every", "3", "--no-label") == 0
    differing = same_result(out[16], out[1])
    # The report shows run id and times on its first screen.
    assert set(differing) <= {"differs: report/report.html"}

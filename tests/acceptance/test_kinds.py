"""Other sources and other outcomes: nobody there, one picture, a folder, a network that fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from fixtures.build import build, truth_frame
from forensics.cli.app import app
from forensics.evidence.lines import iter_faces, load_audit
from forensics.evidence.verify import verify
from forensics.restore.embedded import EmbeddedRestorer
from forensics.restore.restorer import FallenBack, Result
from tests.acceptance.conftest import run
from tests.bundle_checks import validate_bundle

SHARP_FRAME = 50


def frame_png(path: Path, frame: int = SHARP_FRAME) -> Path:
    """A clean frame of the story as a picture."""
    assert cv2.imwrite(str(path), cv2.cvtColor(truth_frame(frame), cv2.COLOR_RGB2BGR))
    return path


def test_nobody_there_is_a_complete_result(tmp_path: Path) -> None:
    clip = tmp_path / "empty_room.mp4"
    build(clip, people=0, seconds=0.4)
    done = CliRunner().invoke(app, ["audit", str(clip), "-o", str(tmp_path / "out"), "-q"])
    assert done.exit_code == 0
    audit = load_audit(tmp_path / "out")
    assert (audit.totals.people, audit.totals.faces, audit.totals.frames) == (0, 0, 6)
    assert "o face found; this does not mean that nobody is there" in done.stderr
    html = (tmp_path / "out" / "data" / "report" / "report.html").read_text("utf-8")
    assert "o face found; this does not mean that nobody is there" in html
    assert verify(tmp_path / "out").exit_code == 0
    assert validate_bundle(tmp_path / "out") == []


def test_one_picture(tmp_path: Path) -> None:
    code = run(frame_png(tmp_path / "frame.png"), tmp_path / "out", "--format", "html")
    assert code == 0
    audit = load_audit(tmp_path / "out")
    assert audit.source.kind == "image"
    assert audit.totals.people == 2
    restored = cv2.imread(str(tmp_path / "out" / "data" / audit.restored.file))
    assert restored.shape == (800, 1280, 3)
    assert {f.not_measured["qp"] for f in iter_faces(tmp_path / "out")} == {
        "still pictures carry no quantiser map"
    }
    assert verify(tmp_path / "out").exit_code == 0


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        frame_png(folder / f"shot{number}.png", SHARP_FRAME + number)
    assert run(folder, tmp_path / "out", "--format", "html") == 0
    audit = load_audit(tmp_path / "out")
    assert (audit.source.kind, audit.totals.frames) == ("frames", 3)
    assert audit.totals.people == 2
    assert verify(tmp_path / "out").exit_code == 0


def test_a_network_that_fails_is_told_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN from the restorer: no face is restored, nothing is called low risk, exit 3."""

    def broken(self: EmbeddedRestorer, crops_rgb_u8: np.ndarray) -> np.ndarray:
        return np.full(crops_rgb_u8.shape, np.nan, np.float32)

    monkeypatch.setattr(EmbeddedRestorer, "_forward", broken)
    code = run(frame_png(tmp_path / "frame.png"), tmp_path / "out", "--format", "html")
    assert code == 3
    audit = load_audit(tmp_path / "out")
    assert audit.totals.faces_failed == audit.totals.faces == 2
    assert not audit.run.complete
    assert audit.run.failures
    faces = list(iter_faces(tmp_path / "out"))
    assert {f.risk.band for f in faces} <= {"high", "not_calculable"}
    assert all("failed" in f.flags and f.reason for f in faces)
    html = (tmp_path / "out" / "data" / "report" / "report.html").read_text("utf-8")
    assert "not finite" in html
    assert verify(tmp_path / "out").exit_code == 0


def test_a_lesser_method_is_told_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both faces drawn in a smaller batch: restored, complete to look at, and exit 3."""
    usual = EmbeddedRestorer.restore

    def lesser(
        self: EmbeddedRestorer, crops_rgb_u8: np.ndarray, seeds: Sequence[int] = ()
    ) -> list[Result]:
        return [FallenBack(face, "memory was lacking") for face in usual(self, crops_rgb_u8)]

    monkeypatch.setattr(EmbeddedRestorer, "restore", lesser)
    code = run(frame_png(tmp_path / "frame.png"), tmp_path / "out", "--format", "html")
    assert code == 3
    audit = load_audit(tmp_path / "out")
    assert audit.totals.faces_restored == audit.totals.faces == 2
    words = "2 face(s) were restored by a lesser method: memory was lacking."
    assert audit.run.failures == (words,)
    assert {face.reason for face in iter_faces(tmp_path / "out")} == {"memory was lacking"}
    html = (tmp_path / "out" / "data" / "report" / "report.html").read_text("utf-8")
    assert words in html


def test_two_runs_give_the_same_result(tmp_path: Path) -> None:
    """Everything but clocks and ids is equal, byte for byte, on one machine."""
    from tests.bundle_checks import same_result

    picture = frame_png(tmp_path / "frame.png")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert run(picture, tmp_path / name / "out", "--format", "html") == 0
    differing = same_result(tmp_path / "a" / "out", tmp_path / "b" / "out")
    # The report shows run id and times on its first screen.
    assert set(differing) <= {"differs: report/report.html"}

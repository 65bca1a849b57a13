"""Faults in mid-run: a face, a frame or the run fails with its reason, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import pytest
import torch

from forensics.errors import IncompleteError
from forensics.evidence.verify import verify
from forensics.media.apart import asking, process
from forensics.media.reader import STOPPED
from forensics.run import Done
from tests.faults.audits import FRAMES, Drawing, audit, counted, differing, moving, stubs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return moving(tmp_path_factory.mktemp("faults") / "clip.mp4")


@pytest.fixture(scope="module")
def whole(source: Path) -> Path:
    """The bundle of a run that nothing disturbed, made in this process."""
    return audit(source, source.parent / "whole" / "out").bundle


@pytest.fixture(scope="module")
def whole_by_command(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, made by the command in a process of its own.

    What a run states of its process (torch's switches) depends on what ran there before it, so
    a run of the command is held against a run of the command.
    """
    folder = tmp_path_factory.mktemp("command")
    (folder / "clip.mp4").write_bytes(source.read_bytes())
    code, said, _ = _run(folder)
    assert code == 0, said
    return folder / "out"


def _lines(bundle: Path, name: str) -> list[dict[str, Any]]:
    text = (bundle / "data" / name).read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _restored_frames(bundle: Path) -> int:
    with av.open(str(bundle / "data" / "restored" / "clip.mp4")) as clip:
        return sum(1 for _ in clip.decode(video=0))


# ---------------------------------------------------------------- faces


def _failing(at: int, error: Exception) -> Callable[[int], None]:
    """A face that fails in its batch fails again when it is tried alone."""

    def strike(number: int) -> None:
        if number in {at, at + 1}:
            raise error

    return strike


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("on purpose"),
        pytest.param(torch.OutOfMemoryError("on purpose"), marks=pytest.mark.slow),
    ],
    ids=["error", "memory"],
)
def test_a_network_that_fails_on_a_face_costs_that_face_alone(
    error: Exception, source: Path, tmp_path: Path
) -> None:
    done = audit(source, tmp_path / "out", Drawing(_failing(3, error)))
    faces = _lines(done.bundle, "faces.jsonl")
    assert [face["outcome"] for face in faces].count("restored") == FRAMES - 1
    failed = faces[2]
    assert (failed["outcome"], failed["restored_sha256"]) == ("failed", None)
    assert failed["reason"] == "the network failed on this face"
    assert "on purpose" in failed["error"]
    assert done.exit_code == 3
    totals = done.audit.totals
    assert (totals.frames, totals.frames_restored) == (FRAMES, FRAMES)
    assert (totals.faces_restored, totals.faces_failed) == (FRAMES - 1, 1)
    assert _restored_frames(done.bundle) == FRAMES
    assert verify(done.bundle).exit_code == 0
    assert not (done.bundle / "data/restored_faces/000003_00.png").exists()
    for face in faces:  # whatever counts as restored was drawn, and is not the crop
        name = f"{face['frame']:06d}_00.png"
        if face["outcome"] == "restored":
            crop = cv2.imread(str(done.bundle / "data/cropped_faces" / name))
            drawn = cv2.imread(str(done.bundle / "data/restored_faces" / name))
            assert (drawn == 255 - crop).all()


# ---------------------------------------------------------------- the decoder


def _crashing(source: Path, out: Path, place: str, at: int) -> Done:
    """An audit whose decoder gets SIGSEGV at call ``at`` of a function."""
    started: list[process.Worker] = []

    class Noted(process.Worker):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    def crash() -> None:
        os.kill(started[-1].pid, signal.SIGSEGV)

    with stubs(Drawing()) as patch:
        patch.setattr("forensics.media.apart.slots.MOST", 2)  # few frames ahead
        patch.setattr("forensics.passes.follow.DETECT_BATCH", 1)
        patch.setattr(asking, "Worker", Noted)
        counted(patch, place, at, crash)
        return audit(source, out)


@pytest.mark.parametrize(
    ("place", "at"),
    [
        ("forensics.media.cuts.CutMeter.add", 10),  # long enough that the face counts
        pytest.param("forensics.passes.drawing.align_face", 3, marks=pytest.mark.slow),
    ],
    ids=["following", "redrawing"],
)
def test_a_decoder_that_crashes_costs_the_frames_it_did_not_give(
    place: str, at: int, tmp_path: Path
) -> None:
    frames = 16
    done = _crashing(moving(tmp_path / "clip.mp4", frames), tmp_path / "out", place, at)
    lines = _lines(done.bundle, "frames.jsonl")
    assert [line["frame"] for line in lines] == list(range(1, frames + 1))
    outcomes = [line["outcome"] for line in lines]
    good = outcomes.count("restored")
    assert at <= good < frames
    assert outcomes == ["restored"] * good + ["failed"] * (frames - good)
    for line in lines[good:]:
        assert (line["reason"], line["error"]) == (STOPPED, "the decoder crashed (SIGSEGV)")
    assert done.exit_code == 3
    assert done.audit.source.frames == done.audit.totals.frames == frames
    assert done.audit.totals.frames_failed == frames - good
    # A frame in which nobody looked for faces never counts as one without faces, and a face that
    # was found before the frame was lost has its failure.
    faces = _lines(done.bundle, "faces.jsonl")
    looked = good if place.endswith("CutMeter.add") else frames
    assert [face["frame"] for face in faces] == list(range(1, looked + 1))
    assert {f["outcome"] for f in faces if f["frame"] <= good} == {"restored"}
    assert {f["outcome"] for f in faces if f["frame"] > good} <= {"failed"}
    assert done.audit.totals.faces_failed == looked - good
    assert _restored_frames(done.bundle) == good
    assert verify(done.bundle).exit_code == 0


# ---------------------------------------------------------------- the encoder and the disk


def test_an_encoder_that_fails_stops_the_run_which_can_be_resumed(
    source: Path, whole: Path, tmp_path: Path
) -> None:
    def fail() -> None:
        raise av.error.ExternalError(1, "the encoder failed, on purpose", "libx264")

    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        counted(patch, "forensics.media.video_writer.VideoWriter.write", 5, fail)
        with pytest.raises(IncompleteError, match="on purpose") as caught:
            audit(source, out)
    assert caught.value.exit_code == 3
    assert not out.exists()
    drawing = Drawing()
    done = audit(source, out, drawing, resume=True)
    assert drawing.faces < FRAMES
    assert differing(whole, done.bundle) == []


# ---------------------------------------------------------------- the process


def _run(folder: Path, *words: str, fault: str = "", at: int = 0) -> tuple[int, str, int]:
    """The command in a process of its own: exit code, what it said, faces that were drawn."""
    argv = ["audit", "clip.mp4", "--out", "out", "--format", "html", *words]
    plan = json.dumps({"argv": argv, "fault": fault, "at": at})
    command = [sys.executable, "-m", "tests.faults.command", plan]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    drawn = [line for line in done.stderr.splitlines() if line.startswith("drawn: ")]
    return done.returncode, done.stderr, int(drawn[0].split()[1]) if drawn else -1


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    (tmp_path / "clip.mp4").write_bytes(source.read_bytes())
    return tmp_path


def _slow(*values: object) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("fault", "at", "code", "kept"),
    [
        ("kill at a face", 6, -signal.SIGKILL, 4),
        _slow("terminate at a face", 6, 130, 4),
        _slow("full disk at a face", 6, 3, 4),
        _slow("kill while following", 3, -signal.SIGKILL, 0),
        _slow("kill at a picture", 10, -signal.SIGKILL, 2),
        _slow("kill at a line", 3, -signal.SIGKILL, 2),
        _slow("kill at a frame", 5, -signal.SIGKILL, 4),
        _slow("kill at the end of the clip", 1, -signal.SIGKILL, FRAMES),
        _slow("kill while sealing", 1, -signal.SIGKILL, FRAMES),
    ],
)
def test_a_run_that_is_stopped_is_resumed_to_the_same_bytes(
    fault: str, at: int, code: int, kept: int, whole_by_command: Path, folder: Path
) -> None:
    stopped, said, _ = _run(folder, fault=fault, at=at)
    assert stopped == code, said
    assert "Traceback" not in said
    assert not (folder / "out").exists()
    assert (folder / "out.incomplete" / "INCOMPLETE.txt").is_file()
    if code > 0:
        assert "with --resume to continue it" in said
    resumed, said, drawn = _run(folder, "--resume")
    assert (resumed, drawn) == (0, FRAMES - kept), said
    assert differing(whole_by_command, folder / "out") == []
    assert verify(folder / "out").exit_code == 0
    assert not (folder / "out.incomplete").exists()


@pytest.mark.slow
def test_killed_while_it_resumes_it_is_resumed_again(whole_by_command: Path, folder: Path) -> None:
    assert _run(folder, fault="kill at a face", at=6)[0] == -signal.SIGKILL
    assert _run(folder, "--resume", fault="kill while resuming", at=1)[0] == -signal.SIGKILL
    assert _run(folder, "--resume", fault="kill at a face", at=3)[0] == -signal.SIGKILL
    resumed, said, drawn = _run(folder, "--resume")
    assert (resumed, drawn) == (0, FRAMES - 6), said
    assert differing(whole_by_command, folder / "out") == []


@pytest.mark.slow
def test_terminated_before_anything_was_written_it_leaves_nothing(folder: Path) -> None:
    code, said, _ = _run(folder, fault="terminate while probing", at=1)
    assert code == 130
    assert "forensics: interrupted" in said
    assert sorted(p.name for p in folder.iterdir()) == ["clip.mp4"]

"""The speed benchmark's own arithmetic: rounds, ratios, fits, shares, and the page made of them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from benchmarks import engine
from benchmarks.speed import document, memory, roofline, scaling
from benchmarks.speed.cases import Contestant, Group, groups, run_group
from benchmarks.speed.clip import FIXTURE, SIZES, Clip, forced_faces, make_clip
from benchmarks.speed.machine import spread
from benchmarks.speed.weights import DETECTOR, make_weights
from forensics.faces.retinaface import OfficialDetector
from forensics.media.probe import probe
from forensics.media.reader import DecodedFrame, read_frames


class Fake:
    """A contestant that says how long it took; every call is noted."""

    calls: list[tuple[str, tuple[int, ...]]]

    def __init__(self, name: str, seconds: float, calls: list[tuple[str, tuple[int, ...]]]) -> None:
        self.name, self.seconds, self.calls = name, seconds, calls
        self.stage_s: dict[str, float] = {}

    def run(self, clip: Clip, numbers: Sequence[int], out: Path) -> float:
        self.calls.append((self.name, tuple(numbers)))
        self.stage_s = {"restore": 0.75 * self.seconds * len(numbers), "rest": 0.0}
        return self.seconds * len(numbers)


GROUP = Group(
    "faces",
    "faces only",
    "tiny",
    1,
    False,
    (
        Contestant("upstream", 1, 3),
        Contestant("one-line", 1, 3),
        Contestant("ours-exact", 2, 3),
        Contestant("ours-fast", 2, 1),
    ),
)
SECONDS = {"upstream": 12.0, "one-line": 6.0, "ours-exact": 4.0, "ours-fast": 1.5}


def _run(tmp_path: Path, deadline: float) -> tuple[Any, list[tuple[str, tuple[int, ...]]]]:
    calls: list[tuple[str, tuple[int, ...]]] = []

    def load(name: str, with_background: bool) -> Fake:
        assert not with_background
        return Fake(name, SECONDS[name], calls)

    return run_group(GROUP, load, tmp_path, deadline, lambda _: None), calls


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All rounds of the fakes, and their calls."""
    return _run(tmp_path_factory.mktemp("rounds"), time.monotonic() + 600)


def test_rounds_alternate_and_ratios_are_taken_within_a_round(whole: Any) -> None:
    rounds, calls = whole
    warm, counted = calls[:4], calls[4:]
    assert [c for c in warm if c[1] != (0,)] == []
    names = [name for name, _ in counted]
    assert names[:4] == ["upstream", "one-line", "ours-exact", "ours-fast"]
    assert names[4:7] == ["ours-exact", "one-line", "upstream"]  # the order turns around
    assert names[7:] == ["upstream", "one-line", "ours-exact"]
    # Upstream takes another frame each round, ours the whole of its clip.
    assert [n for name, n in counted if name == "upstream"] == [(0,), (1,), (2,)]
    assert [n for name, n in counted if name == "ours-exact"] == [(0, 1)] * 3
    assert rounds.ratios("upstream", "ours-exact") == [3.0, 3.0, 3.0]
    assert rounds.ratios("upstream", "ours-fast") == [8.0]
    assert rounds.stage_medians("ours-exact") == {"rest": 0.0, "restore": 3.0}
    assert rounds.stopped is None


def test_no_round_begins_after_the_time_allowed(tmp_path: Path) -> None:
    rounds, _ = _run(tmp_path, time.monotonic() - 1)
    assert rounds.times("upstream") == [12.0]
    assert rounds.stopped == "the time allowed was up after 1 of 3 rounds"


def test_cases_hold_what_the_page_needs(whole: Any) -> None:
    rounds, _ = whole
    cases = engine._cases_of(GROUP, rounds, {"float32": 2.0, "bfloat16": 8.0})
    assert set(cases) == {"faces-exact", "faces-fast"}
    exact = cases["faces-exact"]
    assert exact["ratio"] == {"min": 3.0, "median": 3.0, "max": 3.0, "n": 3}
    assert exact["ratio_one_line"]["median"] == 1.5
    work = sum(roofline.gflop((160, 96), 1, False, roofline.BISENET_FACE).values())
    assert exact["roofline"]["ours"] == pytest.approx(work / 1000 / 3.0 / 2.0)
    part = {"machine": {"x": 1}, "cases": cases}
    shown = document._cases(part)
    assert "**3.0×** (3.0–3.0)" in shown
    assert "**8.0×**" in shown
    assert "(one run)" in shown


def test_arithmetic_of_a_frame_grows_with_its_pixels_and_faces() -> None:
    one = roofline.gflop((1280, 720), 2, True, roofline.PARSENET_FACE)
    assert one == {"detect": 199.8, "restore": 791.0, "mask": 938.0, "background": 8263.0}
    assert roofline.gflop((640, 360), 1, False, 27.5)["detect"] == pytest.approx(49.95)
    assert roofline.share(1000.0, 2.0, 1.0) == 0.5


def test_a_line_is_fitted_with_its_largest_distance() -> None:
    straight = scaling.fit([10, 20, 40], [6.0, 11.0, 21.0])
    assert straight["slope_s"] == pytest.approx(0.5)
    assert straight["offset_s"] == pytest.approx(1.0)
    assert straight["worst"] == pytest.approx(0.0, abs=1e-9)
    assert scaling.fit([1, 2, 3], [1.0, 2.0, 4.0])["worst"] > 0.08


def test_spread() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"min": 1.0, "median": 2.0, "max": 3.0, "n": 3}


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_forced_faces_lie_in_the_picture_and_apart(count: int) -> None:
    faces = forced_faces((1280, 720), count)
    assert len(faces) == count
    for face in faces:
        x0, y0, x1, y1 = face.box_px
        assert min(x0, y0) >= 0
        assert x1 <= 1280
        assert y1 <= 720
        assert face.interocular_px == pytest.approx(60.0)
    assert len({face.box_px for face in faces}) == count


def test_both_sides_start_from_the_same_pixels(tmp_path: Path) -> None:
    import cv2

    from forensics.media.probe import probe
    from forensics.media.reader import DecodedFrame, read_frames

    clip = make_clip(tmp_path, "tiny", 1, 3)
    assert clip.frames == 3
    for picture, item in zip(clip.pictures, read_frames(probe(clip.path)), strict=True):
        assert isinstance(item, DecodedFrame)
        assert (cv2.imread(str(picture))[..., ::-1] == item.rgb_u8).all()


def test_a_clip_of_few_frames_a_second_passes_at_its_own_pace(tmp_path: Path) -> None:
    # 2 frames a second of a clip of 15: frames 0, 7.5, 15 and 22.5, the next whole one each.
    shown = [
        cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        for path in make_clip(tmp_path, "tiny", 1, 4, fps=2).pictures
    ]
    source = [item for item in read_frames(probe(FIXTURE)) if isinstance(item, DecodedFrame)]
    for picture, number in zip(shown, (0, 8, 15, 23), strict=True):
        small = [
            cv2.resize(source[k].rgb_u8, SIZES["tiny"], interpolation=cv2.INTER_CUBIC)
            for k in (number - 4, number, number + 4)
            if k >= 0
        ]
        far = [float(np.abs(picture.astype(int) - one.astype(int)).mean()) for one in small]
        assert far[-2] == min(far)
        assert far[-2] < 4  # grey levels of coding


def test_the_made_detector_lets_no_box_pass(tmp_path: Path) -> None:
    # Thousands of boxes of random heads would be sorted by both sides, as on no footage.
    weights = make_weights(tmp_path, (DETECTOR,))
    noise = np.random.default_rng(0).integers(0, 256, (96, 160, 3), np.uint8)
    ours = OfficialDetector.load(weights.load(DETECTOR), torch.device("cpu"))
    assert ours.detect([noise]) == [[]]


def test_peak_memory_counts_the_whole_tree() -> None:
    hold = "import time; a = bytearray(80 << 20); time.sleep(1.5)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}], check=True)"
    peak = memory.peak_mib([sys.executable, "-c", code])
    assert 80 < peak < 200
    with pytest.raises(RuntimeError, match="exit 3"):
        memory.peak_mib([sys.executable, "-c", "raise SystemExit(3)"])


def test_figures_of_another_machine_do_not_stay_beside_new_ones() -> None:
    old = {"schema": document.SCHEMA, "machine": {"cpu": "a"}, "cases": {"faces-exact": 1}}
    same = document.merge(old, {"machine": {"cpu": "a"}, "cases": {"x2-fast": 2}})
    assert same["cases"] == {"faces-exact": 1, "x2-fast": 2}
    other = document.merge(old, {"machine": {"cpu": "b"}, "cases": {"x2-fast": 2}})
    assert other["cases"] == {"x2-fast": 2}


def test_the_page_is_what_the_figures_give(repo_root: Path) -> None:
    page = (repo_root / "docs/benchmarks.md").read_text("utf-8")
    assert document.filled(page, document.read()) == page
    with pytest.raises(ValueError, match="once each"):
        document.filled("# no marks", {})


def test_without_a_gpu_the_page_says_so() -> None:
    assert document._gpu({"gpu": {"ran": False}}) == "GPU: not run"
    assert document._gpu({}) == "GPU: not run"


def test_the_plan_names_each_part_and_its_time() -> None:
    plan = engine._plan(("faces", "x2"), smoke=False)
    expected = {g.name: g.expected_s(False) for g in groups(False)}
    assert f"faces {expected['faces']:.0f} s" in plan
    assert plan.startswith("Expected on two cores with AMX: ")
    assert sum(expected.values()) < 12 * 60  # the comparisons fit a quiet quarter of an hour


@pytest.mark.slow
@pytest.mark.reference
def test_the_machinery_runs_with_the_real_networks(repo_root: Path, tmp_path: Path) -> None:
    """Tiny pictures through upstream's classes and ours; nothing is written."""
    target = tmp_path / "latest.json"
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.engine", "--smoke"]
    command += ["--cases", "faces", "--device", "cpu", "--json", str(target)]
    done = subprocess.run(command, cwd=repo_root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "faces only, plain background, `fast`" in done.stdout
    assert "GPU: not run" in done.stdout
    assert not target.exists()

"""Cuts: found where two shots meet, not where a picture moves, flickers a little, or pans."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fixtures.build import truth_frame
from forensics.media.cuts import CutMeter, change_of

U8 = NDArray[np.uint8]


def scene(seed: int, tint: tuple[int, int, int]) -> U8:
    """A picture of soft blobs in one range of colours, wider than a frame."""
    rng = np.random.default_rng(seed)
    blobs = cv2.resize(rng.integers(0, 90, (9, 24, 3), np.uint8), (960, 180))
    return np.asarray(np.clip(blobs.astype(int) + tint, 0, 255), np.uint8)


def cuts(frames: list[U8]) -> list[int]:
    meter = CutMeter()
    return [number for number, frame in enumerate(frames, 1) if meter.add(frame)]


def pan(picture: U8, count: int, step_px: int) -> list[U8]:
    return [picture[:, k * step_px : k * step_px + 320] for k in range(count)]


def test_a_cut_is_found_where_it_is() -> None:
    a, b = scene(1, (120, 20, 20)), scene(2, (10, 60, 150))
    assert cuts([*pan(a, 12, 4), *pan(b, 12, 4), *pan(a, 12, 4)]) == [13, 25]


def test_two_cuts_in_a_row_are_two() -> None:
    a, b, c = scene(1, (120, 20, 20)), scene(2, (10, 60, 150)), scene(3, (20, 150, 30))
    assert cuts([*pan(a, 6, 4), b[:, :320], *pan(c, 6, 4)]) == [7, 8]


def test_a_fast_pan_is_no_cut() -> None:
    assert cuts(pan(scene(1, (120, 20, 20)), 16, 40)) == []


@pytest.mark.parametrize("grain", [4, 12])
def test_grain_is_no_cut(grain: int) -> None:
    rng = np.random.default_rng(5)
    still = scene(1, (60, 60, 60))[:, :320]
    frames = [np.clip(still + rng.normal(0, grain, still.shape), 0, 255) for _ in range(10)]
    assert cuts([f.astype(np.uint8) for f in frames]) == []


def test_the_first_frame_is_no_cut_and_hue_runs_round_a_circle() -> None:
    assert cuts([scene(1, (120, 20, 20))[:, :320]]) == []
    low, high = (np.full((36, 64, 3), v, np.int16) for v in ((2, 100, 100), (178, 100, 100)))
    assert change_of(low, high) == pytest.approx(4 / 3)


def test_the_story_of_the_fixture_has_no_cut() -> None:
    """People move, cross, leave; the blur comes and goes."""
    assert cuts([truth_frame(k) for k in range(1, 121, 2)]) == []


def test_real_cuts(shared_data: Path) -> None:
    """Three cuts seen by eye in a dark event clip; none in a clip of a signer."""
    clips = shared_data / "clips"
    found = {}
    for name in ("face_recognition/short_hamilton_clip.mp4", "intel/asl_gestures/student.mkv"):
        with av.open(str(clips / name)) as container:
            frames = container.decode(video=0)
            found[Path(name).stem] = cuts([f.to_ndarray(format="rgb24") for f in frames])
    assert found == {"short_hamilton_clip": [21, 83, 212], "student": []}

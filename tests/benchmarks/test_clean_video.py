"""The count of false flags: its geometry, its stretches and its way of going on."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.clean_video import _Lines, drawn, footage, made, shrink_of, stretches


def test_the_true_face_lies_where_the_footage_shows_it() -> None:
    (sharp,) = islice(made(2, 2.0), 1)
    for shrink in (1, 2):
        seen = footage([sharp], shrink, 18, np.random.default_rng(1))[0]
        for followed in sharp.faces:
            face = drawn(sharp, seen, followed)
            assert face is not None
            assert face.aligned is not None
            assert face.restored_rgb_u8 is not None
            a, b = (
                cv2.GaussianBlur(p[100:400, 100:400].astype(np.float32), (0, 0), 8)
                for p in (face.aligned.crop_rgb_u8, face.restored_rgb_u8)
            )
            assert float(np.abs(a - b).mean()) < 4  # grey levels, once blurred alike
    assert shrink_of([replace(sharp, faces=())]) == 1


def test_neighbours_among_scored_frames_are_one_stretch() -> None:
    assert stretches([], 8) == 0
    assert stretches([(1, 1), (9, 9), (17, 17)], 8) == 1
    assert stretches([(1, 1), (9, 9), (33, 33)], 8) == 2
    assert stretches([(1, 4), (6, 9)], 1) == 2


def test_an_interrupted_count_goes_on(tmp_path: Path) -> None:
    row = {"seconds": 60.0, "person_seconds": 90.0, "faces": 9, "flags": {"pop": 2, "profile": 1}}
    _Lines(tmp_path / "made.jsonl").add("seed 1", row)
    again = _Lines(tmp_path / "made.jsonl")
    assert set(again.rows) == {"seed 1"}
    assert again.minutes() == pytest.approx(1.0)
    table = again.table("made video")
    assert "pop: 2, 2.00 a minute" in table
    assert "all: 2, 2.00 a minute" in table
    assert "profile 1" in table

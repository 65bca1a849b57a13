"""Choosing the detector's threshold: the rule by hand, and footage that is what it says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from forensics.records import Detection
from training.detector import choose, footage
from training.detector.footage import Shown


def box_at(x: float, score: float) -> Detection:
    five = ((x + 3, 4.0), (x + 7, 4.0), (x + 5, 6.0), (x + 3, 8.0), (x + 7, 8.0))
    return Detection((x, 0.0, x + 10, 10.0), five, score)


def test_the_rule_takes_the_lowest_threshold_with_few_extra_boxes() -> None:
    # 98 true boxes at 0.9, one at 0.6, and strange ones at 0.55 and 0.305: 1 of 100 is 1 %,
    # 2 of 101 are 1.98 %.
    places = np.arange(99) * 20.0
    truth = np.stack([places, 0 * places, places + 10, 0 * places + 10], axis=1)
    ours = [box_at(x, 0.9) for x in places[:98]] + [box_at(places[98], 0.6)]
    ours += [box_at(5000.0, 0.55), box_at(6000.0, 0.305)]
    shown = [Shown("made", np.zeros((8, 8, 3), np.uint8), truth, truth)]
    threshold = choose.by_rule(shown, [ours])
    assert threshold == pytest.approx(0.31, abs=1e-9)
    count = choose.counted(shown, [ours], threshold)
    assert (count.present, count.found, count.boxes, count.extra) == (99, 99, 100, 1)
    assert str(count) == "recall 99/99=100.0%  extra 1/100=1.00%"
    assert choose.counted(shown, [ours], 0.7).found == 98


def test_a_filmed_picture_stays_in_place_and_is_coded() -> None:
    draw = np.random.default_rng(3)
    wave = np.add.outer(np.arange(61), np.arange(81)) % 64 + 60  # odd sides
    picture = np.repeat(wave[..., None], 3, axis=2).astype(np.uint8)
    coded, matrix = footage._filmed(draw, picture, dark=False, poor=False)
    assert coded.shape == (60, 80, 3)
    assert np.allclose(matrix[:, :2], np.eye(2))  # the frame shown is the middle of the zoom
    assert np.abs(matrix[:, 2]).max() < 2
    assert 0 < np.abs(coded.astype(int) - picture[:60, :80]).mean() < 25
    again, _ = footage._filmed(np.random.default_rng(3), picture, dark=False, poor=False)
    # x264 with mbtree does not always repeat itself to the last grey level
    assert np.abs(coded.astype(int) - again).mean() < 2


def test_the_footage_shows_nobody_who_is_tested_on() -> None:
    source = Path(footage.__file__).read_text("utf-8")
    assert re.findall(r"(\w+)_256", source) == ["fit"]
    assert "test_clips" not in source
    assert "val" not in re.findall(r"[a-z]+", source)

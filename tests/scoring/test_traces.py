"""Scoring, traces: footage whose face was drawn before, and footage that only looks special."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from forensics.restore import mask
from forensics.scoring import traces
from forensics.scoring.flags import person_flags
from forensics.scoring.thresholds import shipped_thresholds
from forensics.scoring.traces import TRACES, cut, find_traces, measure_traces, read_differences
from forensics.scoring.traces_table import (
    Sum,
    TracesTable,
    Weighed,
    read_traces_table,
    shipped_traces,
)
from tests.known_answers.footage import film
from tests.known_answers.pairs import restored_before
from tests.known_answers.truths import public_truths
from tests.scoring.test_flags import fact

LIMIT = shipped_thresholds()["traces_limit"]
FILMED = {0: (24.0, 2), 1: (24.0, 4)}


def test_the_oval_is_the_one_that_restorers_paste() -> None:
    assert traces.MASK_CENTRE_PX == mask.MASK_CENTRE_PX
    assert traces.MASK_RADII_PX == mask.MASK_RADII_PX
    assert traces.MASK_POWER == mask.MASK_POWER
    assert pytest.approx(mask.MASK_CORE) == traces.INSIDE


def test_the_table_weighs_what_is_read() -> None:
    filmed = film(public_truths()[0], 24.0, 0, 1)
    read = read_differences(*cut(filmed.frame_rgb_u8, filmed.affine))
    assert read is not None
    sums = shipped_traces().sums
    assert set(read) == set(sums["oval"].weights)
    assert {name for name in read if name.endswith("_far")} == set(sums["head"].weights)
    assert all(np.isfinite(value) for value in read.values())


def test_a_sum_is_bounded_and_what_is_absent_counts_as_usual() -> None:
    one = Sum(0.5, {"a": Weighed(1.0, 2.0, 0.25), "b": Weighed(0.0, 1.0, -1.0)})
    assert one.score({}) == 0.5
    assert one.score({"a": 3.0}) == pytest.approx(0.75)
    assert one.score({"a": 1e9, "b": 1e9}) == pytest.approx(0.5 + 0.75 - 3.0)
    both = TracesTable("t", {"oval": one, "head": Sum(0.6, {})})
    assert both.score({}) == 0.6
    assert both.score({"a": 3.0}) == pytest.approx(0.75)


def test_a_broken_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "traces.json"
    weights = {"a": {"usual": 0, "spread": 0, "weight": 1}}
    raw = {"version": "1", "sums": {"oval": {"constant": 0, "weights": weights}}}
    path.write_text(json.dumps(raw), "utf-8")
    with pytest.raises(ValueError, match="spread"):
        read_traces_table(path)


def test_it_abstains_where_nothing_can_be_told() -> None:
    filmed = film(public_truths()[0], 24.0, 0, 1)
    small = filmed.affine * 2  # twice the template px for a px: half the eye distance
    assert "under 16 px" in measure_traces(filmed.frame_rgb_u8, small).reasons[TRACES]
    corner = np.ascontiguousarray(filmed.frame_rgb_u8[:20, :20])
    assert "too little" in measure_traces(corner, filmed.affine).reasons[TRACES]
    outside = filmed.affine.copy()
    outside[:, 2] -= 5000
    assert "too little" in measure_traces(filmed.frame_rgb_u8, outside).reasons[TRACES]
    with pytest.raises(ValueError, match="uint8"):
        measure_traces(filmed.frame_rgb_u8.astype(np.float32), filmed.affine)  # type: ignore[arg-type]


def test_a_near_face_is_read_at_a_bounded_size() -> None:
    filmed = film(public_truths()[0], 160.0, 0, 1)
    part, affine = cut(filmed.frame_rgb_u8, filmed.affine)
    scale = float(np.sqrt(np.linalg.det(affine[:, :2])))
    assert traces.TEMPLATE_INTEROCULAR_PX / scale == pytest.approx(80.0, rel=0.01)
    assert part.shape[0] < 480


def test_the_median_over_a_persons_faces_decides() -> None:
    table = shipped_thresholds()
    own = [fact(k, traces=LIMIT + 1 if k % 5 == 1 else None) for k in range(1, 31)]
    found = find_traces(0, own, table)
    assert found is not None
    assert (found.code, found.severity) == ("restored_twice", "caution")
    assert found.frames == ((1, 26),)
    assert found.detail == "so in 6 of 6 faces read"
    assert found in person_flags(0, own)
    few = [fact(k, traces=LIMIT + 1 if k < 3 else LIMIT - 1) for k in range(1, 7)]
    assert find_traces(0, few, table) is None
    assert find_traces(0, [fact(1)], table) is None


@pytest.mark.parametrize("number", [0, 1])
def test_a_face_drawn_before_stands_out_and_the_footage_itself_does_not(number: int) -> None:
    size_px, quality = FILMED[number]
    filmed = film(public_truths()[number], size_px, quality, 11)
    clean = measure_traces(filmed.frame_rgb_u8, filmed.affine).values[TRACES]
    drawn = measure_traces(*restored_before(filmed, 2)).values[TRACES]
    assert clean < LIMIT
    assert drawn > clean + 1.0

"""Fusion of views: means by hand, nothing counted twice, and no change where there is one view."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.faces.detector import Detector, DetectorConfig, View
from forensics.faces.fusion import fuse, unmirrored
from forensics.models.load import load_embedded
from forensics.records import Detection
from tests.faces.test_detector import overlap, scene


def face(x0: float, score: float, side: float = 100.0, y0: float = 0.0) -> Detection:
    """A square face with its points at fixed shares of the box."""
    shares = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    a, b, c, d, e = ((x0 + side * u, y0 + side * v) for u, v in shares)
    return Detection((x0, y0, x0 + side, y0 + side), (a, b, c, d, e), score)


def test_two_views_give_the_weighted_mean_of_box_and_points_and_the_mean_score() -> None:
    # IoU of boxes 12 px apart: 88 / 112 = 0.79.
    (one,) = fuse([[face(0, 0.8)], [face(12, 0.4)]], overlap_min=0.5, score_min=0.1)
    assert one.score == pytest.approx(0.6)
    assert one.box_px == pytest.approx((4, 0, 104, 100))  # (0.8 * 0 + 0.4 * 12) / 1.2
    assert one.landmarks_px == tuple(pytest.approx(p) for p in face(4, 1).landmarks_px)


def test_a_face_of_one_view_alone_keeps_its_place_and_half_its_score() -> None:
    found = fuse([[face(0, 0.9)], [face(200, 0.7)]], overlap_min=0.5, score_min=0.4)
    assert found == [face(0, 0.45)]  # 0.35 is below the least


def test_boxes_that_overlap_less_stay_apart() -> None:
    # 34 px apart: IoU 66 / 134 = 0.49
    found = fuse([[face(0, 0.8)], [face(34, 0.6)]], overlap_min=0.5, score_min=0.1)
    assert [f.score for f in found] == pytest.approx([0.4, 0.3])


def test_a_view_counts_once_and_its_double_is_left_out() -> None:
    found = fuse([[face(0, 0.8), face(10, 0.7)], [face(2, 0.6)]], overlap_min=0.5, score_min=0.1)
    assert [f.score for f in found] == pytest.approx([0.7])


def test_of_two_neighbours_a_box_joins_the_nearer() -> None:
    # Two faces 60 px apart do not overlap by half; the other view's boxes lie 8 px off each.
    found = fuse(
        [[face(0, 0.9), face(60, 0.8)], [face(52, 0.7), face(8, 0.6)]],
        overlap_min=0.5,
        score_min=0.1,
    )
    assert [f.score for f in found] == pytest.approx([0.75, 0.75])
    assert sorted(f.box_px[0] for f in found) == pytest.approx([3.2, 60 - 8 * 0.7 / 1.5])


faces = st.builds(face, st.integers(0, 400), st.floats(0.06, 1.0), st.integers(20, 120))


@given(st.lists(st.lists(faces, max_size=5), min_size=1, max_size=3))
def test_scores_stay_in_range_and_boxes_within_those_they_were_made_of(
    answers: list[list[Detection]],
) -> None:
    found = fuse(answers, overlap_min=0.5, score_min=0.0)
    everything = list(itertools.chain(*answers))
    assert len(found) <= len(everything)
    assert bool(found) == bool(everything)
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    best = max((f.score for f in everything), default=0.0)
    for one in found:
        assert 0 < one.score <= best + 1e-9
        hulls = np.array([f.box_px for f in everything])
        assert (np.array(one.box_px) >= hulls.min(0) - 1e-9).all()
        assert (np.array(one.box_px) <= hulls.max(0) + 1e-9).all()


@given(st.lists(faces, max_size=1), st.integers(130, 600))
def test_one_view_comes_back_as_it_is_and_mirroring_twice_changes_nothing(
    one: list[Detection], width: int
) -> None:
    assert fuse([one], overlap_min=0.5, score_min=0.0) == one
    for part in one:
        twice = unmirrored(unmirrored(part, width), width)
        assert twice.box_px == pytest.approx(part.box_px)
        assert np.allclose(twice.landmarks_px, part.landmarks_px)
        turned = unmirrored(part, width)
        assert turned.landmarks_px[0][0] < turned.landmarks_px[1][0]  # left stays left
        assert turned.box_px[0] == pytest.approx(width - 1 - part.box_px[2])


def test_each_view_finds_the_face_at_its_place_in_the_frame() -> None:
    frame, truth = scene(24, (480, 640), at=(60, 300))  # off the middle: a mirror would show
    state = load_embedded("detector").state
    for view in (View(), View(mirrored=True), View(0.7), View(0.7, mirrored=True)):
        detector = Detector.load(state, config=DetectorConfig(views=(view,)))
        (found,) = detector.detect([frame])
        assert overlap(found[0].box_px, truth) > 0.5, view
        (right, left, *_) = found[0].landmarks_px
        assert right[0] < left[0]

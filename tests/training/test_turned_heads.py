"""Turned heads: labels follow the turn exactly, frontal labels are kept, pictures repeat."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.detector import heads, turned

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
BOX = np.array([62.0, 58.0, 142.0, 170.0])
FIVE = np.array([[84.0, 105.0], [120.0, 105.0], [102.0, 125.0], [88.0, 145.0], [116.0, 145.0]])


def dome() -> F64:
    """A mesh of 468 points on half an ellipsoid, its rim where MediaPipe has the face's oval."""
    centre, radii = np.array([102.0, 115.0, 40.0]), np.array([40.0, 55.0, 45.0])
    turn = np.linspace(-np.pi / 2, 3 * np.pi / 2, len(heads.OVAL), endpoint=False)
    draw = np.random.default_rng(3)
    r, a = np.sqrt(draw.uniform(0, 0.97, 468)), draw.uniform(0, 2 * np.pi, 468)
    plane = np.stack((r * np.cos(a), r * np.sin(a)), axis=1)
    plane[list(heads.OVAL)] = np.stack((np.cos(turn), np.sin(turn)), axis=1)
    plane[heads.SIDES[0]], plane[heads.SIDES[1]] = (-1, 0), (1, 0)
    plane[heads.CHIN] = (0, 1)
    height = np.sqrt(np.clip(1 - (plane**2).sum(axis=1), 0, 1))
    return np.column_stack((plane, -height)) * radii + centre


@pytest.fixture(scope="module")
def head() -> heads.Head:
    """A made head: brown hair, skin, two dark eyes; no photograph."""
    rgb = np.full((240, 204, 3), (70, 110, 70), np.uint8)
    person = np.zeros((256, 256), np.uint8)
    y, x = np.mgrid[:240, :204]
    whole = ((x - 102) / 52) ** 2 + ((y - 110) / 72) ** 2 <= 1
    face = ((x - 102) / 40) ** 2 + ((y - 115) / 55) ** 2 <= 1
    rgb[whole | (y > 190)], rgb[face] = (90, 60, 40), (200, 150, 120)
    for u, v in FIVE[:2]:
        rgb[int(v) - 4 : int(v) + 5, int(u) - 6 : int(u) + 7] = 20
    rows, columns = np.mgrid[:256, :256]
    inside = (whole | (y > 190))[rows * 240 // 256, columns * 204 // 256]
    person[inside] = 255
    return heads.build(rgb, dome(), person, BOX, FIVE)


def by_hand(point: F64, pivot: F64, yaw: float, far: float) -> tuple[float, float]:
    """A point turned about the upright axis and seen in perspective, written out."""
    x, y, z = point - pivot
    across = x * np.cos(yaw) - z * np.sin(yaw)
    depth = x * np.sin(yaw) + z * np.cos(yaw)
    return pivot[0] + across * far / (far + depth), pivot[1] + y * far / (far + depth)


@pytest.mark.parametrize("yaw_deg", [-75.0, -30.0, 20.0, 60.0])
def test_points_and_box_follow_the_rotation_written_out(head: heads.Head, yaw_deg: float) -> None:
    shown = heads.render(head, yaw_deg, 0, 0, far=6.0)
    margin = int(0.5 * head.width)
    yaw, far = np.radians(yaw_deg), 6.0 * head.width
    wanted = [by_hand(p, head.pivot, yaw, far) for p in head.points]
    assert np.allclose(shown.points_px - margin, wanted, atol=1e-6)
    rim = np.array([by_hand(p, head.pivot, yaw, far) for p in head.rim])
    assert np.allclose(shown.box_px - margin, [*rim.min(axis=0), *rim.max(axis=0)], atol=1e-6)


def test_from_the_front_the_labels_are_those_of_the_photo(head: heads.Head) -> None:
    shown = heads.render(head, 0, 0, 0, far=1e6)
    margin = int(0.5 * head.width)
    assert np.allclose(shown.box_px - margin, BOX, atol=1e-3)
    assert np.allclose(shown.points_px - margin, FIVE, atol=1e-3)
    assert shown.seen.all()
    assert shown.eyes_px == pytest.approx(36.0)


def test_a_turn_to_the_viewers_right_moves_the_nose_right_and_hides_the_right_eye(
    head: heads.Head,
) -> None:
    front = heads.render(head, 0, 0, 0)
    right = heads.render(head, 75, 0, 0)
    left = heads.render(head, -75, 0, 0)
    middle = front.box_px[[0, 2]].mean()
    assert right.points_px[2, 0] > middle + 20
    assert left.points_px[2, 0] < middle - 20
    assert right.seen[0]
    assert not right.seen[1]
    assert left.seen[1]
    assert not left.seen[0]


def test_the_dark_eyes_are_drawn_where_the_points_say(head: heads.Head) -> None:
    for yaw in (-35.0, 0.0, 35.0):
        shown = heads.render(head, yaw, 0, 0)
        for k in (0, 1):
            u, v = shown.points_px[k].round().astype(int)
            assert shown.rgba[v - 1 : v + 2, u - 1 : u + 2, :3].mean() < 60, (yaw, k)
            assert shown.rgba[v, u, 3] > 200, (yaw, k)  # the far eye may lie on the soft rim


def test_the_silhouette_has_no_hole_and_no_background_colour(head: heads.Head) -> None:
    for yaw in (-70.0, 40.0, 160.0):
        shown = heads.render(head, yaw, 5, 3)
        x0, y0, x1, y1 = shown.box_px.astype(int)
        high, wide = (y1 - y0) // 5, (x1 - x0) // 5
        core = shown.rgba[y0 + high : y1 - high, x0 + wide : x1 - wide]
        assert (core[..., 3] > 250).mean() > 0.99, yaw
        green = core[..., 1].astype(int) - core[..., 0]
        assert (green > 10).mean() < 0.01, yaw


def test_rotations_are_orthogonal_and_mean_what_they_say() -> None:
    whole = heads.rotation(31, -12, 7)
    assert np.allclose(whole @ whole.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(whole) == pytest.approx(1.0)
    nose = np.array([0.0, 0.0, -1.0])
    assert (heads.rotation(30, 0, 0) @ nose)[0] == pytest.approx(0.5)
    assert (heads.rotation(0, 30, 0) @ nose)[1] == pytest.approx(0.5)
    assert np.allclose(heads.rotation(0, 0, 30) @ nose, nose)


def test_the_draw_of_angles_reaches_profiles_and_heads_from_behind() -> None:
    own = 12.0
    drawn = [turned.angles(np.random.default_rng((1, k)), own) for k in range(2000)]
    behind = [abs(y) >= turned.BEHIND_DEG for y, _, _ in drawn]
    assert 0.09 < np.mean(behind) < 0.16
    shown = np.array([abs(y + own) for (y, _, _), b in zip(drawn, behind, strict=True) if not b])
    assert shown.max() <= turned.PROFILE_DEG + 1e-9
    assert (shown > 40).mean() > 0.5
    assert drawn[:5] == [turned.angles(np.random.default_rng((1, k)), own) for k in range(5)]

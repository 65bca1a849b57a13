"""Alignment: exact similarity, pixel centres, the turn of the head."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.faces.align import (
    _FACE_MM,
    TEMPLATE_512,
    TEMPLATE_INTEROCULAR_PX,
    align_face,
    fit_similarity,
    yaw_degrees,
)


@given(st.floats(0.05, 8), st.floats(-math.pi, math.pi), st.floats(-900, 900), st.floats(-900, 900))
def test_a_similarity_is_found_again(k: float, angle: float, dx: float, dy: float) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    target = TEMPLATE_512 @ (k * turn).T + [dx, dy]
    matrix = fit_similarity(target, TEMPLATE_512)
    back = target @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(back - TEMPLATE_512).max() < 1e-6


def test_points_in_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        fit_similarity(np.full((5, 2), 7.0), TEMPLATE_512)


def spot(height: int, width: int, x: float, y: float, sigma: float) -> np.ndarray:
    grid_y, grid_x = np.mgrid[:height, :width]
    value = 220 * np.exp(-((grid_x - x) ** 2 + (grid_y - y) ** 2) / (2 * sigma**2))
    return np.repeat(np.round(value)[:, :, None], 3, 2).astype(np.uint8)


def centroid(picture: np.ndarray) -> np.ndarray:
    weight = picture[:, :, 0].astype(float)
    weight[weight < 20] = 0
    grid_y, grid_x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return np.array([(weight * grid_x).sum(), (weight * grid_y).sum()]) / weight.sum()


@pytest.mark.parametrize("iod_px", [20.0, 62.96, 125.92, 400.0])
def test_a_spot_lands_where_the_matrix_says(iod_px: float) -> None:
    k = iod_px / TEMPLATE_INTEROCULAR_PX
    points = TEMPLATE_512 * k + [37.25, 21.5]
    nose = points[2]
    side = int(512 * k + 80)
    aligned = align_face(spot(side, side, nose[0], nose[1], max(2.0, 8 * k)), points)
    assert aligned.interocular_px == pytest.approx(iod_px, rel=1e-3)
    assert np.abs(centroid(aligned.crop_rgb_u8) - TEMPLATE_512[2]).max() < 0.12
    h = aligned.native_rgb_u8.shape[0]
    expected = (TEMPLATE_512[2] + 0.5) * h / 512 - 0.5
    assert h == round(512 * k)
    assert np.abs(centroid(aligned.native_rgb_u8) - expected).max() < 0.12


@pytest.mark.parametrize("yaw", [-60, -30, 0, 20, 45])
@pytest.mark.parametrize("roll", [-25, 0, 40])
def test_turn_of_the_head_is_recovered(yaw: float, roll: float) -> None:
    a, r = math.radians(yaw), math.radians(roll)
    about_y = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    flat = (_FACE_MM @ about_y.T)[:, :2]
    turn = np.array([[math.cos(r), -math.sin(r)], [math.sin(r), math.cos(r)]])
    points = 1.7 * flat @ turn.T + [200, 100]
    assert yaw_degrees(points) == pytest.approx(yaw, abs=8)


def test_wrong_input_names_what_is_expected() -> None:
    with pytest.raises(ValueError, match="uint8"):
        align_face(np.zeros((64, 64, 3), np.float32), TEMPLATE_512)  # type: ignore[arg-type] # the error is the test

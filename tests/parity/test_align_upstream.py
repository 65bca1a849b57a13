"""Alignment under --upstream-compat against facexlib's own helper: equal matrices, equal bytes."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from facexlib.utils.face_restoration_helper import FaceRestoreHelper
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forensics.faces.align import _FACE_MM, TEMPLATE_512, align_face, fit_upstream


def helper(frame_bgr_u8: NDArray[np.uint8], landmarks_px: list[NDArray[Any]]) -> FaceRestoreHelper:
    """Upstream's helper as GFPGANer sets it up, without the networks that it would download."""
    made = FaceRestoreHelper.__new__(FaceRestoreHelper)
    made.face_size, made.face_template = (512, 512), TEMPLATE_512.copy()
    made.pad_blur = made.template_3points = False
    made.input_img, made.all_landmarks_5 = frame_bgr_u8, landmarks_px
    made.affine_matrices, made.cropped_faces = [], []
    return made


def turned(
    yaw: float, roll: float, iod_px: float, at_px: tuple[float, float]
) -> NDArray[np.float32]:
    """Landmarks (5, 2) of a generic head, as the detector's float32."""
    a, r = math.radians(yaw), math.radians(roll)
    about_y = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    turn = np.array([[math.cos(r), -math.sin(r)], [math.sin(r), math.cos(r)]])
    return ((_FACE_MM @ about_y.T)[:, :2] @ turn.T * (iod_px / 63) + at_px).astype(np.float32)


def picture(height: int = 240, width: int = 320) -> NDArray[np.uint8]:
    noise = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.2)


FACES = {
    "frontal": turned(0, 0, 60, (150, 100)),
    "turned by 55 degrees": turned(55, 5, 60, (150, 100)),
    "turned by -40 and tilted": turned(-40, 30, 44, (120, 90)),
    "upside down": turned(10, 175, 50, (160, 120)),
    "small": turned(12, -8, 9, (200, 60)),
    "large": turned(-5, 3, 260, (160, 90)),
    "cut by the rim": turned(20, 0, 70, (6, 40)),
    "one point far off": turned(0, 0, 60, (150, 100))
    + np.array([[0, 0], [0, 0], [30, -25], [0, 0], [0, 0]], np.float32),
}


@pytest.mark.parametrize("name", FACES)
def test_matrix_and_crop_equal_upstreams(name: str) -> None:
    frame_bgr, points = picture(), FACES[name]
    upstream = helper(frame_bgr, [points.copy()])
    upstream.align_warp_face()
    ours = align_face(
        np.ascontiguousarray(frame_bgr[..., ::-1]), points.astype(np.float64), upstream_compat=True
    )
    assert np.array_equal(ours.affine, upstream.affine_matrices[0])
    assert np.array_equal(ours.crop_rgb_u8[..., ::-1], upstream.cropped_faces[0])


@settings(max_examples=25, deadline=None)
@given(
    yaw=st.floats(-70, 70),
    roll=st.floats(-180, 180),
    iod_px=st.floats(5, 300),
    x=st.floats(-20, 340),
    y=st.floats(-20, 260),
)
def test_any_face_equals_upstreams(
    yaw: float, roll: float, iod_px: float, x: float, y: float
) -> None:
    frame_bgr, points = picture(), turned(yaw, roll, iod_px, (x, y))
    upstream = helper(frame_bgr, [points.copy()])
    upstream.align_warp_face()
    if upstream.affine_matrices[0] is None:
        return
    ours = align_face(
        np.ascontiguousarray(frame_bgr[..., ::-1]), points.astype(np.float64), upstream_compat=True
    )
    assert np.array_equal(ours.affine, upstream.affine_matrices[0])
    assert np.array_equal(ours.crop_rgb_u8[..., ::-1], upstream.cropped_faces[0])


def test_one_point_far_off_moves_the_usual_fit_and_not_upstreams() -> None:
    frame = picture()
    good, bad = FACES["frontal"].astype(float), FACES["one point far off"].astype(float)
    moved = [
        np.abs(
            align_face(frame, bad, upstream_compat=compat).affine
            - align_face(frame, good, upstream_compat=compat).affine
        )[:, 2].max()
        for compat in (False, True)
    ]
    assert moved[0] > 5
    assert moved[1] < moved[0]


def test_points_in_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="no similarity"):
        fit_upstream(np.full((5, 2), 7.0), TEMPLATE_512)


def test_beyond_the_footage_lies_upstreams_grey() -> None:
    points = FACES["cut by the rim"].astype(np.float64)
    crop = align_face(np.zeros((240, 320, 3), np.uint8), points, upstream_compat=True).crop_rgb_u8
    assert crop[300, 2].tolist() == [132, 133, 135]

"""Faces that the rim of the frame cuts off: mirrored for measuring, and counted."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.faces.align import BORDER_RGB, TEMPLATE_512, align_face
from forensics.faces.rim import Rim


def affine(scale: float, x_px: float, y_px: float, turn_deg: float = 0.0) -> np.ndarray:
    """Frame px to template px: ``scale`` and turn about the frame's origin, then moved."""
    matrix = cv2.getRotationMatrix2D((0, 0), turn_deg, scale)
    matrix[:, 2] += (x_px, y_px)
    return np.asarray(matrix, np.float64)


def test_a_face_within_the_frame_is_left_as_it_is() -> None:
    rim = Rim(affine(2.0, -200, -100), 640, 480)
    picture = np.random.default_rng(1).integers(0, 256, (512, 512, 3)).astype(np.uint8)
    assert rim.share() == 0.0
    assert not rim.beyond().any()
    np.testing.assert_array_equal(rim.mirrored(picture), picture)


@pytest.mark.parametrize("side", [512, 128])
def test_the_share_is_that_of_the_geometry(side: int) -> None:
    """The frame begins at template column 128, and a margin of one px of it (2 here) is mixed."""
    rim = Rim(affine(2.0, 128, -50), 640, 480)
    expected = (128 + 2 + 0.5) / 512
    assert rim.beyond(side).mean() == pytest.approx(expected, abs=1.0 / side)
    assert rim.share() == pytest.approx(expected, abs=1 / 512)


def test_beyond_the_rim_stands_the_mirror_image() -> None:
    rim = Rim(affine(1.0, 100, 0), 640, 640)
    ramp = np.repeat(np.arange(512, dtype=np.float32)[None, :] / 4, 512, axis=0)
    picture = np.repeat(ramp[..., None], 3, 2).astype(np.uint8)
    seen = rim.mirrored(picture).astype(float)
    # Clean from frame column 1, template column 101: 50 px before it stands what is 50 px behind.
    assert seen[200, 51, 0] == pytest.approx(picture[200, 151, 0], abs=1)
    np.testing.assert_array_equal(seen[:, 101:], picture[:, 101:])


def test_the_grey_of_a_crop_is_gone() -> None:
    """A noisy frame, its face over the corner: the noise of the mirrored crop is everywhere."""
    rng = np.random.default_rng(2)
    frame = rng.normal(90, 12, (240, 320, 3)).clip(0, 255).astype(np.uint8)
    points = (TEMPLATE_512 - 256) * 0.25 + (300, 25)
    aligned = align_face(frame, points)
    rim = Rim(aligned.affine, 320, 240)
    assert 0.3 < rim.share() < 0.8
    for picture in (aligned.crop_rgb_u8, aligned.native_rgb_u8):
        beyond = rim.beyond(picture.shape[0])
        grey = np.abs(picture.astype(int) - BORDER_RGB).max(2) == 0
        assert grey[beyond].mean() > 0.8
        seen = rim.mirrored(picture)
        assert (np.abs(seen.astype(int) - BORDER_RGB).max(2) == 0).mean() < 0.01
        assert seen[beyond].std() == pytest.approx(picture[~beyond].std(), rel=0.25)


@settings(max_examples=40, deadline=None)
@given(
    scale=st.floats(0.2, 12),
    x=st.floats(-6000, 600),
    y=st.floats(-6000, 600),
    turn=st.floats(-60, 60),
    side=st.integers(8, 200),
)
def test_any_place_is_finite_and_keeps_the_inside(
    scale: float, x: float, y: float, turn: float, side: int
) -> None:
    rim = Rim(affine(scale, x, y, turn), 320, 240)
    picture = np.random.default_rng(3).integers(0, 256, (side, side, 3)).astype(np.uint8)
    seen, beyond = rim.mirrored(picture), rim.beyond(side)
    np.testing.assert_array_equal(seen[~beyond], picture[~beyond])
    assert 0.0 <= rim.share() <= 1.0
    assert seen.dtype == np.uint8

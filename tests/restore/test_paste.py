"""Paste: exact place, soft edge, rounding, order, and nothing outside the mask."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forensics.restore.background import enlarge
from forensics.restore.paste import (
    TEMPLATE_PX,
    PlacedFace,
    face_region_px,
    output_to_template,
    paste_face,
    paste_faces,
    paste_into,
    template_mask,
)


def similarity(
    scale: float, degrees: float, at_native_px: tuple[float, float]
) -> NDArray[np.float64]:
    """Native px -> template px, with ``at_native_px`` landing on the template's centre."""
    turn = np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.column_stack([linear, np.array([256.0, 292.0]) - linear @ at_native_px])


def spot(x: float, y: float, sigma: float) -> NDArray[np.uint8]:
    """A crop with a Gaussian spot of 200 levels on black."""
    rows, columns = np.mgrid[0:TEMPLATE_PX, 0:TEMPLATE_PX]
    bright = 200 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return np.repeat(np.rint(bright).astype(np.uint8)[..., None], 3, 2)


def centroid(picture: NDArray[np.uint8]) -> tuple[float, float]:
    weight = picture[..., 0].astype(np.float64)
    rows, columns = np.mgrid[0 : weight.shape[0], 0 : weight.shape[1]]
    return float((weight * columns).sum() / weight.sum()), float(
        (weight * rows).sum() / weight.sum()
    )


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("template_per_native", [0.9, 1.7, 4.0])
def test_a_spot_lands_where_geometry_says_to_a_hundredth_of_a_pixel(
    scale: float, template_per_native: float
) -> None:
    native = (300, 280)
    affine = similarity(template_per_native, 11.0, (151.3, 138.6))
    spot_template = np.array([263.0, 281.0])
    inverse = np.linalg.inv(np.vstack([affine, [0, 0, 1]]))
    x, y = (inverse @ [*spot_template, 1.0])[:2]
    out = np.zeros((round(native[1] * scale), round(native[0] * scale), 3), np.uint8)
    crop = spot(*spot_template, sigma=9.0 * max(1.0, template_per_native))
    pasted = paste_faces(out, [PlacedFace(crop, affine, 1)], native)
    got = centroid(pasted)
    expected = ((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5)
    assert abs(got[0] - expected[0]) < 0.01
    assert abs(got[1] - expected[1]) < 0.01


def test_pixels_outside_the_mask_stay_the_backgrounds() -> None:
    background = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    affine = similarity(4.0, -20.0, (100.0, 90.0))
    face = PlacedFace(np.full((512, 512, 3), 255, np.uint8), affine, 1)
    before = background.copy()
    pasted = paste_faces(background, [face], (320, 240))
    assert np.array_equal(background, before), "the given frame must not be written to"
    x0, y0, x1, y1 = face_region_px(output_to_template(affine, (320, 240), (320, 240)), (320, 240))
    outside = np.ones((240, 320), bool)
    outside[y0:y1, x0:x1] = False
    assert np.array_equal(pasted[outside], background[outside])
    assert (pasted[90, 100] == 255).all()


def test_the_mask_is_one_in_the_face_and_zero_at_the_crops_rim() -> None:
    mask = template_mask()
    assert mask[292, 256] == 1.0
    for x, y in ((193, 240), (319, 240), (257, 314), (201, 371), (313, 371)):
        assert mask[y, x] == 1.0, "every landmark of the template lies in the core"
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    assert rim.max() == 0.0
    assert np.abs(np.diff(mask, axis=1)).max() < 0.06, "the edge is soft"
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = 1.0


def test_values_are_rounded_to_nearest_and_clipped() -> None:
    crop = np.full((512, 512, 3), 101, np.uint8)
    half = (template_mask() > 0.4) & (template_mask() < 0.6)
    identity = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    background = np.full((512, 512, 3), 100, np.uint8)
    pasted = paste_faces(background, [PlacedFace(crop, identity, 1)], (512, 512))
    expected = np.rint(100 + template_mask()).astype(np.uint8)
    assert half.any()
    assert np.array_equal(pasted[..., 0], expected)


def test_the_larger_face_lies_on_top_whatever_the_order_given() -> None:
    near = PlacedFace(np.full((512, 512, 3), 200, np.uint8), similarity(3.0, 0, (80.0, 80.0)), 2)
    far = PlacedFace(np.full((512, 512, 3), 50, np.uint8), similarity(6.0, 0, (110.0, 80.0)), 1)
    background = np.zeros((160, 200, 3), np.uint8)
    one = paste_faces(background, [near, far], (200, 160))
    two = paste_faces(background, [far, near], (200, 160))
    assert np.array_equal(one, two)
    assert (one[80, 100] == 200).all()


def test_a_face_outside_the_picture_changes_nothing() -> None:
    background = np.full((64, 64, 3), 7, np.uint8)
    away = PlacedFace(np.full((512, 512, 3), 255, np.uint8), similarity(4.0, 0, (900.0, 30.0)), 1)
    assert np.array_equal(paste_faces(background, [away], (64, 64)), background)


def test_a_face_cut_by_the_frames_edge_is_pasted_up_to_it() -> None:
    background = np.zeros((120, 120, 3), np.uint8)
    cut = PlacedFace(np.full((512, 512, 3), 255, np.uint8), similarity(4.0, 0, (2.0, 60.0)), 1)
    pasted = paste_faces(background, [cut], (120, 120))
    assert (pasted[60, 0] == 255).all()
    assert (pasted[60, 70] == 0).all()


def test_one_face_by_scale_equals_one_face_by_sizes() -> None:
    background = np.random.default_rng(1).integers(0, 256, (200, 240, 3), np.uint8)
    crop = np.random.default_rng(2).integers(0, 256, (512, 512, 3), np.uint8)
    affine = similarity(3.1, 5.0, (60.0, 52.0))
    by_sizes = paste_faces(background, [PlacedFace(crop, affine, 0)], (120, 100))
    assert np.array_equal(paste_face(background, crop, affine, 2), by_sizes)


@pytest.mark.parametrize(
    ("frame", "crop", "affine"),
    [
        (np.zeros((8, 8), np.uint8), np.zeros((512, 512, 3), np.uint8), np.eye(3)[:2]),
        (np.zeros((8, 8, 3), np.float32), np.zeros((512, 512, 3), np.uint8), np.eye(3)[:2]),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((256, 256, 3), np.uint8), np.eye(3)[:2]),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((512, 512, 3), np.float32), np.eye(3)[:2]),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((512, 512, 3), np.uint8), np.full((2, 3), np.nan)),
    ],
)
def test_wrong_input_is_refused(
    frame: NDArray[np.uint8], crop: NDArray[np.uint8], affine: NDArray[np.float64]
) -> None:
    with pytest.raises(ValueError, match=r"must be|finite"):
        paste_into(frame, [PlacedFace(crop, affine, 1)], (8, 8))


@settings(max_examples=15, deadline=None)
@given(
    template_per_native=st.floats(1.2, 5.0),
    degrees=st.floats(-35, 35),
    x=st.floats(90, 150),
    y=st.floats(90, 150),
    upscale=st.sampled_from([1, 2]),
)
def test_align_then_paste_back_gives_the_same_picture_in_the_core(
    template_per_native: float, degrees: float, x: float, y: float, upscale: int
) -> None:
    rng = np.random.default_rng(7)
    native = cv2.GaussianBlur(rng.integers(0, 256, (240, 240, 3), np.uint8), (0, 0), 2.5)
    affine = similarity(template_per_native, degrees, (x, y))
    crop = cv2.warpAffine(native, affine, (512, 512), flags=cv2.INTER_CUBIC)
    background = enlarge(native, upscale)
    pasted = paste_face(background, crop, affine, upscale)
    # All of the enlarged frame is one smooth picture, so the face must vanish into it.
    difference = np.abs(pasted.astype(int) - background)[40:-40, 40:-40]
    assert difference.mean() < 0.6
    assert np.percentile(difference, 99.5) <= 6

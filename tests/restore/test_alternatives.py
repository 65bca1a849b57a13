"""Other faces that fit: projection, choice and spread, with known answers."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.data

from forensics.restore.alternatives import (
    Footage,
    draw_weights,
    enlarge,
    pick_apart,
    project,
    shrink,
    spread,
)

U8 = np.ndarray
SIGMA = 0.6


@pytest.fixture(scope="module")
def face() -> U8:
    """A public-domain picture, (512, 512, 3), and as detailed as its pixels allow."""
    return np.ascontiguousarray(skimage.data.astronaut())


def footage(
    face: U8, side: int, *, noise: float = 0.0, sigma: float = SIGMA, gain: float = 1.0
) -> Footage:
    """The picture as a camera ``512 / side`` times coarser would hold it."""
    how = cv2.INTER_AREA if side < 512 else cv2.INTER_CUBIC
    small = cv2.resize(face.astype(np.float32), (side, side), interpolation=how)
    small = cv2.GaussianBlur(small, (0, 0), sigma) if sigma else small
    small = small * gain + np.random.default_rng(5).normal(0, noise, small.shape)
    native = np.clip(np.rint(small), 0, 255).astype(np.uint8)
    floor = max(1.0, noise)
    mask = np.ones((side, side), bool)
    return Footage(native, mask, gauss(sigma), (0.0, 0.0), (gain,) * 3, (0.0,) * 3, floor)


def gauss(sigma: float) -> Callable[[np.ndarray], np.ndarray]:
    """A blur of one width; nothing at 0."""
    return lambda rgb: cv2.GaussianBlur(rgb, (0, 0), sigma) if sigma else rgb


def other(face: U8) -> np.ndarray:
    """Another picture altogether."""
    cat = skimage.data.chelsea()[:300, 80:380]
    return cv2.resize(cat, (512, 512), interpolation=cv2.INTER_CUBIC).astype(np.float32)


def residual(picture: np.ndarray, seen: Footage) -> float:
    left = seen.native_rgb_u8.astype(np.float32) - shrink(picture.astype(np.float32), seen)
    return float(np.sqrt(np.square(left).mean()))


@pytest.mark.parametrize("side", [32, 64, 128])
@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_any_picture_is_brought_inside_the_noise_of_the_footage(
    face: U8, side: int, noise: float
) -> None:
    seen = footage(face, side, noise=noise)
    start = other(face)
    assert residual(start, seen) > 40
    brought = project(start, seen)
    assert brought.residual_grey <= seen.floor_grey + 0.35  # rounding to uint8 costs up to 0.3
    assert brought.residual_grey == pytest.approx(residual(brought.rgb_u8, seen), abs=1e-4)
    assert 2 <= brought.rounds <= 24


def test_what_the_footage_does_not_hold_is_left_alone(face: U8) -> None:
    seen = footage(face, 64)
    start = face[:, ::-1].astype(np.float32)  # as detailed as the face itself
    brought = project(start, seen).rgb_u8.astype(np.float32)
    fine = [p - cv2.GaussianBlur(p, (0, 0), 4) for p in (start, brought, face.astype(np.float32))]
    like_start = np.corrcoef(fine[0].ravel(), fine[1].ravel())[0, 1]
    like_face = np.corrcoef(fine[2].ravel(), fine[1].ravel())[0, 1]
    assert like_start > 0.55
    assert like_face < 0.42


def test_at_the_footages_own_size_nothing_is_left_open(face: U8) -> None:
    seen = footage(face, 512, sigma=0.0)
    first = project(other(face), seen)
    second = project(np.full((512, 512, 3), 90, np.float32), seen)
    for brought in (first, second):
        assert brought.residual_grey <= seen.floor_grey + 0.05
        assert float(np.abs(brought.rgb_u8.astype(int) - face).mean()) < 1.0


def test_the_part_left_open_shrinks_with_the_scale(face: U8) -> None:
    left = []
    for side in (64, 128, 256, 512):
        seen = footage(face, side, sigma=0.0)
        a, b = project(other(face), seen), project(255 - other(face), seen)
        left.append(float(np.abs(a.rgb_u8.astype(int) - b.rgb_u8).mean()))
    assert left == sorted(left, reverse=True)
    assert left[0] > 8
    assert left[-1] < 1.0  # within the noise of the footage


def test_a_change_of_contrast_and_a_shift_of_the_footage_are_undone(face: U8) -> None:
    seen = footage(face, 128, gain=0.8)
    soft = gauss(SIGMA)
    moved = Footage(seen.native_rgb_u8, seen.mask, soft, (0.4, -0.3), (0.8,) * 3, (6.0,) * 3, 1.0)
    assert residual(face, moved) > 8
    assert project(face.astype(np.float32), moved).residual_grey < 2.5
    flat = np.full((128, 128, 3), 8.0, np.float32)
    assert enlarge(flat, moved) == pytest.approx(10.0, abs=1e-4)


def test_projection_stops_where_rounds_no_longer_help(face: U8) -> None:
    """Black footage under a gain that nothing can reach."""
    native = np.full((64, 64, 3), 255, np.uint8)
    full, gains = np.ones((64, 64), bool), (0.5,) * 3
    seen = Footage(native, full, gauss(0), (0.0, 0.0), gains, (0.0,) * 3, 1.0)
    brought = project(face.astype(np.float32), seen)
    assert brought.rgb_u8.min() == 255
    assert brought.residual_grey == pytest.approx(127.5, abs=0.1)
    assert brought.rounds < 24


def test_weights_come_from_the_crop_alone() -> None:
    a, b = "ab" * 32, "cd" * 32
    assert np.array_equal(draw_weights(a, 8), draw_weights(a, 8))
    assert not np.allclose(draw_weights(a, 8), draw_weights(b, 8), atol=0.1)
    found = draw_weights(a, 8, 6)
    assert found.shape == (6, 8)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-6)
    cosines = found @ found.T
    assert np.allclose(cosines[:3, 3:], -np.eye(3), atol=1e-6)
    for count in (0, 3, 18):
        with pytest.raises(ValueError, match="even and at most 16"):
            draw_weights(a, 8, count)


def test_the_faces_furthest_apart_are_picked() -> None:
    places = np.array([0.0, 0.1, 5.0, 5.1, 9.0, 2.5])
    table = np.abs(places[:, None] - places[None, :])
    assert set(pick_apart(table, 2)) == {0, 4}
    assert set(pick_apart(table, 3)) == {0, 4, 2}
    assert set(pick_apart(table, 4)) == {0, 4, 2, 5}
    assert pick_apart(table[:3, :3]) == (0, 1, 2)
    assert spread(table, (0, 4)) == pytest.approx(9.0)
    assert spread(table, (0, 2, 4)) == pytest.approx(5.0)


def test_equal_faces_have_no_spread() -> None:
    assert spread(np.zeros((4, 4)), (0, 1, 2, 3)) == 0.0
    assert spread(np.ones((4, 4)), (2,)) == 0.0
    assert pick_apart(np.zeros((5, 5))) == (0, 1, 2, 3)


def test_what_cannot_be_is_refused(face: U8) -> None:
    native = np.zeros((64, 64, 3), np.uint8)
    full, ones = np.ones((64, 64), bool), (1.0,) * 3
    with pytest.raises(ValueError, match="hold a pixel"):
        Footage(native, np.zeros((64, 64), bool), gauss(0), (0.0, 0.0), ones, ones, 1.0)
    with pytest.raises(ValueError, match="uint8"):
        Footage(native.astype(np.float32), full, gauss(0), (0.0, 0.0), ones, ones, 1.0)
    with pytest.raises(ValueError, match="above 0"):
        Footage(native, full, gauss(0), (0.0, 0.0), (0.0, 1.0, 1.0), ones, 1.0)
    with pytest.raises(ValueError, match=r"\(512, 512, 3\)"):
        project(np.zeros((256, 256, 3), np.float32), footage(face, 64))
    with pytest.raises(ValueError, match="square"):
        pick_apart(np.zeros((3, 4)))

"""Geometry: turns, square pixels and boxes, against closed forms and Pillow."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, ImageOps

from forensics.media.geometry import EXIF_TURNS, Geometry, Turn, turn_of_matrix


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_equal_pillow(orientation: int) -> None:
    picture = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    image = Image.fromarray(picture)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    turned = EXIF_TURNS[orientation].apply(picture)
    assert np.array_equal(turned, expected)
    assert turned.flags.c_contiguous


def _matrix(a: int, b: int, c: int, d: int) -> bytes:
    one = 1 << 16
    return struct.pack("<9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize(
    ("matrix", "degrees", "mirrored"),
    [
        ((1, 0, 0, 1), 0, False),
        ((0, 1, -1, 0), 90, False),
        ((-1, 0, 0, -1), 180, False),
        ((0, -1, 1, 0), 270, False),
        ((-1, 0, 0, 1), 0, True),
        ((1, 0, 0, -1), 180, True),
    ],
)
def test_display_matrix(matrix: tuple[int, int, int, int], degrees: int, mirrored: bool) -> None:
    turn = turn_of_matrix(_matrix(*matrix))
    assert turn is not None
    assert (turn.clockwise_deg, turn.mirrored) == (degrees, mirrored)


def test_display_matrix_that_is_no_quarter_turn() -> None:
    assert turn_of_matrix(_matrix(1, 1, -1, 1)) is None


@pytest.mark.parametrize(
    ("size", "sar", "turn", "shown"),
    [
        ((480, 400), Fraction(4, 3), Turn(), (640, 400)),
        ((720, 576), Fraction(16, 15), Turn(), (768, 576)),
        ((176, 144), Fraction(80, 33), Turn(), (426, 144)),  # 426.67: nearest even
        ((200, 112), Fraction(224, 225), Turn(), (200, 112)),  # 199.1: nearest even
        ((97, 65), Fraction(1), Turn(), (97, 65)),  # square pixels are never scaled
        ((480, 270), Fraction(1), Turn(swap=True, flip_y=True), (270, 480)),
        ((480, 400), Fraction(4, 3), Turn(swap=True, flip_x=True), (300, 480)),  # 400 * 3/4
    ],
)
def test_display_size(
    size: tuple[int, int], sar: Fraction, turn: Turn, shown: tuple[int, int]
) -> None:
    assert Geometry(*size, sar, turn).display_size == shown


@pytest.mark.parametrize("turn", EXIF_TURNS.values())
def test_boxes_go_back_to_the_pixels_they_came_from(turn: Turn) -> None:
    geometry = Geometry(60, 40, Fraction(2), turn)
    width, height = geometry.scaled_size
    marked = np.zeros((height, width), np.uint8)
    marked[8:20, 30:50] = 255
    rows, columns = np.nonzero(turn.apply(marked))
    box = (float(columns.min()), float(rows.min()), columns.max() + 1.0, rows.max() + 1.0)
    across, down = 60 / width, 40 / height
    expected = (30 * across, 8 * down, 50 * across, 20 * down)
    assert geometry.box_to_coded(box) == pytest.approx(expected, abs=1e-9)

"""Fetching a face from the other's picture: the right pixels, no alias, and what is not shown."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from forensics.faces.align import TEMPLATE_512, Aligned, align_face
from forensics.pairs.alignment import OtherFrame
from forensics.passes.paired import fetch_face, shows

U8 = NDArray[np.uint8]


def scene(scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> U8:
    """A smooth picture of 400 x 300 source px, drawn at any scale and shift from one formula."""
    width, height = round(400 * scale), round(300 * scale)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    sx, sy = (x - shift[0]) / scale, (y - shift[1]) / scale
    phases = ((5, 0), (6, 1), (7, 2))
    waves = [60 * np.sin(sx / a + b) * np.cos(sy / (a + 2)) + 128 for a, b in phases]
    return np.clip(np.rint(np.stack(waves, 2)), 0, 255).astype(np.uint8)


def placed(side_px: float = 120.0, at: tuple[float, float] = (140.0, 90.0)) -> Aligned:
    """A face whose template square is ``side_px`` source px wide."""
    points = TEMPLATE_512 * (side_px / 512) + np.array(at)
    return align_face(scene(), points)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5, 2.0, 4.0, 8.0])
def test_the_face_lies_where_the_crop_lies(scale: float) -> None:
    """The same scene at another scale and shift gives the crop again: 1.5 grey levels RMS."""
    shift = (3.25 * scale, -1.5 * scale)
    to_other = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    aligned = placed()
    found = fetch_face(OtherFrame(1, 1, scene(scale, shift), to_other), aligned)
    away = found.astype(float) - aligned.crop_rgb_u8
    assert float(np.sqrt(np.square(away).mean())) < 1.5


def test_finer_pixels_are_averaged_before_they_are_dropped() -> None:
    """A pattern of single px in an other 8 times finer than the template must turn grey."""
    fine = np.zeros((2400, 3200, 3), np.uint8)
    fine[::2, ::2] = fine[1::2, 1::2] = 255
    aligned = placed(side_px=390.0, at=(2.0, -40.0))
    to_other = np.array([[8.0, 0, 3.5], [0, 8.0, 3.5]])
    found = fetch_face(OtherFrame(1, 1, fine, to_other), aligned)
    middle = found[200:350, 150:350].astype(float)
    assert middle.mean() == pytest.approx(127.5, abs=3)
    assert middle.std() < 6


@pytest.mark.parametrize(
    ("cut", "seen"),
    [((0, 0, 400, 300), True), ((0, 0, 200, 300), False), ((180, 0, 400, 300), False)],
)
def test_a_face_beyond_the_others_picture_is_not_shown(
    cut: tuple[int, int, int, int], seen: bool
) -> None:
    x0, y0, x1, y1 = cut
    part = np.ascontiguousarray(scene()[y0:y1, x0:x1])
    to_other = np.array([[1.0, 0, -x0], [0, 1.0, -y0]])
    assert shows(OtherFrame(1, 1, part, to_other), placed()) is seen


def test_a_wrong_shift_is_seen() -> None:
    """The test above can fail: half a source px off is beyond its bar."""
    aligned = placed()
    to_other = np.array([[2.0, 0, 1.5], [0, 2.0, 0.5]])  # right would be 0.5, 0.5
    large = cv2.resize(scene(), (800, 600), interpolation=cv2.INTER_CUBIC)
    away = fetch_face(OtherFrame(1, 1, large, to_other), aligned).astype(float)
    assert float(np.sqrt(np.square(away - aligned.crop_rgb_u8).mean())) > 1.5

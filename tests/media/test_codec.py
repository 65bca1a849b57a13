"""Quantiser: the value of the blocks under a box, in the coordinates that people see."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from forensics.media.codec import QpGrid, qp_in
from forensics.media.geometry import Geometry, Turn
from forensics.media.probe import probe
from forensics.media.reader import DecodedFrame, read_frames


def test_mean_is_weighted_by_area() -> None:
    grid = QpGrid(np.array([[10, 20], [30, 40]], dtype=np.int32))
    assert grid.mean((0, 0, 32, 32)) == pytest.approx(25)
    assert grid.mean((0, 0, 16, 16)) == pytest.approx(10)
    assert grid.mean((8, 0, 20, 16)) == pytest.approx((8 * 10 + 4 * 20) / 12)


def test_box_outside_takes_the_nearest_block() -> None:
    grid = QpGrid(np.array([[10, 20], [30, 40]], dtype=np.int32))
    assert grid.mean((100, -50, 120, -40)) == pytest.approx(20)


def test_box_is_taken_back_through_turn_and_pixel_shape() -> None:
    grid = QpGrid(np.array([[10, 20, 30, 40]], dtype=np.int32))  # 64 x 16 coded px
    wide = Geometry(64, 16, Fraction(2))
    assert qp_in(grid, wide, (32, 0, 64, 16)) == pytest.approx(20)
    upright = Geometry(64, 16, Fraction(1), Turn(swap=True, flip_x=True))  # 16 x 64 shown
    assert qp_in(grid, upright, (0, 48, 16, 64)) == pytest.approx(40)


def test_constant_quantiser_is_read_from_the_stream(clip: Callable[..., Path]) -> None:
    media = probe(clip(sar=Fraction(4, 3), rotation_deg=90))
    for frame in read_frames(media):
        assert isinstance(frame, DecodedFrame)
        assert frame.qp_at((0, 0, 20, 20)) == pytest.approx(
            20, abs=4
        )  # x264 moves I and B a little
        assert frame.qp_reason is None


def test_reason_where_the_codec_states_none(clip: Callable[..., Path]) -> None:
    media = probe(clip("clip.avi", codec="mjpeg", pix_fmt="yuvj420p"))
    frame = next(read_frames(media))
    assert isinstance(frame, DecodedFrame)
    assert frame.qp_at((0, 0, 20, 20)) is None
    assert "mjpeg" in (frame.qp_reason or "")

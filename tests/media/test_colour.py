"""Colour: conversion against the formulas of BT.601, BT.709 and BT.2020; assumptions stated."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from forensics.media.colour import FULL, LIMITED, Colour, colour_of, for_output, from_rgb, to_rgb

WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}  # kr, kb


def _flat(y: int, u: int, v: int, matrix: int = 2, range_: int = 0) -> av.VideoFrame:
    frame = av.VideoFrame(32, 32, "yuv420p")
    for plane, value in zip(frame.planes, (y, u, v), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.colorspace, frame.color_range = matrix, range_
    return frame


def _expected(y: int, u: int, v: int, matrix: int, full: bool) -> np.ndarray:
    kr, kb = WEIGHTS[matrix]
    luma = y / 255 if full else (y - 16) / 219
    cb, cr = ((c - 128) / (255 if full else 224) for c in (u, v))
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.round(255 * np.array([red, green, blue])), 0, 255)


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("range_", [LIMITED, FULL])
def test_samples_become_rgb_by_the_tagged_matrix(matrix: int, range_: int) -> None:
    frame = _flat(120, 90, 160, matrix, range_)
    rgb = to_rgb(VideoReformatter(), frame, colour_of(frame, 480), (32, 32))
    expected = _expected(120, 90, 160, matrix, range_ == FULL)
    assert np.abs(rgb.reshape(-1, 3).astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("lines", "matrix"), [(480, 6), (719, 6), (720, 1), (1080, 1)])
def test_untagged_sources_are_read_under_a_recorded_assumption(lines: int, matrix: int) -> None:
    colour = colour_of(_flat(120, 90, 160), lines)
    assert (colour.matrix, colour.range) == (matrix, LIMITED)
    assert len(colour.assumed) == 2
    assert "no colour matrix" in colour.assumed[0]


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("range_", [LIMITED, FULL])
def test_there_and_back(matrix: int, range_: int) -> None:
    rgb = np.full((32, 32, 3), (200, 80, 30), np.uint8)
    colour = Colour(matrix, range_)
    reformatter = VideoReformatter()
    frame = from_rgb(reformatter, rgb, colour, "yuv420p")
    back = to_rgb(reformatter, frame, colour, (32, 32))
    assert np.abs(back.astype(int) - rgb).max() <= 2
    assert (frame.colorspace, frame.color_range) == (matrix, range_)


def test_rgb_sources_are_written_as_bt709() -> None:
    frame = av.VideoFrame(32, 32, "gbrp")
    out = for_output(colour_of(frame, 480))
    assert (out.matrix, out.range) == (1, LIMITED)
    assert out.assumed


def test_high_dynamic_range_is_named() -> None:
    assert Colour(9, LIMITED, 9, 16).unsupported_signal == "PQ"
    assert Colour(9, LIMITED, 9, 18).unsupported_signal == "HLG"
    assert Colour(1, LIMITED, 1, 1).unsupported_signal is None

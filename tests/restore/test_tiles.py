"""Tiles: cover once, one size, rims, and the way they are put together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.restore.tiles import Canvas, groups, plan, quantised


@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    tile_px=st.integers(60, 160),
    halo_px=st.integers(0, 12),
    multiple_px=st.sampled_from([1, 2]),
)
def test_windows_cover_once_with_their_halo_and_have_one_size(
    width: int, height: int, tile_px: int, halo_px: int, multiple_px: int
) -> None:
    width, height = width * multiple_px, height * multiple_px
    layout = plan((width, height), tile_px, halo_px, multiple_px=multiple_px)
    seen = np.zeros((height, width), int)
    sizes = set()
    for tile in layout.tiles:
        for span, length in ((tile.across, width), (tile.down, height)):
            assert 0 <= span.read0 <= span.keep0 < span.keep1 <= span.read1 <= length
            assert span.keep0 == 0 or span.keep0 - span.read0 >= halo_px
            assert span.keep1 == length or span.read1 - span.keep1 >= halo_px
            for edge in (span.read0, span.read1, span.keep0, span.keep1):
                assert edge % multiple_px == 0
        a, d = tile.across, tile.down
        seen[d.keep0 : d.keep1, a.keep0 : a.keep1] += 1
        sizes.add((a.read1 - a.read0, d.read1 - d.read0))
    assert (seen == 1).all()
    assert len(sizes) == 1
    ((wide, high),) = sizes
    assert wide * high <= tile_px**2


def test_a_frame_of_720p_is_one_tile_and_1080p_two() -> None:
    assert len(plan((1280, 720), 1152, 32).tiles) == 1
    layout = plan((1920, 1080), 1152, 32)
    assert [t.across.keep0 for t in layout.tiles] == [0, 960]
    assert [(t.across.read0, t.across.read1) for t in layout.tiles] == [(0, 992), (928, 1920)]


@pytest.mark.parametrize(
    ("size", "tile", "halo", "words"),
    [
        ((0, 10), 64, 4, "positive"),
        ((500, 500), 16, 20, "no room"),
        ((501, 500), 64, 4, "multiple"),
    ],
)
def test_sizes_that_cannot_be_are_refused(
    size: tuple[int, int], tile: int, halo: int, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        plan(size, tile, halo, multiple_px=2)


def test_more_blend_than_halo_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.4"):
        plan((64, 64), 32, 4, blend_px=5)


@pytest.mark.parametrize("blend_px", [0, 3])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_picture_cut_and_put_together_is_the_same(blend_px: int, scale: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)
    layout = plan((130, 90), 48, 6, blend_px=blend_px)
    assert len(layout.tiles) > 4
    canvas = Canvas(layout, scale)
    for tile in layout.tiles:
        window = tile.read(picture).repeat(scale, 0).repeat(scale, 1)
        canvas.put(tile, window.astype(np.float32))
    assert np.array_equal(canvas.rgb_u8, picture.repeat(scale, 0).repeat(scale, 1))


def test_a_seam_between_answers_that_differ_becomes_a_ramp() -> None:
    layout = plan((100, 20), 40, 8, blend_px=4)
    assert len(layout.tiles) == 2
    canvas = Canvas(layout, 1)
    for number, tile in enumerate(layout.tiles):
        shape = tile.read(np.zeros((20, 100, 3), np.uint8)).shape
        canvas.put(tile, np.full(shape, 80.0 * number, np.float32))
    row = canvas.rgb_u8[5, :, 0].astype(int)
    assert (row[:46] == 0).all()
    assert (row[54:] == 80).all()
    assert np.diff(row).max() <= 10
    assert (canvas.rgb_u8 == canvas.rgb_u8[:1]).all()


def test_levels_are_rounded_to_nearest_and_cut() -> None:
    levels = np.array([-3.0, 0.4, 0.6, 254.6, 300.0], np.float32)
    assert quantised(levels).tolist() == [0, 0, 1, 255, 255]


def test_groups_keep_order_and_the_last_may_be_short() -> None:
    layout = plan((100, 100), 40, 2)
    made = groups(layout.tiles, 4)
    assert [len(g) for g in made][:-1] == [4] * (len(made) - 1)
    assert tuple(t for g in made for t in g) == layout.tiles
    with pytest.raises(ValueError, match="at least 1"):
        groups(layout.tiles, 0)

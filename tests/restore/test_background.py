"""Background: sizes, the identity, and no movement under enlargement."""

from __future__ import annotations

import numpy as np
import pytest

from forensics.restore.background import enlarge, enlarged_size_px


def test_sizes_are_rounded_to_nearest() -> None:
    assert enlarged_size_px(640, 360, 2) == (1280, 720)
    assert enlarged_size_px(101, 51, 1.5) == (152, 76)


@pytest.mark.parametrize("scale", [0.5, 0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_below_one_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale must be"):
        enlarged_size_px(10, 10, scale)


def test_scale_one_is_a_copy() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    out = enlarge(frame, 1)
    assert np.array_equal(out, frame)
    out[0, 0] = 0
    assert not np.shares_memory(out, frame)


@pytest.mark.parametrize("scale", [1.5, 2, 3])
def test_a_spot_stays_where_it_is(scale: float) -> None:
    rows, columns = np.mgrid[0:60, 0:80]
    level = np.rint(220 * np.exp(-((columns - 37.3) ** 2 + (rows - 28.6) ** 2) / 32))
    frame = np.repeat(level.astype(np.uint8)[..., None], 3, 2)
    out = enlarge(frame, scale)[..., 0].astype(np.float64)
    rows, columns = np.mgrid[0 : out.shape[0], 0 : out.shape[1]]
    assert (out * columns).sum() / out.sum() == pytest.approx((37.3 + 0.5) * scale - 0.5, abs=0.02)
    assert (out * rows).sum() / out.sum() == pytest.approx((28.6 + 0.5) * scale - 0.5, abs=0.02)


def test_flat_pictures_stay_flat() -> None:
    assert (enlarge(np.full((9, 11, 3), 137, np.uint8), 2) == 137).all()


def test_wrong_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        enlarge(np.zeros((4, 4, 3), np.float32), 2)  # type: ignore[arg-type]  # that is the point

"""Upstream's half pixel is told from a centred paste on faces that the official GFPGAN redrew."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from forensics.pairs.colour import without_colour_change
from forensics.pairs.paste_shift import half_pixel, paste_shift
from forensics.record_pair import ColourChange
from forensics.restore.paste import PlacedFace, paste_into
from forensics.restore.paste_upstream import paste_upstream

UPSCALE = 2
CROP_PX = 100  # of the face's crop in the source
BOX_512 = (120, 130, 392, 440)


def _read(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


def _shifts(root: Path, upstream: bool) -> list[tuple[float, float]]:
    """Each real crop as the middle of a small frame, its real restoration pasted into it."""
    found = []
    for picture in sorted(root.glob("*/input/*.png")):
        face = _read(picture.parents[1] / "restored" / picture.name)
        around = cv2.copyMakeBorder(_read(picture), 300, 300, 300, 300, cv2.BORDER_REFLECT_101)
        side = round(around.shape[0] * CROP_PX / 512)
        frame = cv2.resize(around, (side, side), interpolation=cv2.INTER_AREA)
        k = around.shape[0] / side
        affine = np.array([[k, 0, k / 2 - 300.5], [0, k, k / 2 - 300.5]])
        size = (side * UPSCALE, side * UPSCALE)
        out = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)
        placed = PlacedFace(face, affine, 0)
        if upstream:
            paste_upstream(out, [placed], UPSCALE)
        else:
            paste_into(out, [placed], (side, side))
        box = tuple((edge - affine[0, 2]) / k for edge in BOX_512)
        to_other = np.array([[2, 0, 0.5], [0, 2, 0.5]])
        shift = paste_shift(frame, out, to_other, [box])
        if shift is not None:
            found.append(shift)
    return found


FACE_PX = (BOX_512[2] - BOX_512[0]) * CROP_PX / 512 * UPSCALE


@pytest.mark.parametrize(("upstream", "px"), [(True, 0.5), (False, 0.0)])
def test_real_faces(shared_data: Path, upstream: bool, px: float) -> None:
    shifts = _shifts(shared_data / "real_restorations", upstream)
    assert len(shifts) == 21
    assert np.median(shifts, axis=0) == pytest.approx((px, px), abs=0.12)
    assert half_pixel(shifts, FACE_PX, people=len(shifts)) is upstream
    # One person in many frames, each of the 21 in turn: sometimes unknown, never the other way.
    alone = [half_pixel([shift] * 30, FACE_PX) for shift in shifts]
    assert (not upstream) not in alone
    assert alone.count(upstream) >= 10


def test_nothing_is_said_of_too_little() -> None:
    assert half_pixel([(0.5, 0.5)] * 2, 50) is None
    assert half_pixel([(0.25, 0.25)] * 50, 50, people=50) is None
    assert half_pixel([(2.0, 2.0)] * 50, 50, people=50) is None
    flat = np.full((100, 100, 3), 90, np.uint8)
    to_other = np.array([[1.0, 0, 0], [0, 1, 0]])
    assert paste_shift(flat, flat, to_other, [(30, 30, 70, 70)]) is None
    assert paste_shift(flat, flat, to_other, []) is None


def test_a_colour_change_is_undone() -> None:
    change = ColourChange(
        gain_rgb=(1.2, 0.8, 1.0), offset_rgb=(-10, 20, 5), residual_grey=0, sure="certain"
    )
    levels = np.arange(30, 200, dtype=np.uint8)
    source = np.stack([levels] * 3, axis=-1)[None]
    other = np.rint(source * np.array(change.gain_rgb) + np.array(change.offset_rgb))
    back = without_colour_change(other.astype(np.uint8), change)
    assert np.abs(back.astype(int) - source).max() <= 1
    assert without_colour_change(source, None) is source

"""Paste under --upstream-compat against facexlib's own helper: equal bytes; and the other way not.

ParseNet is stubbed by fixed class maps: it has its own test.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
import torch
from facexlib.utils.face_restoration_helper import FaceRestoreHelper
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forensics.restore.background import enlarge
from forensics.restore.mask import FaceMask, feathered, upstream_feathered
from forensics.restore.paste import PlacedFace, paste_faces
from forensics.restore.paste_upstream import paste_upstream

U8 = NDArray[np.uint8]
NATIVE = (200, 150)


class FixedParser(torch.nn.Module):
    """Answers with the logits of given class maps, one a call."""

    def __init__(self, maps: Sequence[NDArray[np.int64]]) -> None:
        super().__init__()
        self.maps = list(maps)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
        assert x.shape == (1, 3, 512, 512)
        classes = torch.from_numpy(self.maps.pop(0))
        return torch.nn.functional.one_hot(classes, 19).permute(2, 0, 1)[None].float(), None


def upstream_paste(
    frame_bgr: U8,
    background_bgr: U8 | None,
    faces_bgr: Sequence[U8],
    affines: Sequence[NDArray[np.float64]],
    maps: Sequence[NDArray[np.int64]],
    upscale: float,
) -> U8:
    """Upstream's helper as GFPGANer uses it (use_parse on)."""
    helper = FaceRestoreHelper.__new__(FaceRestoreHelper)
    helper.upscale_factor, helper.face_size, helper.use_parse = upscale, (512, 512), True
    helper.device, helper.face_parse = torch.device("cpu"), FixedParser(maps)
    helper.input_img, helper.save_ext = frame_bgr, "png"
    helper.affine_matrices, helper.inverse_affine_matrices = [a.copy() for a in affines], []
    helper.restored_faces = list(faces_bgr)
    helper.get_inverse_affine()
    out: U8 = helper.paste_faces_to_input_image(upsample_img=background_bgr)
    return out


def picture(seed: int, size: tuple[int, int], sigma: float = 2.0) -> U8:
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), sigma)


def class_map(seed: int) -> NDArray[np.int64]:
    """An ellipse of skin (1) with other classes strewn in and hair (13) above, cloth (18) below."""
    rows, columns = np.mgrid[0:512, 0:512]
    classes = np.zeros((512, 512), np.int64)
    classes[:140] = 13
    classes[420:] = 18
    classes[((columns - 256) / 170) ** 2 + ((rows - 280) / 200) ** 2 < 1] = 1
    patches = np.random.default_rng(seed).integers(0, 19, (8, 8)).repeat(64, 0).repeat(64, 1)
    strewn = ((columns // 32 + rows // 32) % 3 == 0) & (classes == 1)
    classes[strewn] = patches[strewn]
    return classes


def inside(classes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Upstream's choice of classes, written out once more."""
    return ((classes >= 1) & (classes <= 13)) | (classes == 15)


def similarity(
    template_per_native: float, degrees: float, at_native_px: tuple[float, float]
) -> NDArray[np.float64]:
    turn = np.deg2rad(degrees)
    linear = template_per_native * np.array(
        [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    )
    return np.column_stack([linear, np.array([256.0, 292.0]) - linear @ at_native_px])


def both(
    upscale: float, affines: Sequence[NDArray[np.float64]], background: U8 | None = None
) -> tuple[U8, U8]:
    """(upstream's, ours) for the same faces, both RGB."""
    frame = picture(0, NATIVE)
    crops = [picture(10 + i, (512, 512), 4) for i in range(len(affines))]
    maps = [class_map(i) for i in range(len(affines))]
    theirs = upstream_paste(
        frame[..., ::-1],
        None if background is None else background[..., ::-1],
        [np.ascontiguousarray(c[..., ::-1]) for c in crops],
        affines,
        maps,
        upscale,
    )[..., ::-1]
    size = (int(NATIVE[0] * upscale), int(NATIVE[1] * upscale))
    ours = cv2.resize(
        frame if background is None else background, size, interpolation=cv2.INTER_LANCZOS4
    )
    faces = [
        PlacedFace(crop, affine, i, upstream_feathered(inside(classes), "parsenet"))
        for i, (crop, affine, classes) in enumerate(zip(crops, affines, maps, strict=True))
    ]
    paste_upstream(ours, faces, upscale)
    return theirs, ours


@pytest.mark.parametrize("upscale", [1, 2, 3, 1.5])
def test_one_face_equals_upstreams_bytes(upscale: float) -> None:
    theirs, ours = both(upscale, [similarity(4.1, 12.0, (97.3, 70.8))])
    assert np.array_equal(theirs, ours)


@pytest.mark.parametrize("upscale", [1, 2])
def test_faces_that_overlap_and_one_at_the_rim_equal_upstreams_bytes(upscale: float) -> None:
    affines = [
        similarity(4.1, 12.0, (80.0, 70.0)),
        similarity(6.3, -30.0, (110.0, 75.0)),
        similarity(5.0, 3.0, (196.0, 20.0)),
    ]
    theirs, ours = both(upscale, affines)
    assert np.array_equal(theirs, ours)


def test_a_background_of_its_own_is_used_as_upstream_uses_it() -> None:
    drawn = picture(5, (NATIVE[0] * 2, NATIVE[1] * 2), 1)
    theirs, ours = both(2, [similarity(3.0, 0.0, (100.0, 75.0))], drawn)
    assert np.array_equal(theirs, ours)


def test_a_face_outside_the_picture_changes_nothing() -> None:
    theirs, ours = both(2, [similarity(4.0, 0.0, (900.0, 75.0))])
    assert np.array_equal(theirs, ours)
    frame = enlarge(picture(0, NATIVE), 2)
    assert np.array_equal(ours, frame)


@settings(max_examples=5, deadline=None)
@given(
    template_per_native=st.floats(0.8, 12.0),
    degrees=st.floats(-180, 180),
    x=st.floats(0, 200),
    y=st.floats(0, 150),
)
def test_any_place_equals_upstreams_bytes(
    template_per_native: float, degrees: float, x: float, y: float
) -> None:
    theirs, ours = both(2, [similarity(template_per_native, degrees, (x, y))])
    assert np.array_equal(theirs, ours)


def centroid(picture_u8: U8) -> NDArray[np.float64]:
    weight = picture_u8[..., 0].astype(np.float64)
    rows, columns = np.mgrid[0 : weight.shape[0], 0 : weight.shape[1]]
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


@pytest.mark.parametrize("upscale", [1, 2, 3])
def test_upstream_shifts_by_half_a_pixel_and_the_normal_mode_does_not(upscale: int) -> None:
    affine = similarity(3.1, 0.0, (101.3, 74.6))
    at = np.array([260.0, 285.0])
    rows, columns = np.mgrid[0:512, 0:512]
    level = 250 * np.exp(-((columns - at[0]) ** 2 + (rows - at[1]) ** 2) / (2 * 20.0**2))
    crop = np.repeat(np.rint(level).astype(np.uint8)[..., None], 3, 2)
    native = (np.linalg.inv(np.vstack([affine, [0, 0, 1]])) @ [*at, 1.0])[:2]
    exact = (native + 0.5) * upscale - 0.5
    black = np.zeros((NATIVE[1] * upscale, NATIVE[0] * upscale, 3), np.uint8)
    normal = paste_faces(black, [PlacedFace(crop, affine, 0)], NATIVE)
    assert np.abs(centroid(normal) - exact).max() < 0.01
    compat = black.copy()
    paste_upstream(compat, [PlacedFace(crop, affine, 0)], upscale)
    expected = 0.5 if upscale > 1 else 0.0
    assert np.abs(centroid(compat) - exact - expected).max() < 0.01


def test_our_feather_is_as_wide_as_upstreams() -> None:
    blob = inside(class_map(0))
    blob[:60] = blob[-60:] = False
    blob[:, :60] = blob[:, -60:] = False
    ours, theirs = feathered(blob, "bisenet"), upstream_feathered(blob, "parsenet")
    middle = slice(45, -45)
    assert np.abs(ours.soft - theirs.soft)[middle, middle].max() < 0.01
    assert ours.soft.dtype == np.float32
    for mask in (ours, theirs):
        rim = np.ones((512, 512), bool)
        rim[9:-9, 9:-9] = False
        assert mask.soft[rim].max() == 0
    full = np.ones((512, 512), bool)
    assert np.abs(np.diff(feathered(full, "bisenet").soft, axis=0)).max() < 0.06
    assert np.abs(np.diff(upstream_feathered(full, "parsenet").soft, axis=0)).max() > 0.9


def test_a_mask_of_its_own_bounds_what_the_normal_mode_touches() -> None:
    classes = np.zeros((512, 512), bool)
    classes[200:300, 150:350] = True
    mask = feathered(classes, "bisenet")
    background = picture(1, (NATIVE[0] * 2, NATIVE[1] * 2))
    white = np.full((512, 512, 3), 255, np.uint8)
    affine = similarity(4.0, 20.0, (100.0, 75.0))
    pasted = paste_faces(background, [PlacedFace(white, affine, 0, mask)], NATIVE)
    whole = paste_faces(
        background,
        [PlacedFace(white, affine, 0, FaceMask(mask.soft, (-1, -1, 512, 512), "bisenet"))],
        NATIVE,
    )
    assert np.array_equal(pasted, whole)
    assert (pasted != background).any()


@pytest.mark.parametrize(
    ("soft", "words"),
    [
        (np.zeros((256, 256), np.float32), "512"),
        (np.full((512, 512), 2, np.float32), r"0\.\.1"),
        (np.full((512, 512), np.nan, np.float32), r"0\.\.1"),
    ],
)
def test_masks_that_are_none_are_refused(soft: NDArray[np.float32], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FaceMask.of(soft, "template")

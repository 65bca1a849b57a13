"""Still fidelity: colours, depth, alpha and turn of a picture survive reading and writing."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.fidelity.bars import EXPECTED, GREY, bars_rgb, colours_of, number_of
from tests.fidelity.made import through

SIZE = (160, 96)
LEVELS = 2
ALPHA = np.tile(np.repeat(np.array([0, 90, 180, 255], np.uint8), 40), (96, 1))


def _bars_u8() -> np.ndarray:
    return np.rint(bars_rgb(3, *SIZE)).astype(np.uint8)


def _written(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    with Image.open(path) as image:
        image.load()
        samples = np.asarray(image)
    return samples[..., :3], samples[..., 3] if samples.shape[2] == 4 else None


def _check(rgb: np.ndarray) -> None:
    assert rgb.shape == (192, 320, 3)
    assert number_of(rgb.astype(float)) == 3
    assert np.abs(colours_of(rgb.astype(float)) - EXPECTED).max() <= LEVELS


def test_alpha_is_kept_beside_the_colours(tmp_path: Path) -> None:
    path = tmp_path / "alpha.png"
    Image.fromarray(np.dstack([_bars_u8(), ALPHA])).save(path)
    _, _, out = through(path, tmp_path / "out")
    rgb, alpha = _written(out)
    _check(rgb)  # also where it is transparent: nothing is multiplied in
    assert alpha is not None
    for k, value in enumerate((0, 90, 180, 255)):
        assert np.abs(alpha[:, 80 * k + 20 : 80 * k + 60].astype(int) - value).max() <= LEVELS


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("dark", [False, True])
def test_16_bits_are_read_as_16_bits(ending: str, dark: bool, tmp_path: Path) -> None:
    path = tmp_path / f"deep.{ending}"
    deep = (_bars_u8().astype(np.uint16) * 257) if not dark else np.full((96, 160, 3), 200, "u2")
    assert cv2.imwrite(str(path), np.ascontiguousarray(deep[..., ::-1]))
    media, _, out = through(path, tmp_path / "out")
    rgb, alpha = _written(out)
    assert alpha is None
    if dark:  # upstream takes a 16-bit picture whose values stay below 256 for an 8-bit one
        assert rgb.max() <= 1
    else:
        _check(rgb)
    assert any("16-bit" in note for note in media.source.assumptions)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_exif_turns_are_applied_once(orientation: int, ending: str, tmp_path: Path) -> None:
    upright = _bars_u8()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    path = tmp_path / f"turned.{ending}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if ending == "jpg" else {}
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, **options)
    media, _, out = through(path, tmp_path / "out")
    assert (media.source.height, media.source.width) == stored.shape[:2]
    _check(_written(out)[0])
    with Image.open(out) as image:
        assert image.getexif().get(0x0112, 1) == 1  # no viewer turns it a second time


def _tiff_16(samples: np.ndarray, orientation: int) -> bytes:
    """An uncompressed RGB TIFF of 16-bit samples (TIFF 6.0), which Pillow cannot write."""
    height, width, _ = samples.shape
    data = samples.astype("<u2").tobytes()
    bits_at = 8 + 2 + 12 * 10 + 4
    short, long = 3, 4
    entries = [
        (256, long, 1, width),
        (257, long, 1, height),
        (258, short, 3, bits_at),
        (259, short, 1, 1),
        (262, short, 1, 2),
        (273, long, 1, bits_at + 6),
        (274, short, 1, orientation),
        (277, short, 1, 3),
        (278, long, 1, height),
        (279, long, 1, len(data)),
    ]
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    return head + rows + bytes(4) + struct.pack("<3H", 16, 16, 16) + data


@pytest.mark.parametrize("orientation", [1, 2, 3, 6, 8])
def test_deep_tiff_is_turned_once(orientation: int, tmp_path: Path) -> None:
    upright = _bars_u8().astype(np.uint16) * 257
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        6: np.rot90(upright, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    path = tmp_path / "deep.tif"
    path.write_bytes(_tiff_16(np.ascontiguousarray(stored), orientation))
    media, _, out = through(path, tmp_path / "out")
    assert (media.source.height, media.source.width) == stored.shape[:2]
    _check(_written(out)[0])


def test_one_grey_picture(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((96, 160), GREY, np.uint8)).save(path)
    _, _, out = through(path, tmp_path / "out")
    rgb, _ = _written(out)
    assert np.abs(rgb.astype(int) - GREY).max() == 0

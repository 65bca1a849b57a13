"""Still pictures and folders: depth, alpha, turn and damage, by what the file declares."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile

from forensics.errors import InputError
from forensics.media.limits import DEFAULT, Limits
from forensics.media.picture import read_header, read_picture
from forensics.media.probe import probe
from forensics.media.reader import DecodedFrame, FrameFailure, read_frames
from tests.clips import pattern, png_header


def _only(path: Path) -> DecodedFrame:
    (frame,) = read_frames(probe(path))
    assert isinstance(frame, DecodedFrame)
    return frame


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "webp", "jpg"])
def test_every_format(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"picture.{ending}"
    options = {"webp": {"lossless": True}, "jpg": {"quality": 97}}.get(ending, {})
    Image.fromarray(pattern(0)).save(path, **options)
    media = probe(path)
    assert media.source.kind == "image"
    assert (media.source.frames, media.source.duration_s, media.source.time_base) == (1, None, None)
    error = np.abs(_only(path).rgb_u8.astype(int) - pattern(0)).mean()
    assert error < (6 if ending == "jpg" else 0.001)


def test_huge_declared_size_is_refused_from_the_header(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_header(60_000, 60_000))
    for read in (read_header, read_picture):
        with pytest.raises(InputError, match="pixels"):
            read(path, DEFAULT)
    path.write_bytes(png_header(9_000, 9_000))  # below Pillow's own bound, above ours
    with pytest.raises(InputError, match="9000x9000"):
        probe(path)
    path.write_bytes(png_header(100, 100))
    with pytest.raises(InputError, match="100x100"):
        probe(path, Limits(frame_px=9_999))


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "bmp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cut_off_pictures_are_never_half_read(tmp_path: Path, ending: str, share: float) -> None:
    rng = np.random.default_rng(1)
    path = tmp_path / f"cut.{ending}"
    Image.fromarray(rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError) as caught:
        probe(path)
    assert caught.value.exit_code == 3


def test_garbled_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "garbled.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0" + b"not a picture at all" * 10)
    with pytest.raises(InputError, match="damaged JPEG"):
        probe(path)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bit_by_dtype_even_when_dark(tmp_path: Path, ending: str) -> None:
    """All values below 256: by content it would look like 8 bits, and come out white."""
    path = tmp_path / f"dark.{ending}"
    deep = np.full((8, 12, 3), 200, np.uint16)
    deep[0, 0] = (65535, 32768, 257)
    assert cv2.imwrite(str(path), deep[..., ::-1])
    frame = _only(path)
    assert frame.rgb_u8[0, 0].tolist() == [255, 128, 1]
    assert frame.rgb_u8[4, 4].tolist() == [1, 1, 1]  # 200 / 257, rounded
    assert any("16-bit" in note for note in probe(path).source.assumptions)


def test_16_bit_grey(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    assert cv2.imwrite(str(path), np.full((8, 12), 25700, np.uint16))
    assert _only(path).rgb_u8[3, 3].tolist() == [100, 100, 100]


def test_alpha_is_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "alpha.png"
    rgba = np.dstack([pattern(0), np.arange(64 * 96, dtype=np.uint8).reshape(64, 96)])
    Image.fromarray(rgba).save(path)
    frame = _only(path)
    assert np.array_equal(frame.rgb_u8, rgba[..., :3])
    assert frame.alpha_u8 is not None
    assert np.array_equal(frame.alpha_u8, rgba[..., 3])


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "CMYK"])
def test_grey_palette_and_cmyk_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png")
    Image.fromarray(pattern(0)).convert(mode).save(path)
    frame = _only(path)
    assert frame.rgb_u8.shape == (64, 96, 3)
    if mode in ("L", "LA"):
        assert np.ptp(frame.rgb_u8, axis=2).max() == 0
    assert (frame.alpha_u8 is not None) == (mode == "LA")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pattern(0)).save(path, exif=exif)
    source = probe(path).source
    frame = _only(path)
    swapped = orientation >= 5
    assert (source.width, source.height) == (96, 64)
    assert (source.display_width, source.display_height) == ((64, 96) if swapped else (96, 64))
    assert frame.rgb_u8.shape[:2] == (source.display_height, source.display_width)
    mirrored = any("mirrored" in note for note in source.assumptions)
    assert mirrored == (orientation in (2, 4, 5, 7))


def test_floating_point_pictures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    Image.fromarray(np.zeros((8, 8), np.float32)).save(path)
    with pytest.raises(InputError):
        probe(path)


def test_further_pictures_in_a_file_are_mentioned(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    first, second = Image.fromarray(pattern(0)), Image.fromarray(pattern(5))
    first.save(path, save_all=True, append_images=[second])
    assert "only the first of its 2 pictures is examined" in probe(path).source.assumptions


def _folder(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for number, name in enumerate(names):
        Image.fromarray(pattern(number)).save(folder / name)
    return folder


def test_folder_in_natural_order_with_names(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "frames", ["f10.png", "f9.png", "f1.png"])
    (folder / "notes.txt").write_text("x")
    media = probe(folder)
    frames = list(read_frames(media))
    assert media.source.kind == "frames"
    assert [f.name for f in frames] == ["f1.png", "f9.png", "f10.png"]
    assert [f.frame for f in frames] == [1, 2, 3]
    assert all(isinstance(f, DecodedFrame) and f.pts is None for f in frames)
    assert any("left out: notes.txt" in note for note in media.source.assumptions)
    assert [p.name for p in media.files()] == ["f1.png", "f9.png", "f10.png"]


def test_broken_picture_in_a_folder_is_a_failed_frame(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "frames", ["1.png", "2.png", "3.png", "4.png"])
    (folder / "2.png").write_bytes(b"")
    whole = (folder / "3.png").read_bytes()
    (folder / "3.png").write_bytes(whole[: len(whole) // 2])
    media = probe(folder)
    items = list(read_frames(media))
    assert media.source.frames == 4
    assert [type(i) for i in items] == [DecodedFrame, FrameFailure, FrameFailure, DecodedFrame]
    failure = items[1]
    assert isinstance(failure, FrameFailure)
    assert failure.name == "2.png"


def test_folder_of_broken_pictures_is_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "frames", ["1.png"])
    (folder / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError, match="no picture in frames can be read"):
        probe(folder)


def test_different_sizes_in_a_folder_are_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "frames", ["1.png", "2.png"])
    Image.fromarray(pattern(0, 48, 32)).save(folder / "3.png")
    with pytest.raises(InputError, match=r"1\.png is 96x64, 3\.png is 48x32"):
        probe(folder)


def test_folder_digest_covers_names_and_bytes(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "frames", ["1.png", "2.png"])
    media = probe(folder)
    assert media.digests().sha256 == media.source.sha256
    (folder / "2.png").rename(folder / "3.png")
    assert probe(folder).source.sha256 != media.source.sha256


def test_a_cut_off_picture_is_refused_although_a_library_allowed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WeasyPrint sets Pillow's flag for the whole process; it comes back as it was."""
    whole = tmp_path / "whole.png"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(whole)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(InputError):
        read_picture(cut, DEFAULT)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True

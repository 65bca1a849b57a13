"""Output folders of the field's tools are recognised; what is not understood is refused clearly."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from forensics.errors import InputError, UsageError
from forensics.pairs.names import pair_by_name, plain_stems
from forensics.pairs.other import open_other
from tests.clips import make_clip


def _pictures(folder: Path, *names: str, side: int = 32) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((side, side, 3), 40 + number, np.uint8))


@pytest.mark.parametrize(
    ("whole", "layout"), [("restored_imgs", "gfpgan"), ("final_results", "codeformer")]
)
def test_whole_pictures_are_preferred_to_faces(tmp_path: Path, whole: str, layout: str) -> None:
    _pictures(tmp_path / whole, "a.png", "b.png", side=64)
    for faces in ("restored_faces", "cropped_faces", "cmp"):
        _pictures(tmp_path / faces, "a_00.png", "b_00.png")
    other = open_other(tmp_path)
    assert (other.layout, other.folder, other.names) == (layout, whole, ("a", "b"))
    assert other.media.source.frames == 2
    assert other.media.geometry.display_size == (64, 64)
    assert open_other(tmp_path / whole).layout == layout


def test_single_faces_come_with_their_crops(tmp_path: Path) -> None:
    _pictures(tmp_path / "restored_faces", "a_00_v3.png", "a_01_v3.png", "b_00_v3.png")
    _pictures(tmp_path / "cropped_faces", "a_00.png", "a_01.png", "b_00.png", "c_00.png")
    other = open_other(tmp_path)
    assert (other.layout, other.folder) == ("faces", "restored_faces")
    assert other.names == ("a_00", "a_01", "b_00")
    assert other.crops is not None
    assert [p.name for p in other.crops.pictures] == ["a_00.png", "a_01.png", "b_00.png"]
    assert other.crops.source.frames == other.media.source.frames == 3


def test_faces_without_crops_are_refused(tmp_path: Path) -> None:
    _pictures(tmp_path / "restored_faces", "a_00.png")
    with pytest.raises(InputError, match="no cropped_faces beside it"):
        open_other(tmp_path)


def test_realesrgan_names_keep_the_order_of_their_sources(tmp_path: Path) -> None:
    _pictures(tmp_path, "a_out.png", "a1_out.png", "a10_out.png", "a2_out.png")
    other = open_other(tmp_path)
    assert other.layout == "realesrgan"
    assert other.names == ("a1_out", "a2_out", "a10_out", "a_out")
    _pictures(tmp_path / "in", "a.png", "a1.png", "a10.png", "a2.png")
    source = open_other(tmp_path / "in")
    assert pair_by_name(source.names, other.names) == {1: 1, 2: 2, 3: 3, 4: 4}
    assert other.media.digests().sha256 == other.media.source.sha256


def test_a_picture_a_video_and_a_folder_with_one_video(tmp_path: Path) -> None:
    _pictures(tmp_path / "p", "x.png")
    assert open_other(tmp_path / "p" / "x.png").layout == "image"
    (tmp_path / "v").mkdir()
    clip = make_clip(tmp_path / "v" / "x_out.mp4")
    (tmp_path / "v" / "log.txt").write_text("done")
    assert open_other(clip).layout == "video"
    found = open_other(tmp_path / "v")
    assert found.layout == "video"
    assert "x_out.mp4" in found.notes[0]


def test_what_is_not_understood_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    with pytest.raises(InputError, match="holds nothing") as empty:
        open_other(tmp_path / "sub")
    assert all(n in empty.value.hint for n in ("restored_imgs", "final_results", "_out.png"))
    with pytest.raises(InputError, match="it holds sub"):
        open_other(tmp_path)
    with pytest.raises(UsageError, match="no file or folder"):
        open_other(tmp_path / "absent")
    (tmp_path / "text.txt").write_text("no footage")
    with pytest.raises(InputError, match="text file"):
        open_other(tmp_path / "text.txt")


@pytest.mark.parametrize(
    ("stems", "plain"),
    [
        (("a_out", "b_out"), ("a", "b")),
        (("frame_1", "frame_2"), ("frame_1", "frame_2")),
        (("000001", "000011"), ("000001", "000011")),
        (("photo_out",), ("photo",)),
        (("photo_cut",), ("photo_cut",)),
    ],
)
def test_suffixes(stems: tuple[str, ...], plain: tuple[str, ...]) -> None:
    assert plain_stems(stems) == plain


def test_names_pair_only_where_they_agree() -> None:
    assert pair_by_name(["a", "b"], ["b", "c"]) == {2: 1}
    assert pair_by_name(["a", "b", "c", "d"], ["d_x2", "e_x2", "f_x2", "g_x2"]) is None
    assert pair_by_name(["000001", "000002"], ["f1", "f2"]) is None

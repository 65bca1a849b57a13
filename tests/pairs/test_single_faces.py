"""Single faces are found in their frames by the crops they were made from."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from forensics.errors import IncompleteError
from forensics.media.probe import probe
from forensics.pairs.align import align_pair
from forensics.pairs.alignment import OtherFrame
from forensics.pairs.other import open_other
from forensics.pairs.reading import read_other
from forensics.progress import Silent
from tests.pairs.made import frames_of

TURNS_DEG = (0.0, 9.0, -14.0)
FRAMES = (10, 20, 30)


def _tool_output(clip: Path, root: Path) -> list[np.ndarray]:
    """Frames of a clip as pictures, and crops and redrawn faces as GFPGAN names them."""
    for folder in ("in", "out/cropped_faces", "out/restored_faces"):
        (root / folder).mkdir(parents=True)
    affines = []
    pictures = {n: p for n, _, p in frames_of(clip) if n in FRAMES}
    for number, turn in zip(FRAMES, TURNS_DEG, strict=True):
        picture = pictures[number]
        height, width = picture.shape[:2]
        scale, angle = 512 / 170, np.deg2rad(turn)
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = np.array([width / 2, height / 3])
        affine = np.column_stack([linear, 256 - linear @ centre])
        crop = cv2.warpAffine(picture, affine, (512, 512), borderValue=(135, 133, 132))
        redrawn = cv2.addWeighted(crop, 1.8, cv2.GaussianBlur(crop, (0, 0), 8), -0.8, 0)
        cv2.imwrite(str(root / "in" / f"{number:04d}.png"), picture[..., ::-1])
        cv2.imwrite(str(root / f"out/cropped_faces/{number:04d}_00.png"), crop[..., ::-1])
        cv2.imwrite(str(root / f"out/restored_faces/{number:04d}_00.png"), redrawn[..., ::-1])
        affines.append(affine)
    return affines


def test_every_face_is_laid_where_its_crop_was_cut(held_out: list[Path], tmp_path: Path) -> None:
    affines = _tool_output(held_out[4], tmp_path)
    other = open_other(tmp_path / "out")
    found = align_pair(probe(tmp_path / "in"), other, Silent())
    assert found.record.layout == "faces"
    assert found.record.geometry is None
    assert found.to_other is None
    assert found.faces == {1: (1,), 2: (2,), 3: (3,)}
    shown = list(read_other(other, found))
    assert [s.frame for s in shown] == [1, 2, 3]
    corners = np.array([[180, 200], [330, 200], [256, 400]], float)
    for one, affine in zip(shown, affines, strict=True):
        assert isinstance(one, OtherFrame)
        back = cv2.invertAffineTransform(affine)
        here = corners @ back[:, :2].T + back[:, 2]
        there = here @ one.to_other[:, :2].T + one.to_other[:, 2]
        # Of the source: a crop of 170 px is 512 px wide.
        assert np.abs(there - corners).max() * 170 / 512 < 0.2


def test_crops_of_other_footage_are_refused(held_out: list[Path], tmp_path: Path) -> None:
    _tool_output(held_out[4], tmp_path)
    picture = frames_of(held_out[0])[0][2]
    for number in FRAMES:
        cv2.imwrite(str(tmp_path / "in" / f"{number:04d}.png"), picture[::-1, ::-1, ::-1])
    with pytest.raises(IncompleteError, match="none of 3 single faces could be laid"):
        align_pair(probe(tmp_path / "in"), open_other(tmp_path / "out"), Silent())


def test_names_that_tell_no_frame_are_refused(held_out: list[Path], tmp_path: Path) -> None:
    _tool_output(held_out[4], tmp_path)
    for folder in ("cropped_faces", "restored_faces"):
        for picture in sorted((tmp_path / "out" / folder).iterdir()):
            picture.rename(picture.with_name(f"x{picture.name}"))
    with pytest.raises(IncompleteError, match="tell no frame"):
        align_pair(probe(tmp_path / "in"), open_other(tmp_path / "out"), Silent())

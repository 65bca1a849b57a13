"""What does not belong together is refused, or handed on as unsure where sizes and names speak."""

from __future__ import annotations

import itertools
import random
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from forensics.errors import IncompleteError
from forensics.media.probe import probe
from forensics.pairs.align import align_pair
from forensics.pairs.other import open_other
from forensics.progress import Silent


def _refused(source: Path, other: Path) -> str | None:
    """The reason, or None where it was aligned."""
    try:
        align_pair(probe(source), open_other(other), Silent())
    except IncompleteError as error:
        return error.message
    return None


def _wrong_pairs(clips: list[Path]) -> list[tuple[Path, Path]]:
    pairs = list(itertools.permutations(clips, 2))
    random.Random(20260101).shuffle(pairs)
    return pairs


def test_other_footage_is_refused_with_what_was_tried(held_out: list[Path]) -> None:
    # Two signers' clips of one room and one camera, and footage of another place.
    for source, other in ((held_out[0], held_out[6]), (held_out[4], held_out[7])):
        reason = _refused(source, other)
        assert reason is not None
        assert "cannot be aligned" in reason
        assert "%" in reason or "no way" in reason


@pytest.mark.slow
def test_fifty_wrong_pairs_are_refused(
    held_out: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = [
        f"{a.stem} / {b.stem}" for a, b in _wrong_pairs(held_out)[:50] if _refused(a, b) is None
    ]
    with capsys.disabled():
        sys.stderr.write(f"\nwrong pairs accepted: {len(accepted)} of 50 {accepted}\n")
    assert not accepted


def _save(path: Path, rgb_u8: np.ndarray) -> Path:
    cv2.imwrite(str(path), rgb_u8[..., ::-1])
    return path


def _scene(seed: int, size: tuple[int, int] = (320, 240)) -> np.ndarray:
    """A picture with texture at several sizes, another one for each seed."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size[1], size[0], 3), np.float32)
    for cells in (6, 20, 60):
        noise = rng.normal(0, 40, (cells * size[1] // size[0] + 1, cells, 3)).astype(np.float32)
        total += cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + total, 0, 255).astype(np.uint8)


def test_pictures_of_other_things_are_refused(tmp_path: Path) -> None:
    one, two = _save(tmp_path / "a.png", _scene(1)), _save(tmp_path / "b.png", _scene(2))
    assert "do not show the same footage" in (_refused(one, two) or "")


def test_sizes_and_names_that_agree_are_handed_on_as_unsure(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    one = _save(tmp_path / "in" / "a.png", _scene(1))
    two = _save(tmp_path / "a_out.png", _scene(2, (640, 480)))
    found = align_pair(probe(one), open_other(two), Silent())
    geometry = found.record.geometry
    assert geometry is not None
    assert geometry.sure == found.record.frame_map.sure == "unsure"
    assert found.to_other == pytest.approx(np.array([[2, 0, 0.5], [0, 2, 0.5]]))
    assert found.record.colour is None
    assert any("may be of something else" in note for note in found.record.notes)


def test_square_faces_of_two_people_are_handed_on_as_unsure(shared_data: Path) -> None:
    root = shared_data / "real_restorations" / "welliton"
    source, other = root / "input" / "00_00.png", root / "restored" / "10045_02.png"
    found = align_pair(probe(source), open_other(other), Silent())
    geometry = found.record.geometry
    assert geometry is not None
    assert geometry.sure == "unsure"
    assert (geometry.scale_x, geometry.shift_x_px) == (1, 0)


def test_another_face_in_the_same_surroundings_is_not_refused(tmp_path: Path) -> None:
    picture = _scene(1)
    changed = cv2.resize(picture, (640, 480), interpolation=cv2.INTER_CUBIC)
    changed[120:280, 240:380] = cv2.resize(_scene(5), (140, 160))
    one, two = _save(tmp_path / "x.png", picture), _save(tmp_path / "y.png", changed)
    found = align_pair(probe(one), open_other(two), Silent())
    assert found.to_other == pytest.approx(np.array([[2, 0, 0.5], [0, 2, 0.5]]), abs=0.02)
    geometry = found.record.geometry
    assert geometry is not None
    assert geometry.sure == "certain"


def test_flat_pictures_say_nothing_and_are_refused(tmp_path: Path) -> None:
    flat = np.full((240, 320, 3), 90, np.uint8)
    one, two = _save(tmp_path / "a.png", flat), _save(tmp_path / "b.png", flat)
    assert "too little texture" in (_refused(one, two) or "")

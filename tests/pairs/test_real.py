"""Real GFPGAN outputs are laid on their inputs without hints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forensics.media.probe import probe
from forensics.pairs.align import align_pair
from forensics.pairs.alignment import OtherFrame
from forensics.pairs.other import open_other
from forensics.pairs.reading import read_other
from forensics.progress import Silent


@pytest.mark.parametrize(("folder", "count"), [("tinygfpgan_v13_run1", 14), ("welliton", 7)])
def test_folders_of_aligned_faces(shared_data: Path, folder: str, count: int) -> None:
    root = shared_data / "real_restorations" / folder
    other = open_other(root / "restored")
    found = align_pair(probe(root / "input"), other, Silent())
    assert found.frames == {n: n for n in range(1, count + 1)}
    geometry = found.record.geometry
    assert geometry is not None
    assert geometry.sure == found.record.frame_map.sure == "certain"
    # A fit alone would wander by up to two px between a blurred and a redrawn face.
    assert (geometry.scale_x, geometry.scale_y) == (1, 1)
    assert found.to_other == pytest.approx(np.eye(2, 3))
    shown = list(read_other(other, found))
    assert [s.frame for s in shown] == list(range(1, count + 1))
    assert all(isinstance(s, OtherFrame) for s in shown)


def test_one_picture_of_a_folder_is_found_by_its_name(shared_data: Path) -> None:
    root = shared_data / "real_restorations" / "welliton"
    other = open_other(root / "restored")
    found = align_pair(probe(root / "input" / "10045_01.png"), other, Silent())
    assert other.names[found.frames[1] - 1] == "10045_01"
    assert found.record.frame_map.other_unused == 6
    assert found.record.frame_map.by_name

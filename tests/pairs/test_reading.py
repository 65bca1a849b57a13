"""Frames of the other come in the source's order; a lost one is a record, never silence."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from forensics.media.probe import probe
from forensics.pairs.align import align_pair
from forensics.pairs.alignment import OtherFrame
from forensics.pairs.other import open_other
from forensics.pairs.reading import OtherLost, read_other
from forensics.progress import Silent

FRAMES = 6


def _folders(root: Path) -> tuple[Path, Path]:
    """A folder of frames with something that moves, and the same at twice the size."""
    rng = np.random.default_rng(3)
    small = rng.normal(128, 45, (24, 32, 3)).astype(np.float32)
    still = cv2.resize(small, (320, 240), interpolation=cv2.INTER_CUBIC)
    for number in range(1, FRAMES + 1):
        picture = np.clip(still, 0, 255).astype(np.uint8)
        x = 20 + 30 * number
        picture[60:140, x : x + 60] = np.clip(still[:80, :60] + 60, 0, 255).astype(np.uint8)
        for folder, factor in (("in", 1), ("out", 2)):
            (root / folder).mkdir(exist_ok=True)
            size = (320 * factor, 240 * factor)
            shown = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(root / folder / f"{number:03d}.png"), shown)
    return root / "in", root / "out"


def test_every_frame_comes_once_with_its_place(tmp_path: Path) -> None:
    source, restored = _folders(tmp_path)
    other = open_other(restored)
    found = align_pair(probe(source), other, Silent())
    shown = list(read_other(other, found))
    assert [s.frame for s in shown] == list(range(1, FRAMES + 1))
    for one in shown:
        assert isinstance(one, OtherFrame)
        assert one.rgb_u8.shape == (480, 640, 3)
        assert one.to_other == pytest.approx(np.array([[2, 0, 0.5], [0, 2, 0.5]]), abs=0.02)


def test_a_frame_that_cannot_be_decoded_is_a_record(tmp_path: Path) -> None:
    source, restored = _folders(tmp_path)
    broken = restored / "004.png"
    broken.write_bytes(broken.read_bytes()[:2000])
    other = open_other(restored)
    found = align_pair(probe(source), other, Silent())
    shown = list(read_other(other, found))
    assert [s.frame for s in shown] == list(range(1, FRAMES + 1))
    lost = [s for s in shown if isinstance(s, OtherLost)]
    assert [(one.frame, one.other) for one in lost] == [(4, 4)]
    assert "cannot be read" in lost[0].reason


def test_reading_stops_after_the_last_frame_that_is_needed(tmp_path: Path) -> None:
    source, restored = _folders(tmp_path)
    for name in ("004.png", "005.png", "006.png"):
        (source / name).unlink()
    other = open_other(restored)
    found = align_pair(probe(source), other, Silent())
    assert [s.frame for s in read_other(other, found)] == [1, 2, 3]
    assert found.record.frame_map.other_unused == 3

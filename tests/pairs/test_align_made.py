"""Pairs made from real clips are aligned: scale within 0.5 %, shift 0.5 px, 99 % of the frames."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from forensics.media.probe import probe
from forensics.pairs.align import align_pair
from forensics.pairs.alignment import Alignment
from forensics.pairs.other import open_other
from forensics.progress import Silent
from tests.pairs.made import CHANGES, U8, Change, Error, Truth, error_of, make, with_edit

SCALE_PERCENT = 0.5
SHIFT_PX = 0.5
RIGHT = 0.99
CLIPS = 8
# One frame given to its neighbour is two source frames wrong, 2 to 4 % of these short clips.
RIGHT_IN_EACH = 0.95
_SMALL = [(clip, name) for clip in range(CLIPS) for name, c in CHANGES.items() if c.scale <= 1]
FAST = random.Random(20260101).sample(_SMALL, 6)


def _aligned(source: Path, target: Path, change: Change) -> tuple[Alignment, Truth]:
    truth = make(source, target, change)
    return align_pair(probe(source), open_other(target), Silent()), truth


def _table(rows: Sequence[tuple[str, str, Error]]) -> str:
    lines = ["clip change scale_% shift_px frames_right strict"]
    lines += [
        f"{clip:>20} {name:<28} {e.scale_percent:.3f} {e.shift_px:.3f} "
        f"{e.right}/{e.frames} {e.right_strict}/{e.frames}"
        for clip, name, e in rows
    ]
    return "\n".join(lines)


@pytest.mark.parametrize(("clip", "name"), FAST)
def test_a_seeded_few_of_the_held_out_pairs(
    held_out: list[Path], tmp_path: Path, clip: int, name: str
) -> None:
    found, truth = _aligned(held_out[clip], tmp_path / "other.mp4", CHANGES[name])
    error = error_of(found, truth)
    assert error.scale_percent <= SCALE_PERCENT
    assert error.shift_px <= SHIFT_PX
    assert error.right >= RIGHT_IN_EACH * error.frames, error
    geometry = found.record.geometry
    assert geometry is not None
    assert geometry.sure == "certain"
    bars = CHANGES[name].bars
    assert geometry.bars_px == pytest.approx((bars[0], bars[1], bars[0], bars[1]), abs=1)
    assert (geometry.crop_px is not None) == (CHANGES[name].crop_01 is not None)


@pytest.mark.slow
def test_every_held_out_pair(
    held_out: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = []
    for clip in held_out:
        for name, change in CHANGES.items():
            found, truth = _aligned(clip, tmp_path / "other.mp4", change)
            rows.append((clip.stem, name, error_of(found, truth)))
    table = _table(rows)
    right = sum(e.right for *_, e in rows) / sum(e.frames for *_, e in rows)
    with capsys.disabled():
        sys.stderr.write(f"\n{table}\nframes mapped right, all: {right:.2%}\n")
    assert max(e.scale_percent for *_, e in rows) <= SCALE_PERCENT, table
    assert max(e.shift_px for *_, e in rows) <= SHIFT_PX, table
    assert right >= RIGHT, table
    assert min(e.right / e.frames for *_, e in rows) >= RIGHT_IN_EACH, table


def test_colour_is_found_and_taken_out(held_out: list[Path], tmp_path: Path) -> None:
    change = CHANGES["colour"]
    found, _ = _aligned(held_out[4], tmp_path / "other.mp4", change)
    colour = found.record.colour
    assert colour is not None
    assert colour.gain_rgb == pytest.approx(change.gain, abs=0.02)
    assert colour.offset_rgb == pytest.approx(change.offset, abs=2.0)
    assert colour.residual_grey < 2.0


def _another_face(picture: U8, number: int) -> U8:
    """Something else, sharp and moving by itself, where a face is: a fifth of the height."""
    height, width = picture.shape[:2]
    side = height // 5
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 255, (12, 12, 3)).astype(np.float32)
    drawn = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    y, x = height // 4, width // 2 - side // 2 + number % 3
    picture = picture.copy()
    picture[y : y + side, x : x + side] = np.clip(drawn, 0, 255).astype(np.uint8)
    return picture


def test_what_is_drawn_where_the_face_was_does_not_disturb(
    held_out: list[Path], tmp_path: Path
) -> None:
    change = with_edit(CHANGES["plain"], _another_face)
    found, truth = _aligned(held_out[4], tmp_path / "other.mp4", change)
    error = error_of(found, truth)
    assert error.scale_percent <= SCALE_PERCENT
    assert error.shift_px <= SHIFT_PX
    # What is drawn there jumps every frame by itself, more than the signer's hands move.
    assert error.right >= RIGHT_IN_EACH * error.frames
    colour = found.record.colour
    assert colour is not None
    assert colour.gain_rgb == pytest.approx((1, 1, 1), abs=0.05)


def test_the_map_never_runs_backwards_and_every_frame_is_accounted_for(
    held_out: list[Path], tmp_path: Path
) -> None:
    found, truth = _aligned(held_out[4], tmp_path / "other.mp4", CHANGES["3 dropped"])
    there = [found.frames[n] for n in sorted(found.frames)]
    assert there == sorted(set(there))
    assert set(found.frames) | set(found.reasons) == set(range(1, truth.frames + 1))
    assert not set(found.frames) & set(found.reasons)
    record = found.record.frame_map
    assert record.mapped + record.unmapped == truth.frames
    assert record.unmapped == 3
    assert all("no frame of the other shows it" in why for why in found.reasons.values())

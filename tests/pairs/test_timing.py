"""The frame map on made small pictures, where every answer is known exactly."""

from __future__ import annotations

import cv2
import numpy as np

from forensics.pairs.frames import mapped_frames
from forensics.pairs.grid import U8
from forensics.pairs.prints import Prints
from forensics.pairs.timing import find_times, viterbi

RATE = 30
FRAMES = 120


def _clip(still: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Small pictures that change smoothly, except from frame to frame of ``still`` (from 0)."""
    rng = np.random.default_rng(1)
    base = cv2.GaussianBlur(rng.normal(0, 150, (27, 48)).astype(np.float32), (0, 0), 2)
    moving = np.zeros((27, 48), np.float32)
    out = []
    for number in range(FRAMES):
        if not still[0] <= number < still[1]:
            step = cv2.GaussianBlur(rng.normal(0, 40, (27, 48)).astype(np.float32), (0, 0), 2)
            moving = 0.95 * moving + step
        out.append(128 + base + moving)
    return np.array(out)


def _prints(pictures: np.ndarray, seconds: np.ndarray | None, seed: int = 0) -> Prints:
    noisy = pictures + np.random.default_rng(seed).normal(0, 0.7, pictures.shape)
    small: U8 = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    times = np.full(len(small), np.nan) if seconds is None else seconds
    return Prints(small, times, np.zeros(len(small), bool))


def test_drops_holds_and_a_foreign_frame() -> None:
    pictures = _clip()
    kept = [n for n in range(10, 110) if n % 6 != 5 and n not in (40, 41, 42)]
    kept[30:30] = [kept[30]] * 2
    shown = 0.9 * pictures[kept] + 12
    shown[60] = 255 - shown[60]
    source = _prints(pictures, np.arange(FRAMES) / RATE)
    other = _prints(shown, None, seed=1)
    times = find_times(source, other)
    expected = np.array(kept)
    expected[60] = -1
    assert (times.shows == expected).all()
    assert times.decided > 0.95
    assert times.motion is not None
    assert times.motion > 0.98
    frames, reasons, repeated = mapped_frames(None, times, (source, other))
    assert repeated == 1
    assert reasons[1].startswith("the other begins later")
    assert reasons[120].startswith("the other ends before")
    assert reasons[42].startswith("no frame of the other shows it")
    assert frames[11] == 1


def test_clocks_decide_where_pictures_stand_still() -> None:
    pictures = _clip(still=(40, 90))
    kept = [n for n in range(FRAMES) if n % 6 != 5]
    seconds = np.array(kept) / RATE + 7.0
    source = _prints(pictures, np.arange(FRAMES) / RATE)
    times = find_times(source, _prints(pictures[kept], seconds, seed=1))
    assert (times.shows == np.array(kept)).all()
    assert 0.3 < times.decided < 0.7


def test_a_still_clip_is_mapped_by_its_clock_and_decides_nothing() -> None:
    pictures = _clip(still=(0, FRAMES))
    seconds = np.arange(FRAMES) / RATE
    times = find_times(_prints(pictures, seconds), _prints(pictures, seconds, seed=1))
    assert (times.shows == np.arange(FRAMES)).all()
    assert times.decided < 0.05


def test_the_path_never_runs_backwards() -> None:
    rows = [np.arange(5)] * 6
    rng = np.random.default_rng(2)
    prices = [rng.uniform(0, 50, 5) for _ in rows]
    path = viterbi(rows, prices, np.arange(5.0), np.arange(6.0))
    assert (np.diff(path) >= 0).all()

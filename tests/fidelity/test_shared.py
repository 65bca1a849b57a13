"""Fidelity on real clips: uneven times, odd pixels, a turn, a late start, no time stamps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from forensics.media.probe import probe
from forensics.media.reader import DecodedFrame, read_frames
from tests.fidelity.bars import length_of, times_of
from tests.fidelity.made import through

CLIPS = {
    "uneven-matroska": "intel/asl_gestures/brother.mkv",
    "raw": "openh264/BA_MW_D.264",
    "raw-sar-80-33": "openh264/SarVui.264",
    "turned": "torchcodec/nasa_13013_rotated.mp4",
    "late-start": "torchcodec/test_non_zero_start.mp4",
    "phone-like": "face_recognition/short_hamilton_clip.mp4",
}
LONG = {"uneven-matroska", "phone-like", "raw"}
LENGTH = [n if n not in LONG else pytest.param(n, marks=pytest.mark.slow) for n in CLIPS]


@pytest.mark.parametrize("name", LENGTH)
def test_every_frame_keeps_its_place_and_look(name: str, shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "clips" / CLIPS[name]
    media, written, path = through(source, tmp_path / "out", scale=1)
    again = probe(path)
    assert written.restored.frames == media.source.frames == again.source.frames
    after = times_of(path)
    if media.source.time_base is None:
        rate = media.frame_rate_hint or Fraction(25)
        assert [t for t, _ in after] == [k / rate for k in range(len(after))]
    else:
        assert [t for t, _ in after] == [t for t, _ in times_of(source)]
        assert again.source.duration_s == pytest.approx(media.source.duration_s, abs=1e-9)
        assert float(length_of(path)) == pytest.approx(media.source.duration_s or 0, abs=1e-6)
    shown = (again.source.width, again.source.height, again.source.rotation, again.source.sar)
    display = media.source.display_width, media.source.display_height
    assert shown == (*display, 0, "1:1")
    for before, now in zip(read_frames(media), read_frames(again), strict=True):
        assert isinstance(before, DecodedFrame)
        assert isinstance(now, DecodedFrame)
        error = now.rgb_u8.astype(float) - before.rgb_u8
        # Another frame, a shift or a wrong stride differs by tens of levels; noise that is new
        # in each frame, as in the clip with a late start, costs the encoder three.
        assert np.abs(error).mean() < 4
        assert abs(error.mean()) < 0.7


def test_a_late_start_stays_late(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "clips" / CLIPS["late-start"]
    _, _, path = through(source, tmp_path / "out", scale=1)
    first = []
    for file in (source, path):
        with av.open(str(file)) as box:
            frame = next(box.decode(video=0))
            first.append((frame.pts or 0) * (frame.time_base or 0))
    assert first[0] == first[1] > 0

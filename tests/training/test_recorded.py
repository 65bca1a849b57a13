"""Recorded clips as true faces: nobody of the tests among them, and the sharp face in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.portraits import read_list
from training.references import recorded, tracks

TESTED = {
    "brother.mkv",
    "please.mkv",
    "sister.mkv",
    "sorry.mkv",
    "student.mkv",
    "thanks.mkv",
    "yes.mkv",
}


def test_no_tested_clip_sets_a_limit() -> None:
    assert not TESTED & read_list("clips_train")


@pytest.mark.slow
def test_a_recorded_track_is_measured(shared_data: Path) -> None:
    path = shared_data / tracks.CLIPS / sorted(read_list("clips_train"))[4]
    clip = []
    for one in recorded.from_file(path):
        clip.append(one)
        if len(clip) == 20:
            break
    seen = [one for _, one in tracks.recorded_track(clip, 30)]
    assert len(seen) >= 18
    assert 20 < float(np.median([one.interocular_px for one in seen])) < 40
    apart = [
        float(np.abs(one.crop_rgb_u8.astype(float) - one.truth_rgb_u8)[128:400, 128:400].mean())
        for one in seen
    ]
    assert max(apart) < 15  # grey levels: the same face, less sharp
    assert np.median(apart) > 0.5

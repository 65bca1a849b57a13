"""Faces in motion: the plan is even, and a codec that is late makes true faces differ more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from forensics.scoring.contradiction import measure_contradiction
from forensics.scoring.measure import FaceInput
from training.references import in_motion, samples


def test_every_photo_is_filmed_coded_and_in_sizes_in_turn() -> None:
    plan = in_motion.plan(8)
    assert Counter(one.photo for one in plan) == dict.fromkeys(range(8), in_motion.CLIPS)
    assert all(one.qp is not None and one.family in in_motion.CODED for one in plan)
    assert min(one.interocular_px for one in plan) >= 16
    counts = Counter(one.band for one in plan)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert in_motion.plan(8) == plan


@pytest.mark.parametrize("qp", [24, 38])
def test_the_taken_faces_are_true_and_deep_in_the_clip(qp: int) -> None:
    portrait = np.ascontiguousarray(skimage.data.astronaut())
    known = replace(in_motion.plan(1)[0], qp=qp, interocular_px=30.0, noise_grey=1.0, blur_px=0.2)
    faces = list(in_motion.faces(portrait, known))
    assert len(faces) == len(in_motion.TAKEN)
    assert all(isinstance(one, FaceInput) and one.qp == qp for one in faces)
    worst = max(measure_contradiction(one).values["contradiction"] for one in faces)
    assert worst < (6 if qp == 24 else 14)


def test_rows_carry_their_person_and_family() -> None:
    portrait = np.ascontiguousarray(skimage.data.astronaut())[None]
    rows = in_motion.rows(portrait, ["P1"], lambda face: {"interocular_px": face.interocular_px})
    row = next(rows)
    assert (row["person"], row["family"]) == ("P1", "moving")
    assert row["known_phot"] == 0
    assert samples.SIZES_PX[2] * 0.8 < row["interocular_px"] < samples.SIZES_PX[-1] * 1.2

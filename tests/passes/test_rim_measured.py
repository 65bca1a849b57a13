"""A face that the rim of the frame cuts off is not called wrong for what lies beyond."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from forensics.faces.align import BORDER_RGB
from forensics.faces.rim import Rim
from forensics.passes.face_line import blank_beyond, within_frame
from forensics.scoring.contradiction import measure_contradiction
from forensics.scoring.information import measure_information
from forensics.scoring.maps import Scored
from forensics.scoring.measure import FaceInput
from forensics.scoring.references import shipped_references
from tests.known_answers.truths import public_truths
from tests.scoring.made_faces import face, filmed

FACTOR = 4
CUT = 40  # columns of 128 that lie beyond the frame
RIM = Rim(np.array([[FACTOR, 0, FACTOR * CUT + 1.5], [0, FACTOR, 1.5]]), 640, 480)


def cut_off(person: int) -> tuple[FaceInput, FaceInput]:
    """The whole face as footage, and the same where the frame begins 40 columns later."""
    truth = public_truths()[person].rgb_u8
    whole = face(filmed(truth, FACTOR), truth)
    native, crop = whole.native_rgb_u8.copy(), whole.crop_rgb_u8.copy()
    native[:, :CUT] = BORDER_RGB
    crop[:, : CUT * FACTOR] = BORDER_RGB
    return whole, dataclasses.replace(whole, native_rgb_u8=native, crop_rgb_u8=crop)


def over(given: FaceInput) -> float:
    """`contradiction` over what 99 of 100 accurate pictures stay below."""
    facts = dict(measure_information(given).values)
    value = measure_contradiction(given).values["contradiction"]
    reference = shipped_references().look_up("contradiction", facts)
    assert reference is not None
    return value / reference.p99


@pytest.mark.parametrize("person", [0, 1])
def test_the_true_face_contradicts_no_footage_that_is_not_there(person: int) -> None:
    whole, cut = cut_off(person)
    assert over(whole) < 1
    assert over(cut) > 2  # what it was before: held against grey
    assert over(within_frame(cut, RIM)) < 1


def test_noise_is_that_of_the_footage() -> None:
    whole, cut = cut_off(0)
    known = measure_information(whole).values["noise"]
    assert measure_information(cut).values["noise"] < 0.8 * known
    seen = measure_information(within_frame(cut, RIM)).values["noise"]
    assert seen == pytest.approx(known, rel=0.15)


def test_a_wrong_face_still_contradicts_within_the_frame() -> None:
    _, cut = cut_off(0)
    wrong = dataclasses.replace(cut, restored_rgb_u8=public_truths()[1].rgb_u8)
    assert over(within_frame(wrong, RIM)) > 1


def test_a_face_inside_the_frame_is_measured_as_it_is() -> None:
    whole, _ = cut_off(0)
    inside = Rim(np.array([[FACTOR, 0, -400.0], [0, FACTOR, -400.0]]), 640, 480)
    assert within_frame(whole, inside) is whole


def test_maps_show_nothing_beyond_the_rim() -> None:
    scored = Scored({}, {}, {}, {"contradiction": np.ones((512, 512), np.float32)})
    blank = blank_beyond(scored, RIM).maps["contradiction"]
    assert blank[:, : CUT * FACTOR].max() == 0
    assert blank[8:, CUT * FACTOR + 8 :].min() == 1

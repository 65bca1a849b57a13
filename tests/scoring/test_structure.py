"""`landmark_shift`: known movements read what was moved, true faces next to nothing, gates hold."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from forensics.scoring.matched import Matched, bring_to_footage
from forensics.scoring.measure import FaceInput
from forensics.scoring.structure import PARTS, find_shifts, measure_structure
from tests.scoring import painted
from tests.scoring.made_faces import Picture, face, filmed

FACTOR = 3.0  # 42 px between the eyes


def shift(truth: Picture, drawn: Picture, factor: float = FACTOR, noise: float = 2.0) -> float:
    made = face(filmed(truth, factor, noise), drawn)
    return measure_structure(made, bring_to_footage(made)).values["landmark_shift"]


@pytest.mark.parametrize("factor", [2.0, 3.0, 5.0])
def test_the_true_face_did_not_move(portrait: Picture, factor: float) -> None:
    assert shift(portrait, portrait, factor) < 0.7


@pytest.mark.parametrize("share", [0.04, 0.08])
def test_a_face_made_wider_reads_the_way_of_the_jaw_line(portrait: Picture, share: float) -> None:
    """Half of the widening is a larger head; the other half moves the jaw line by 1.15 eye
    distances times share / 2, and as much in height: between 1.7 and 5 % at 4 %."""
    found = shift(portrait, painted.widened(portrait, share))
    assert 100 * share * 0.45 < found < 100 * share * 1.3


def test_a_wider_jaw_reads_more_the_wider_it_is(portrait: Picture) -> None:
    narrow, wide = (shift(portrait, painted.jaw_widened(portrait, s)) for s in (0.04, 0.08))
    assert narrow > 1.2
    assert wide > 2.5
    assert wide > 1.5 * narrow


def test_moved_eyes_are_seen_and_named(portrait: Picture) -> None:
    made = face(filmed(portrait, FACTOR), painted.eyes_moved(portrait, 10.0))
    matched = bring_to_footage(made)
    assert matched is not None
    found = find_shifts(matched)
    assert set(found.parts) <= set(PARTS)
    assert found.largest()[0] in ("eye_left", "eye_right")
    assert found.largest()[1] > 2.5


def test_moving_turning_and_enlarging_the_whole_head_is_no_shift_of_a_part(
    portrait: Picture,
) -> None:
    """Within what the search for the footage allows: one native px, 1 degree, 2 %."""
    matrix = cv2.getRotationMatrix2D((256, 260), 1.0, 1.02)
    matrix[:, 2] += (2.0, -1.5)
    drawn = cv2.warpAffine(portrait, matrix, (512, 512), borderMode=cv2.BORDER_REFLECT_101)
    assert shift(portrait, np.asarray(drawn, np.uint8)) < 1.0


def test_brightness_and_contrast_are_no_movement(portrait: Picture) -> None:
    drawn = np.clip(0.8 * portrait.astype(float) + 25, 0, 255).astype(np.uint8)
    assert shift(portrait, drawn) < 0.8


@pytest.mark.parametrize(
    ("factor", "yaw", "says"),
    [(8.5, None, "under 16 px"), (3.0, 40.0, "turned by more than 35")],
)
def test_it_abstains(portrait: Picture, factor: float, yaw: float | None, says: str) -> None:
    made = face(filmed(portrait, factor), portrait, yaw_deg=yaw)
    reading = measure_structure(made, bring_to_footage(made))
    assert reading.values == {}
    assert says in reading.reasons["landmark_shift"]


def test_a_face_without_contrast_or_likeness_says_so(portrait: Picture) -> None:
    flat = np.full((512, 512, 3), 127, np.uint8)
    made = face(filmed(flat, 3.0, noise=0.0), flat)
    reading = measure_structure(made, bring_to_footage(made))
    assert "too flat" in reading.reasons["landmark_shift"]
    upside_down = np.ascontiguousarray(portrait[::-1])
    made = face(filmed(upside_down, 3.0), portrait)
    reading = measure_structure(made, bring_to_footage(made))
    assert "looks like it" in reading.reasons["landmark_shift"]


def test_a_mouth_that_the_footage_does_not_show_has_not_moved(portrait: Picture) -> None:
    """A hand hid it a moment ago, and the codec has not drawn it again: skin, with a stain."""
    hidden = portrait.copy()
    soft = cv2.GaussianBlur(portrait, (0, 0), 25)
    hidden[345:415, 195:320] = soft[345:415, 195:320]
    hidden[392:404, 225:290] = (150, 110, 100)
    made = face(filmed(hidden, 4.0), portrait)
    assert "mouth" not in find_shifts(_matched(made)).parts
    seen = face(filmed(portrait, 4.0), portrait)
    assert find_shifts(_matched(seen)).parts["mouth"] < 1.0


def _matched(made: FaceInput) -> Matched:
    found = bring_to_footage(made)
    assert found is not None
    return found

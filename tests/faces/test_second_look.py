"""The second look: exact geometry, nothing lost where it finds nothing, better points."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import fixtures
from fixtures.build import truth_frame
from forensics.faces.detector import Detector, DetectorConfig
from forensics.faces.second_look import Look, look_at, points_seen
from forensics.models.load import load_embedded
from forensics.records import Detection

FIVE = ((110.0, 90.5), (150.0, 92.0), (131.0, 112.0), (114.0, 131.0), (147.0, 132.0))
FACE = Detection((95.0, 60.0, 165.0, 150.0), FIVE, 0.9)


def seen_in(look: Look, face: Detection, *, mirrored: bool) -> Detection:
    """The face as a perfect network would see it in a look."""
    moved = np.array([*np.reshape(face.box_px, (2, 2)), *face.landmarks_px])
    moved = moved @ look.affine[:, :2].T + look.affine[:, 2]
    box, five = moved[:2], moved[2:]
    if mirrored:
        box[:, 0], five[:, 0] = (look.side_px - 1 - v[:, 0] for v in (box[::-1].copy(), five))
        five = five[[1, 0, 2, 4, 3]]
    points = tuple((float(x), float(y)) for x, y in five)
    return Detection(tuple(box.ravel().tolist()), points, 0.8)  # type: ignore[arg-type]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("face_px", [24, 80, 128])
def test_points_come_back_where_they_were(face_px: int, mirrored: bool) -> None:
    look = look_at(np.zeros((240, 320, 3), np.uint8), FACE, face_px)
    answer = seen_in(look, FACE, mirrored=mirrored)
    back = points_seen(look, FACE, [answer], mirrored=mirrored)
    assert back is not None
    assert np.abs(back - np.array(FIVE)).max() < 1e-9


@pytest.mark.parametrize("face_px", [28, 80, 200])
def test_the_crop_shows_what_its_affine_says(face_px: int) -> None:
    """A white disc on black: its centre of mass lies where the affine puts it, within 0.1 px."""
    frame = np.zeros((240, 320, 3), np.uint8)
    cv2.circle(frame, (140, 100), 9, (255, 255, 255), -1)
    look = look_at(frame, FACE, face_px)
    grey = look.rgb_u8[..., 0].astype(float)
    grey[grey < 8] = 0  # cubic interpolation rings
    y, x = np.mgrid[: look.side_px, : look.side_px]
    # what lies outside the frame is the network's mean colour: leave it out
    inside = look_at(np.zeros_like(frame), FACE, face_px).rgb_u8[..., 0] == 0
    mass = (grey * inside).sum()
    centre = np.array([(grey * inside * x).sum() / mass, (grey * inside * y).sum() / mass])
    wanted = look.affine @ np.array([140.0, 100.0, 1.0])
    assert np.abs(centre - wanted).max() < 0.1


def test_another_face_in_the_look_is_not_taken() -> None:
    look = look_at(np.zeros((240, 320, 3), np.uint8), FACE, 80)
    beside = replace(FACE, box_px=(165.0, 60.0, 235.0, 150.0), score=0.99)
    assert points_seen(look, FACE, [seen_in(look, beside, mirrored=False)], mirrored=False) is None
    assert points_seen(look, FACE, [], mirrored=True) is None


def test_a_face_at_the_rim_and_a_tiny_face_have_looks() -> None:
    frame = np.full((64, 64, 3), 90, np.uint8)
    for box in ((-20.0, -30.0, 12.0, 10.0), (60.0, 60.0, 61.0, 61.0)):
        look = look_at(frame, replace(FACE, box_px=box), 80)
        assert look.rgb_u8.shape == (160, 160, 3)


def test_points_of_the_fixture_are_better_for_it() -> None:
    """Clean frames of the committed story, eyes of 12 to 90 px, against its truth."""
    folder = Path(fixtures.__file__).parent
    truth = json.loads((folder / "two_people.truth.json").read_text("utf-8"))
    weights = load_embedded("detector").state
    errors: dict[bool, list[float]] = {False: [], True: []}
    for looks in errors:
        config = DetectorConfig(looks_px=(80, 128) if looks else ())
        detector = Detector.load(weights, config=config)
        for number in range(10, 120, 16):
            people = truth["frames"][number - 1]["people"]
            found = detector.detect([truth_frame(number)])[0]
            for one in people.values():
                if one["present"]:
                    errors[looks].append(error_of(found, np.array(one["landmarks_px"])))
    once, twice = (float(np.median(errors[looks])) for looks in (False, True))
    assert len(errors[True]) == len(errors[False]) >= 8
    assert twice < once


def error_of(found: list[Detection], five: np.ndarray) -> float:
    """Mean distance of the nearest detection's points over the eye distance, at most 1."""
    eyes = float(np.linalg.norm(five[0] - five[1]))
    away = [np.linalg.norm(np.array(d.landmarks_px) - five, axis=1).mean() for d in found]
    return min([float(a) / eyes for a in away] + [1.0])

"""Detection: equal to facexlib's arithmetic, independent of neighbours, and able to find faces."""

from __future__ import annotations

import dataclasses
from functools import cache

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from facexlib.detection.retinaface import generate_config
from facexlib.detection.retinaface_utils import (
    PriorBox,
    decode,
    decode_landm,
    encode,
    encode_landm,
    py_cpu_nms,
)

from forensics.faces.anchors import (
    decode_boxes,
    decode_points,
    encode_boxes,
    encode_points,
    prior_boxes,
    suppress_doubles,
)
from forensics.faces.detector import (
    Detector,
    DetectorConfig,
    split_doubles,
    split_nested,
)
from forensics.models.load import load_embedded
from forensics.models.nets.detector import PARAMETERS, build_detector
from forensics.records import Detection

# Eileen Collins in skimage's astronaut.png (512x512): read off the picture by eye, x y, px.
ASTRONAUT_EYES = ((204.0, 109.0), (247.0, 106.0))
ASTRONAUT_FACE = (180.0, 60.0, 267.0, 178.0)


@cache
def embedded() -> Detector:
    return Detector.load(load_embedded("detector").state)


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (areas - width * height)


def scene(eyes_px: float, size: tuple[int, int] = (320, 480), at: tuple[int, int] = (60, 40)):
    """The astronaut shrunk to ``eyes_px`` on a textured wall; the frame and her face's box."""
    scale = eyes_px / 43.1
    person = cv2.resize(
        skimage.data.astronaut(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    wall = np.random.default_rng(5).normal(120, 12, (*size, 3)).clip(0, 255).astype(np.uint8)
    frame = cv2.GaussianBlur(wall, (0, 0), 2)
    top, left = at
    height = min(person.shape[0], size[0] - top)
    width = min(person.shape[1], size[1] - left)
    frame[top : top + height, left : left + width] = person[:height, :width]
    x0, y0, x1, y1 = (v * scale for v in ASTRONAUT_FACE)
    return frame, (x0 + left, y0 + top, x1 + left, y1 + top)


@pytest.mark.parametrize("size", [(320, 320), (200, 333), (97, 161), (32, 640)])
def test_priors_equal_facexlibs(size: tuple[int, int]) -> None:
    theirs = PriorBox(generate_config("mobile0.25"), image_size=size).forward().numpy()
    assert np.array_equal(prior_boxes(*size), theirs)


def test_decoding_equals_facexlibs_and_encoding_inverts_it() -> None:
    priors = torch.from_numpy(prior_boxes(96, 160).copy())
    draw = torch.Generator().manual_seed(3)
    boxes, points = (torch.randn(len(priors), k, generator=draw) for k in (4, 10))
    mine, five = decode_boxes(boxes, priors), decode_points(points, priors)
    assert torch.allclose(mine, decode(boxes.clone(), priors, [0.1, 0.2]), atol=1e-6, rtol=0)
    theirs = decode_landm(points.clone(), priors, [0.1, 0.2]).view(-1, 5, 2)
    assert torch.allclose(five, theirs, atol=1e-6, rtol=0)
    assert torch.allclose(encode_boxes(mine, priors), boxes, atol=1e-3, rtol=0)
    assert torch.allclose(encode_points(five, priors), points, atol=1e-3, rtol=0)
    assert torch.allclose(
        encode_boxes(mine, priors), encode(mine, priors, [0.1, 0.2]), atol=1e-4, rtol=0
    )
    assert torch.allclose(
        encode_points(five, priors), encode_landm(five, priors, [0.1, 0.2]), atol=1e-4, rtol=0
    )


def test_suppression_equals_facexlibs() -> None:
    draw = np.random.default_rng(8)
    corner = draw.uniform(0, 200, (300, 2))
    boxes = np.hstack((corner, corner + draw.uniform(5, 60, (300, 2)))).astype(np.float32)
    scores = draw.permutation(300).astype(np.float32) / 300
    theirs = py_cpu_nms(np.hstack((boxes, scores[:, None])), 0.4)
    mine = suppress_doubles(torch.from_numpy(boxes), torch.from_numpy(scores), 0.4)
    assert mine.tolist() == [int(k) for k in theirs]
    assert 0 < len(mine) < 300


def test_network_has_the_stated_number_of_parameters() -> None:
    assert sum(p.numel() for p in build_detector().parameters()) == PARAMETERS


def test_weights_of_another_shape_are_refused() -> None:
    state = dict(build_detector().state_dict())
    state["BboxHead.0.conv1x1.bias"] = torch.zeros(3)
    with pytest.raises(RuntimeError, match=r"BboxHead\.0"):
        Detector.load(state)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (np.zeros((64, 64, 3), np.float32), r"uint8.*0\.\.255.*float32"),
        (np.zeros((64, 64), np.uint8), r"\(H, W, 3\).*\(64, 64\)"),
        (np.zeros((64, 64, 4), np.uint8), r"\(H, W, 3\).*\(64, 64, 4\)"),
        (np.zeros((4, 64, 3), np.uint8), r"8\.\.32768 px.*\(4, 64\)"),
    ],
)
def test_frames_of_another_kind_are_refused(frame: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        embedded().detect([frame])


def test_numbers_that_are_not_finite_are_an_error() -> None:
    state = {k: v.clone() for k, v in load_embedded("detector").state.items()}
    state["ClassHead.0.conv1x1.bias"][:] = float("nan")
    with pytest.raises(ArithmeticError, match="not finite"):
        Detector.load(state).detect([np.zeros((64, 64, 3), np.uint8)])


@pytest.mark.parametrize("eyes_px", [12, 24, 43])
def test_a_pasted_face_is_the_best_found_and_at_its_place(eyes_px: int) -> None:
    frame, face = scene(eyes_px, (480, 640))
    found = embedded().detect([frame])[0]
    # Extra boxes are counted by benchmarks/detection.py, where the weights miss their bar.
    assert overlap(found[0].box_px, face) > 0.5
    assert sum(overlap(d.box_px, face) > 0.3 for d in found) == 1
    assert found[0].interocular_px == pytest.approx(eyes_px, rel=0.2)
    left, right, nose, mouth_left, mouth_right = found[0].landmarks_px
    assert left[0] < nose[0] < right[0]
    assert mouth_left[0] < mouth_right[0]
    assert max(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


def test_no_face_on_a_plain_wall_or_in_noise() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (240, 320, 3), np.uint8)
    wall = np.full((240, 320, 3), 140, np.uint8)
    assert embedded().detect([noise, wall]) == [[], []]


def test_a_frame_does_not_depend_on_its_neighbours() -> None:
    frames = [scene(eyes, at=(10, 30 + 8 * k))[0] for k, eyes in enumerate((14, 20, 26, 32, 36))]
    other = scene(22, (200, 260))[0]
    alone = [embedded().detect([frame])[0] for frame in [*frames, other]]
    mixed = embedded().detect([frames[0], other, *frames[1:]])
    assert mixed == [alone[0], alone[5], *alone[1:5]]
    assert all(len(faces) > 0 for faces in alone)


def test_large_and_small_frames_answer_in_their_own_pixels() -> None:
    frame, _face = scene(30, (320, 480))
    usual = embedded().detect([frame])[0][0]
    large = cv2.resize(frame, (480 * 5, 320 * 5), interpolation=cv2.INTER_CUBIC)
    found = embedded().detect([large])[0][0]
    # another size is another place on the network's grid, but coordinates are the frame's own
    assert np.allclose(np.array(found.landmarks_px) / 5, usual.landmarks_px, atol=2)
    assert overlap(tuple(v / 5 for v in found.box_px), usual.box_px) > 0.75
    config = DetectorConfig(enlarge_up_to_px=640)
    enlarging = Detector.load(load_embedded("detector").state, config=config)
    again = enlarging.detect([frame])[0][0]
    assert np.allclose(again.landmarks_px, usual.landmarks_px, atol=3)


def test_a_face_in_a_faces_eye_is_told_from_a_person_passing() -> None:
    points = tuple((0.0, 0.0) for _ in range(5))
    large = Detection((100, 100, 300, 360), points, 0.9)
    micro = Detection((130, 160, 170, 205), points, 0.7)
    passing = Detection((180, 150, 270, 260), points, 0.8)
    beside = Detection((285, 200, 325, 250), points, 0.6)
    kept, rejected = split_nested([large, micro, passing, beside])
    assert kept == [large, passing, beside]
    assert rejected == [micro]


def shifted(x_px: float, score: float, eyes_px: float = 40) -> Detection:
    """A frontal face of 100 x 130 px, ``x_px`` to the right."""
    half = eyes_px / 2
    points = ((-half, 0), (half, 0), (0, 25), (-half, 45), (half, 45))
    five = tuple((150 + x_px + x, 160 + y) for x, y in points)
    return Detection((100 + x_px, 100, 200 + x_px, 230), five, score)  # type: ignore[arg-type]  # five points


@pytest.mark.parametrize(("x_px", "two"), [(0, False), (25, False), (35, True), (60, True)])
def test_a_second_box_on_a_face_is_told_from_a_second_head(x_px: float, two: bool) -> None:
    """The points of 25 px are 0.6 eye distances apart, those of 35 px 0.9."""
    better, weaker, far = shifted(0, 0.9), shifted(x_px, 0.6), shifted(300, 0.7)
    kept, rejected = split_doubles([weaker, far, better])
    assert kept == ([weaker, far, better] if two else [far, better])
    assert rejected == ([] if two else [weaker])


def test_a_smaller_head_before_a_larger_one_is_no_second_box() -> None:
    large, small = (
        shifted(0, 0.9),
        dataclasses.replace(shifted(0, 0.6), box_px=(130, 140, 175, 200)),
    )
    assert split_doubles([large, small]) == ([large, small], [])

"""The official detector: facexlib's faces on the same weights, whatever the neighbours are."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from facexlib.detection.retinaface import RetinaFace
from numpy.typing import NDArray

from forensics.errors import IntegrityError
from forensics.faces.retinaface import OfficialDetector, OfficialDetectorConfig
from forensics.models.load import LoadedModel
from forensics.models.nets.retinaface import backbone_of, published
from forensics.records import Detection
from tests.networks import state_of

U8 = NDArray[np.uint8]
PX = 1e-3


def model(state: dict[str, torch.Tensor]) -> LoadedModel:
    return LoadedModel("detector", state, "0" * 64, {"name": "retinaface-mobile0.25"})


@pytest.fixture(scope="module")
def weights(shared_data: Path) -> dict[str, torch.Tensor]:
    path = shared_data / "models" / "retinaface" / "detection_mobilenet0.25_Final.pth"
    state: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


@pytest.fixture(scope="module")
def frames(two_people: Path) -> list[U8]:
    """Two frames of the committed clip, one enlarged to an odd size, and one with nobody in it."""
    import av

    with av.open(str(two_people)) as clip:
        decoded = [f.to_ndarray(format="rgb24") for f in islice(clip.decode(video=0), 12)]
    large = np.asarray(cv2.resize(decoded[0], (751, 611)), np.uint8)
    return [decoded[0], decoded[11], large, np.full((97, 130, 3), 90, np.uint8)]


def rows(found: list[Detection]) -> NDArray[np.float64]:
    """One row a face: box, score, ten coordinates, as facexlib gives them."""
    return np.array([[*f.box_px, f.score, *np.ravel(f.landmarks_px)] for f in found]).reshape(
        -1, 15
    )


def test_faces_equal_facexlibs_own(weights: dict[str, torch.Tensor], frames: list[U8]) -> None:
    theirs = published(weights)
    found = OfficialDetector.load(model(weights)).detect(frames)
    counts = []
    for frame, faces in zip(frames, found, strict=True):
        with torch.no_grad():
            wanted = theirs.detect_faces(np.ascontiguousarray(frame[..., ::-1]), 0.97, 0.4)
        got = rows(faces)
        assert got.shape == wanted.shape
        assert not len(got) or np.abs(got - wanted).max() <= PX
        counts.append(len(got))
    assert counts == [2, 2, 2, 0]


@pytest.mark.parametrize("size", [(8, 8), (9, 31), (24, 20), (31, 70)])
def test_tiny_frames_equal_facexlibs_own(
    weights: dict[str, torch.Tensor], frames: list[U8], size: tuple[int, int]
) -> None:
    """A thumbnail is smaller than the coarsest stride; it is looked at as upstream does."""
    small = np.asarray(cv2.resize(frames[0][:180, :180], size[::-1], interpolation=3), np.uint8)
    low = OfficialDetectorConfig(score_min=0.02)
    got = rows(OfficialDetector.load(model(weights), config=low).detect([small])[0])
    with torch.no_grad():
        wanted = published(weights).detect_faces(small[..., ::-1].copy(), 0.02, 0.4)
    assert got.shape == wanted.shape
    assert not len(got) or np.abs(got - wanted).max() <= PX


def test_a_frame_does_not_depend_on_its_neighbours(
    weights: dict[str, torch.Tensor], frames: list[U8]
) -> None:
    detector = OfficialDetector.load(model(weights), config=OfficialDetectorConfig(batch=3))
    together = detector.detect(frames[:2] + frames[3:])
    assert detector.detect(frames[1:2])[0] == together[1]
    assert detector.detect([frames[1], frames[0]])[1] == together[0]


def test_bfloat16_finds_the_same_faces_close_by(
    weights: dict[str, torch.Tensor], frames: list[U8]
) -> None:
    exact = OfficialDetector.load(model(weights)).detect(frames[:1])[0]
    fast = OfficialDetector.load(
        model(weights), config=OfficialDetectorConfig(precision="fast")
    ).detect(frames[:1])[0]
    assert len(fast) == len(exact) == 2
    apart = np.abs(rows(fast)[:, 5:] - rows(exact)[:, 5:]).max()
    assert 0 < apart <= 0.5, "points, in px of a frame 480 px wide"


def test_suppression_keeps_the_boxes_that_facexlib_keeps() -> None:
    from facexlib.detection.retinaface_utils import py_cpu_nms

    from forensics.faces.anchors import suppress_doubles

    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 40, (300, 2))
    boxes = np.hstack([corner, corner + rng.uniform(2, 14, (300, 2))]).astype(np.float32)
    scores = rng.permutation(300).astype(np.float32) / 300
    wanted = py_cpu_nms(np.hstack([boxes, scores[:, None]]), 0.4)
    kept = suppress_doubles(torch.from_numpy(boxes), torch.from_numpy(scores), 0.4)
    assert kept.tolist() == [int(index) for index in wanted]
    assert 10 < len(kept) < 290, "some stay and some go"


def test_names_saved_from_a_parallel_wrapper_are_understood() -> None:
    torch.manual_seed(0)
    net = RetinaFace("mobile0.25", device=torch.device("cpu"))
    state = {f"module.{name}": tensor for name, tensor in state_of(net).items()}
    assert backbone_of(state) == "mobile0.25"
    assert OfficialDetector.load(model(state)).backbone == "mobile0.25"


def test_other_weights_are_refused() -> None:
    with pytest.raises(IntegrityError, match="do not fit RetinaFace"):
        OfficialDetector.load(model({"a": torch.zeros(1)}))


def test_numbers_that_are_not_finite_are_an_error() -> None:
    torch.manual_seed(0)
    state = state_of(RetinaFace("mobile0.25", device=torch.device("cpu")))
    name = next(n for n in state if n.startswith("BboxHead") and n.endswith("bias"))
    state[name] = torch.full_like(state[name], float("nan"))
    with pytest.raises(ArithmeticError, match="not finite"):
        OfficialDetector.load(model(state)).detect([np.zeros((64, 64, 3), np.uint8)])


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((7, 64, 3), np.uint8),
    ],
)
def test_frames_of_another_kind_are_refused(frame: NDArray[np.generic]) -> None:
    torch.manual_seed(0)
    state = state_of(RetinaFace("mobile0.25", device=torch.device("cpu")))
    with pytest.raises(ValueError, match="a frame"):
        OfficialDetector.load(model(state)).detect([frame])  # type: ignore[list-item]  # on purpose

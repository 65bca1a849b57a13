"""People of different shots: joined where they look the same, told apart where they may not be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from forensics.faces.align import align_face, landmarks_array
from forensics.faces.detector import Detector
from forensics.faces.embed import Embedder, decision_of
from forensics.faces.track import Tracker, Tracks
from forensics.faces.tracklets import Decision
from forensics.models.load import load_embedded
from forensics.records import Detection
from tests.faces.test_track import Seen, face

# Who signs in the clips that nothing was chosen on, by clothes and face.
SIGNERS = {
    "brother.mkv": "skull",
    "please.mkv": "grey",
    "sister.mkv": "dots",
    "sorry.mkv": "grey",
    "student.mkv": "skull",
    "thanks.mkv": "grey",
    "yes.mkv": "skull",
}
EVERY = 5
DIM = 128


def turned(cosine: float) -> np.ndarray:
    """A unit row at that cosine from the first axis."""
    row = np.zeros(DIM, np.float32)
    row[:2] = cosine, np.sqrt(1 - cosine**2)
    return row


def two_shots(cosine: float, second: int = 30) -> Tracks:
    """One face in 30 frames, a cut, and one at ``cosine`` from it in ``second`` of 30 frames."""
    rng = np.random.default_rng(8)
    tracker = Tracker(Decision())
    for k in range(60):
        shown = k < 30 + second
        found = [face(Seen(0, 200, 200, 40), rng)] if shown else []
        rows = np.stack([turned(1.0 if k < 30 else cosine)]) if shown else np.zeros((0, DIM))
        tracker.add(k + 1, k / 25, found, rows.astype(np.float32), cut=k == 30)
    return tracker.finish()


@pytest.mark.parametrize(("cosine", "people"), [(0.72, 2), (0.79, 2), (0.81, 1), (0.95, 1)])
def test_people_of_two_shots_are_one_only_where_they_look_the_same(
    cosine: float, people: int
) -> None:
    """Within a shot a cosine of 0.72 joins; across a cut two signers looked as much alike."""
    assert len(two_shots(cosine).people) == people


def test_a_flash_in_another_shot_is_nobody_however_much_it_looks_like_somebody() -> None:
    tracks = two_shots(0.95, second=2)
    assert [p.frames[-1] for p in tracks.people] == [30]
    assert [line.frame for line in tracks.frames if line.rejected] == [31, 32]


def test_those_told_apart_in_one_shot_are_not_joined_by_another() -> None:
    """Both look like the face of the first shot; they were seen together in the second."""
    rng = np.random.default_rng(9)
    tracker = Tracker(Decision())
    for k in range(60):
        spots = (
            [Seen(0, 200, 200, 40)] if k < 30 else [Seen(0, 200, 200, 40), Seen(1, 500, 200, 40)]
        )
        rows = [turned(1.0)] if k < 30 else [turned(0.85), turned(0.9)]
        tracker.add(k + 1, k / 25, [face(s, rng) for s in spots], np.stack(rows), cut=k == 30)
    people = tracker.finish().people
    assert [len(p.faces) for p in people] == [60, 30]
    assert people[0].faces[-1].detection.box_px[0] > 400  # the likelier of the two


def signers(folder: Path, gain: float) -> Iterator[tuple[np.ndarray, str, bool]]:
    """Every fifth frame of each clip in ``gain`` of its light; who signs; whether a clip begins."""
    for name, who in SIGNERS.items():
        with av.open(str(folder / name)) as film:
            for k, frame in enumerate(film.decode(video=0)):
                if k % EVERY == 0:
                    rgb = frame.to_ndarray(format="rgb24")
                    yield cv2.convertScaleAbs(rgb, alpha=gain), who, k == 0


@pytest.mark.parametrize("gain", [1.0, 0.15])
def test_no_number_is_given_to_two_signers(shared_data: Path, gain: float) -> None:
    """Seven clips as one film, in its light and in a seventh of it: three people, three numbers."""
    detector = Detector.load(load_embedded("detector").state)
    model = load_embedded("appearance")
    embedder, tracker = Embedder(model.state), Tracker(decision_of(model.card))
    truth: dict[tuple[int, int], str] = {}
    for k, (rgb, who, cut) in enumerate(
        signers(shared_data / "clips/intel/asl_gestures", gain), start=1
    ):
        found = largest(detector.detect([rgb])[0])
        crops = [align_face(rgb, landmarks_array(d.landmarks_px)).crop_rgb_u8 for d in found]
        empty = np.zeros((0, 512, 512, 3), np.uint8)
        rows = embedder.embed(np.stack(crops) if crops else empty)
        tracker.add(k, k / 6, found, rows, cut=cut)
        truth.update({(k, index): who for index in range(len(found))})
    numbers: dict[int, set[str]] = {}
    for place, number in tracker.finish().mapping().items():
        if number is not None:
            numbers.setdefault(number, set()).add(truth[place])
    assert all(len(who) == 1 for who in numbers.values()), numbers
    assert len(numbers) == 3


def largest(found: list[Detection]) -> list[Detection]:
    """The signer; people also pass by at the rim of the picture."""
    return sorted(found, key=lambda d: -d.interocular_px)[:1]

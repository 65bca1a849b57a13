"""Official drawing: whose face upstream drew, and what it drew for nobody."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from forensics.faces.align import TEMPLATE_512
from forensics.media.reader import DecodedFrame
from forensics.passes.follow import FollowedFace
from forensics.passes.official import ReferenceDrawer, match_boxes
from forensics.records import Detection, Failure
from forensics.reference.frame import ReferenceFace, ReferenceFrame

SIZE_PX = 200
CROP = np.full((512, 512, 3), 90, np.uint8)
DRAWN = np.full((512, 512, 3), 160, np.uint8)


def points(left: float, top: float) -> tuple[tuple[float, float], ...]:
    """Five points of an upright face about 40 px wide whose crop begins at (left, top)."""
    return tuple((left + x * 0.08, top + y * 0.08) for x, y in TEMPLATE_512.tolist())


def box(left: float, top: float) -> tuple[float, float, float, float]:
    return (left, top, left + 40, top + 40)


def person(number: int, left: float, top: float) -> FollowedFace:
    five = points(left, top)
    detection = Detection(box(left, top), five, 0.9)  # type: ignore[arg-type]  # five of them
    return FollowedFace(number, detection, np.asarray(five), None, None)


def upstreams(left: float, top: float, restored: NDArray[np.uint8] | Failure) -> ReferenceFace:
    rows = ((12.5, 0.0, -12.5 * left), (0.0, 12.5, -12.5 * top))
    five = points(left, top)
    return ReferenceFace(CROP, restored, rows, five, box(left, top), 0.99)  # type: ignore[arg-type]  # five of them


@dataclass
class Upstream:
    """Stands for the reference engine: answers with what it was made with."""

    answer: ReferenceFrame | Failure
    asked: list[tuple[int, ...]] = field(default_factory=list)

    def enhance(self, frame_rgb_u8: NDArray[np.uint8]) -> ReferenceFrame | Failure:
        self.asked.append(frame_rgb_u8.shape)
        return self.answer


def frame() -> DecodedFrame:
    grey = np.full((SIZE_PX, SIZE_PX, 3), 128, np.uint8)
    return DecodedFrame(7, None, 0, 0.0, None, grey, "0" * 64)


def drawer(answer: ReferenceFrame | Failure, unsupported: bool = False) -> ReferenceDrawer:
    return ReferenceDrawer(Upstream(answer), unsupported, 2)  # type: ignore[arg-type]  # has the one method


def picture() -> NDArray[np.uint8]:
    return np.full((2 * SIZE_PX, 2 * SIZE_PX, 3), 77, np.uint8)


def test_boxes_are_matched_by_their_overlap_and_each_once() -> None:
    people = [box(0, 0), box(100, 100), box(150, 0)]
    found = [box(104, 100), box(4, 0), box(2, 0)]
    assert match_boxes(people, found) == {0: 2, 1: 0}


def test_order_of_confidence_does_not_decide_whose_face_it_is() -> None:
    made = ReferenceFrame(picture(), (upstreams(120, 20, DRAWN), upstreams(20, 20, DRAWN)))
    drawn = drawer(made).draw([(frame(), (person(0, 21, 20), person(1, 119, 20)))])[0]
    assert [face.followed.person for face in drawn.faces] == [0, 1]
    assert [round(face.followed.detection.box_px[0]) for face in drawn.faces] == [20, 120]
    assert all(face.restored_rgb_u8 is DRAWN for face in drawn.faces)
    for face in drawn.faces:
        assert face.aligned is not None
        np.testing.assert_array_equal(face.aligned.crop_rgb_u8, CROP)
        assert face.aligned.interocular_px == pytest.approx(125.92 * 0.08, abs=0.01)


def test_a_person_whom_upstream_did_not_find_is_skipped_with_the_reason() -> None:
    made = ReferenceFrame(picture(), (upstreams(20, 20, DRAWN),))
    drawn = drawer(made).draw([(frame(), (person(0, 20, 20), person(1, 120, 20)))])[0]
    assert [face.skipped for face in drawn.faces] == [None, "not_detected"]
    assert drawn.faces[1].restored_rgb_u8 is None


def test_a_face_that_is_nobodys_is_named_because_it_is_in_the_picture() -> None:
    made = ReferenceFrame(picture(), (upstreams(20, 20, DRAWN), upstreams(120, 20, DRAWN)))
    own = drawer(made)
    drawn = own.draw([(frame(), (person(0, 20, 20),))])[0]
    assert [item.reason for item in drawn.extra] == ["track_rejected"]
    assert drawn.note is not None
    assert drawn.note.startswith("1 face(s) drawn by the official code belong to nobody")
    assert own.picture(drawn).fallen_back is None


def test_failures_of_a_face_the_background_and_the_frame_stay_failures() -> None:
    torn = Failure("restore", "the official network failed on this face", "RuntimeError: x")
    lost = Failure("background", "the official network failed on the background", "RuntimeError: y")
    own = drawer(ReferenceFrame(picture(), (upstreams(20, 20, torn),), (), lost))
    drawn = own.draw([(frame(), (person(0, 20, 20),))])[0]
    assert drawn.faces[0].failure is torn
    assert drawn.faces[0].restored_rgb_u8 is None
    assert own.picture(drawn).fallen_back == f"{lost.reason} (RuntimeError: y)"

    whole = Failure("paste", "the official code failed to paste", "error: z")
    own = drawer(whole)
    drawn = own.draw([(frame(), (person(0, 20, 20),))])[0]
    assert drawn.faces[0].failure is whole
    plain = own.picture(drawn)
    assert plain.rgb_u8.shape == (2 * SIZE_PX, 2 * SIZE_PX, 3)
    assert set(np.unique(plain.rgb_u8)) == {128}
    assert plain.fallen_back == "the official code failed to paste (error: z)"


def test_an_unsupported_signal_never_reaches_upstream() -> None:
    own = drawer(ReferenceFrame(picture(), ()), unsupported=True)
    drawn = own.draw([(frame(), (person(0, 20, 20),))])[0]
    assert own.engine.asked == []  # type: ignore[attr-defined]  # the stand-in's
    assert drawn.faces[0].skipped == "unsupported_signal"


def test_each_picture_is_handed_out_once() -> None:
    own = drawer(ReferenceFrame(picture(), ()))
    drawn = own.draw([(frame(), ())])[0]
    assert own.picture(drawn).rgb_u8[0, 0, 0] == 77
    with pytest.raises(KeyError):
        own.picture(drawn)

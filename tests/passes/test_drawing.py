"""Native drawing: seeds, kept faces, lesser methods, masks that fail, the order of the paste."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from forensics.faces.align import TEMPLATE_512
from forensics.media.reader import DecodedFrame
from forensics.passes.drawing import DrawnFrame, Manner, NativeDrawer
from forensics.passes.follow import FollowedFace
from forensics.passes.kept import NOTHING_KEPT, Kept
from forensics.records import Detection, Failure
from forensics.restore.background import BackgroundFacts, Enlarged, LanczosBackground
from forensics.restore.mask import FaceMask, template_mask
from forensics.restore.restorer import FallenBack, Result, face_seed

U8 = NDArray[np.uint8]
SIZE_PX = 200


def person(number: int, left: float, top: float, score: float = 0.9) -> FollowedFace:
    """Somebody whose crop begins at (left, top), 0.08 px a template px."""
    five = tuple((left + x * 0.08, top + y * 0.08) for x, y in TEMPLATE_512.tolist())
    detection = Detection((left, top, left + 40, top + 40), five, score)  # type: ignore[arg-type]  # five of them
    return FollowedFace(number, detection, np.asarray(five), None, None)


def frame(number: int = 7) -> DecodedFrame:
    ramp = np.linspace(20, 220, SIZE_PX).astype(np.uint8)
    return DecodedFrame(
        number, None, 0, 0.0, None, np.dstack([np.tile(ramp, (SIZE_PX, 1))] * 3), "0"
    )


@dataclass
class Restorer:
    """Answers in turn with what a test lays out, else with plain grey 200; notes what it gets."""

    answers: dict[int, Result] = field(default_factory=dict)
    crops: list[U8] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)

    def restore(self, crops_rgb_u8: Sequence[U8], seeds: Sequence[int] = ()) -> list[Result]:
        grey = np.full((512, 512, 3), 200, np.uint8)
        results = [self.answers.get(len(self.crops) + k, grey) for k in range(len(crops_rgb_u8))]
        self.crops += list(crops_rgb_u8)
        self.seeds += list(seeds)
        return results


@dataclass
class Parser:
    """The template's mask for every face but those a test lets fail."""

    failing: set[int] = field(default_factory=set)

    def masks(self, restored_rgb_u8: Sequence[U8]) -> list[FaceMask | Failure]:
        lost = Failure("paste", "the parts of this face could not be found", "x")
        mask = FaceMask.of(template_mask().copy(), "bisenet")
        return [lost if k in self.failing else mask for k in range(len(restored_rgb_u8))]


def drawer(
    restorer: Restorer,
    parser: Parser | None = None,
    seed: int | None = None,
    kept: Kept = NOTHING_KEPT,
    compat: bool = False,
    unsupported: bool = False,
) -> NativeDrawer:
    manner = Manner(2, compat, seed, unsupported)
    return NativeDrawer(restorer, LanczosBackground(), parser, manner, kept)  # type: ignore[arg-type]  # stand-ins


def centre(picture: U8, face: FollowedFace) -> list[int]:
    """The restored picture's pixel in the middle of somebody's face."""
    x, y = (face.landmarks_px[2] * 2).astype(int)
    return [int(value) for value in picture[y, x]]


def test_a_seed_belongs_to_frame_and_person_and_reaches_the_network() -> None:
    restorer = Restorer()
    both = (person(0, 20, 20), person(3, 120, 20))
    drawn = drawer(restorer, seed=9).draw([(frame(4), both), (frame(5), both)])
    expected = [face_seed(9, f, p) for f in (4, 5) for p in (0, 3)]
    assert len(set(expected)) == 4
    assert restorer.seeds == expected
    assert [face.seed for one in drawn for face in one.faces] == expected


def test_without_a_seed_none_is_recorded_or_handed_on() -> None:
    restorer = Restorer()
    drawn = drawer(restorer).draw([(frame(), (person(0, 20, 20),))])
    assert restorer.seeds == []
    assert drawn[0].faces[0].seed is None


def test_faces_kept_from_the_same_crop_are_not_drawn_again() -> None:
    first = Restorer()
    both = (person(0, 20, 20), person(1, 120, 20))
    crop = drawer(first).draw([(frame(), both)])[0].faces[0].aligned
    assert crop is not None
    wanted = (7, 0, hashlib.sha256(crop.crop_rgb_u8.tobytes()).hexdigest())
    before = np.full((512, 512, 3), 33, np.uint8)

    class OneKept:
        def get(self, frame: int, person: int, crop_sha256: str) -> U8 | None:
            return before if (frame, person, crop_sha256) == wanted else None

    again = Restorer()
    drawn = drawer(again, kept=OneKept(), seed=1).draw([(frame(), both)])[0]
    assert drawn.faces[0].restored_rgb_u8 is before
    assert len(again.crops) == 1
    assert again.seeds == [face_seed(1, 7, 1)]
    np.testing.assert_array_equal(drawn.faces[1].restored_rgb_u8, np.full((512, 512, 3), 200))


def test_a_lesser_method_is_noted_and_a_failure_is_neither_pasted_nor_called_restored() -> None:
    lesser = FallenBack(np.full((512, 512, 3), 90, np.uint8), "fallen back (batch 4 -> 1): memory")
    lost = Failure("restore", "the network failed on this face", "RuntimeError: x")
    both = (person(0, 20, 20), person(1, 120, 20))
    own = drawer(Restorer({0: lesser, 1: lost}))
    drawn = own.draw([(frame(), both)])[0]
    assert drawn.faces[0].note == lesser.reason
    assert drawn.faces[1].failure is lost
    assert drawn.faces[1].restored_rgb_u8 is None
    picture = own.picture(drawn).rgb_u8
    assert centre(picture, both[0]) == [90, 90, 90]
    plain = LanczosBackground().enlarge(frame().rgb_u8, 2).rgb_u8
    np.testing.assert_array_equal(picture[:, 200:], plain[:, 200:])


def test_a_face_whose_parts_are_not_found_is_failed_and_not_pasted() -> None:
    both = (person(0, 20, 20), person(1, 120, 20))
    own = drawer(Restorer(), Parser({1}))
    drawn = own.draw([(frame(), both)])[0]
    assert drawn.faces[0].mask is not None
    assert drawn.faces[1].failure is not None
    assert drawn.faces[1].failure.stage == "paste"
    picture = own.picture(drawn).rgb_u8
    assert centre(picture, both[0]) == [200, 200, 200]
    plain = LanczosBackground().enlarge(frame().rgb_u8, 2).rgb_u8
    np.testing.assert_array_equal(picture[:, 200:], plain[:, 200:])


@pytest.mark.parametrize(("compat", "on_top"), [(True, 60), (False, 160)])
def test_where_faces_overlap_the_order_is_stated(compat: bool, on_top: int) -> None:
    """Upstream: by confidence, the least certain on top. Ours: by size, equal ones by person."""
    grey = {k: np.full((512, 512, 3), value, np.uint8) for k, value in enumerate((60, 160))}
    both = (person(0, 60, 60, score=0.8), person(1, 62, 60, score=0.95))
    own = drawer(Restorer(dict(grey)), compat=compat)
    drawn = own.draw([(frame(), both)])[0]
    assert centre(own.picture(drawn).rgb_u8, both[0])[0] == pytest.approx(on_top, abs=1)


def test_landmarks_that_form_no_face_and_unsupported_signals_have_their_outcome() -> None:
    flat = person(0, 20, 20)
    point = FollowedFace(0, flat.detection, np.zeros((5, 2)), None, None)
    drawn = drawer(Restorer()).draw([(frame(), (point,))])[0]
    assert drawn.faces[0].failure is not None
    assert drawn.faces[0].failure.stage == "align"
    restorer = Restorer()
    skipped = drawer(restorer, unsupported=True).draw([(frame(), (flat,))])[0]
    assert skipped.faces[0].skipped == "unsupported_signal"
    assert restorer.crops == []


def test_a_background_that_fell_back_says_so() -> None:
    class Lesser:
        facts = BackgroundFacts("realesrgan x2")

        def enlarge(self, frame_rgb_u8: U8, scale: float) -> Enlarged:
            return Enlarged(
                LanczosBackground().enlarge(frame_rgb_u8, scale).rgb_u8, "a tile failed"
            )

    own = NativeDrawer(Restorer(), Lesser(), None, Manner(2, False, None, False), NOTHING_KEPT)  # type: ignore[arg-type]  # stand-ins
    drawn: DrawnFrame = own.draw([(frame(), ())])[0]
    assert own.picture(drawn).fallen_back == "a tile failed"

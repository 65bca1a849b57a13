"""Which faces are examined further: spread over the clip, capped, flagged ones beside them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from forensics.passes.follow import FollowedFace, Following
from forensics.passes.key_faces import (
    FLAGGED_A_PERSON,
    KEYS_A_PERSON,
    MOST,
    NOT_KEY,
    KeyFaces,
    key_frames,
)
from forensics.records import Detection

POINT = (1.0, 2.0)
SEEN = Detection((0.0, 0.0, 9.0, 9.0), (POINT, POINT, POINT, POINT, POINT), 0.9)


def following(people: dict[int, Sequence[int]], frames: int) -> Following:
    """Each person in these frames."""
    faces: dict[int, tuple[FollowedFace, ...]] = {}
    for person, own in people.items():
        for frame in own:
            face = FollowedFace(person, SEEN, np.zeros((5, 2)), None, None)
            faces[frame] = (*faces.get(frame, ()), face)
    return Following(faces, {}, (), frames, len(people))


def test_key_frames_lie_in_the_middles_of_a_persons_own_stretches() -> None:
    found = key_frames(following({0: range(1, 241), 1: range(121, 151)}, 240), 9.6)
    assert found == {0: (61, 181), 1: (136,)}


def test_a_picture_and_a_short_clip_have_one_key_face() -> None:
    assert key_frames(following({0: [1]}, 1), None) == {0: (1,)}
    assert key_frames(following({0: range(1, 46)}, 45), 1.8) == {0: (23,)}


def test_no_two_planned_faces_lie_within_two_seconds() -> None:
    for seconds in (2.0, 3.9, 4.0, 5.0, 61.0):
        frames = round(seconds * 25)
        (own,) = key_frames(following({0: range(1, frames + 1)}, frames), seconds).values()
        assert 1 <= len(own) <= KEYS_A_PERSON
        assert all(b - a >= 2 * 25 - 1 for a, b in itertools.pairwise(own))


def test_everybody_gets_a_key_face_before_anybody_gets_a_second() -> None:
    crowd = following({p: range(1, 1001) for p in range(MOST - 2)}, 1000)
    found = key_frames(crowd, 40.0)
    assert sum(map(len, found.values())) == MOST
    assert min(map(len, found.values())) == 1
    assert [len(found[p]) for p in range(3)] == [2, 2, 1]
    assert found[5] == (251,)  # of two equally far from the middle, the earlier one
    many = key_frames(following({p: [1] for p in range(2 * MOST)}, 1), None)
    assert sum(map(len, many.values())) == MOST


def test_the_next_scored_face_stands_in_for_one_that_was_not() -> None:
    keys = KeyFaces({0: (10, 20)})
    taken = [frame for frame in range(1, 40, 4) if keys.takes(frame, 0, ())]
    assert taken == [13, 21]
    late = KeyFaces({0: (10, 20)})
    assert [f for f in (30, 31, 32) if late.takes(f, 0, ())] == [30]


def test_the_first_face_of_each_new_flag_is_taken_up_to_the_cap() -> None:
    keys = KeyFaces({0: (50,)})
    flags = [("profile",), ("profile",), ("too_small",), ("glasses",), ("swap",)]
    taken = [keys.takes(k, 0, codes) for k, codes in enumerate(flags, 1)]
    assert taken == [True, False, False, False, False]
    assert taken.count(True) == FLAGGED_A_PERSON
    assert keys.takes(50, 0, ("glasses",))


def test_flagged_faces_never_take_the_places_of_planned_ones() -> None:
    planned = dict.fromkeys(range(MOST), (100,))
    keys = KeyFaces(planned)
    assert not keys.takes(1, 0, ("profile",))
    assert all(keys.takes(100, p, ()) for p in range(MOST))
    assert not keys.takes(101, 0, ("glasses",))


def test_the_caps_are_named_in_the_reason_of_the_others() -> None:
    assert "at most 2 of a person, one in 2 s, beside them 1 flagged, 12 in all" in NOT_KEY

"""Tracking: people keep their numbers on made tracks whose truth is known."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forensics.faces.align import TEMPLATE_512, TEMPLATE_INTEROCULAR_PX
from forensics.faces.smoothing import smooth_landmarks
from forensics.faces.track import Tracker, Tracks
from forensics.faces.tracklets import Decision
from forensics.records import Detection

DIM = 128
# The made embeddings below say little under 16 px between the eyes and much above.
RULE = Decision((8.0, 12.0, 16.0, 24.0, 40.0), (0.1, 0.15, 0.22, 0.3, 0.4), (6, 10, 10, 12, 14))


@dataclass(frozen=True)
class Seen:
    """Truth of one made detection."""

    person: int
    x_px: float
    y_px: float
    eyes_px: float
    score: float = 0.95


Frame = tuple[float, list[Seen]]  # time stamp and who is seen


def face(seen: Seen, rng: np.random.Generator) -> Detection:
    """A detection with the detector's trembling: 3 % of the eye distance."""
    scale = seen.eyes_px / TEMPLATE_INTEROCULAR_PX
    points = (TEMPLATE_512 - 256) * scale + (seen.x_px, seen.y_px)
    points = points + rng.normal(0, 0.03 * seen.eyes_px, points.shape)
    half = 1.1 * seen.eyes_px * np.exp(rng.normal(0, 0.04, 4))
    x, y = np.array([seen.x_px, seen.y_px]) + rng.normal(0, 0.05 * seen.eyes_px, 2)
    box = (x - half[0], y - half[1], x + half[2], y + half[3])
    a, b, c, d, e = ((float(u), float(v)) for u, v in points)
    return Detection(tuple(float(v) for v in box), (a, b, c, d, e), seen.score)  # type: ignore[arg-type]  # four values


def look(person: int, eyes_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """A unit embedding: two of one person have a mean cosine of 0.8 at 40 px, 0.25 at 12 px."""
    own = np.random.default_rng(1000 + person).standard_normal(DIM)
    noise = rng.standard_normal(DIM) * np.clip(20.0 / eyes_px, 0.5, 3.0)
    vector = own + noise
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def run(
    frames: list[Frame], seed: int, cuts: tuple[int, ...] = (), shuffle: bool = False
) -> Tracks:
    """Track made frames. ``shuffle`` changes the order of detections and nothing else."""
    rng = np.random.default_rng(seed)
    mixer = np.random.default_rng(seed + 1)
    tracker = Tracker(RULE)
    for k, (time_s, people) in enumerate(frames, start=1):
        found = [(face(p, rng), look(p.person, p.eyes_px, rng)) for p in people]
        order = mixer.permutation(len(found)) if shuffle else np.arange(len(found))
        vectors = np.array([found[i][1] for i in order], np.float32).reshape(len(found), DIM)
        tracker.add(k, time_s, [found[i][0] for i in order], vectors, cut=k in cuts)
    return tracker.finish()


def owners(tracks: Tracks, frames: list[Frame]) -> dict[int, set[int | None]]:
    """True person to the numbers it was given (None: rejected)."""
    given_to: dict[int, set[int | None]] = {}
    mapping = tracks.mapping()
    for k, (_, people) in enumerate(frames, start=1):
        for index, seen in enumerate(people):
            given_to.setdefault(seen.person, set()).add(mapping[k, index])
    return given_to


def crossing(
    eyes: tuple[float, float] = (30.0, 40.0),
    fps: float = 25.0,
    seconds: float = 4.0,
    hidden_s: float = 0.3,
) -> list[Frame]:
    """Two people change sides; the first is hidden behind the second in the middle."""
    frames: list[Frame] = []
    for k in range(int(seconds * fps)):
        t = k / fps
        share = t / seconds
        near = abs(t - seconds / 2) < hidden_s / 2
        people = [] if near else [Seen(0, 80 + 480 * share, 150, eyes[0], 0.99 - 0.3 * share)]
        people.append(Seen(1, 560 - 480 * share, 160, eyes[1], 0.7 + 0.29 * share))
        frames.append((t, people))
    return frames


def test_a_crossing_with_occlusion_keeps_both_numbers() -> None:
    frames = crossing()
    tracks = run(frames, 1)
    assert owners(tracks, frames) == {0: {0}, 1: {1}}
    assert [len(p.faces) for p in tracks.people] == [
        sum(any(s.person == n for s in f[1]) for f in frames) for n in (0, 1)
    ]
    ((first, last),) = tracks.people[0].gaps
    hidden = [k for k, f in enumerate(frames, 1) if all(s.person != 0 for s in f[1])]
    assert (first, last) == (hidden[0], hidden[-1])


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    small=st.floats(13, 45),
    large=st.floats(13, 45),
    fps=st.sampled_from([12.0, 15.0, 25.0]),
)
def test_crossings_at_any_size_and_rate(seed: int, small: float, large: float, fps: float) -> None:
    frames = crossing((small, large), fps, 3.0, 0.2)
    assert owners(run(frames, seed), frames) == {0: {0}, 1: {1}}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), away_s=st.floats(0.7, 2.5), eyes=st.floats(18, 60))
def test_a_person_who_leaves_and_returns_elsewhere(seed: int, away_s: float, eyes: float) -> None:
    frames: list[Frame] = []
    for k in range(120):
        t = k / 25
        people = [Seen(1, 300, 150, 40)]
        if t < 1.2:
            people.insert(0, Seen(0, 100 - 60 * t, 140, eyes))
        elif t > 1.2 + away_s:
            people.append(Seen(0, 560 - 40 * (t - 1.2 - away_s), 170, eyes * 0.8))
        frames.append((t, people))
    tracks = run(frames, seed)
    assert owners(tracks, frames) == {0: {0}, 1: {1}}
    assert len(tracks.people[0].starts) == 2


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_growing_and_shrinking_with_missed_detections(seed: int) -> None:
    draw = np.random.default_rng(seed)
    frames: list[Frame] = []
    for k in range(160):
        t = k / 20
        eyes = 12 * (90 / 12) ** float(np.sin(np.pi * t / 8) ** 2)
        people = [] if draw.random() < 0.1 else [Seen(0, 200 + 20 * t, 200, eyes)]
        if draw.random() > 0.1:
            people.append(Seen(1, 500 - 10 * t, 180, 30))
        frames.append((t, people))
    frames[0] = (0.0, [Seen(0, 200, 200, 12), Seen(1, 500, 180, 30)])
    assert owners(run(frames, seed), frames) == {0: {0}, 1: {1}}


@pytest.mark.parametrize("told", [True, False])
def test_a_cut_that_swaps_places(told: bool) -> None:
    frames: list[Frame] = []
    for k in range(60):
        left, right = (0, 1) if k < 30 else (1, 0)
        frames.append((k / 25, [Seen(left, 150, 150, 35), Seen(right, 450, 150, 35)]))
    tracks = run(frames, 3, cuts=(31,) if told else ())
    assert owners(tracks, frames) == {0: {0}, 1: {1}}


def test_one_misleading_picture_does_not_break_a_steady_track() -> None:
    """A face half out of view looks like somebody else for one frame."""
    frames = crossing((35, 40))
    frames[30][1][0] = Seen(9, *[getattr(frames[30][1][0], n) for n in ("x_px", "y_px", "eyes_px")])
    frames[0][1][0] = Seen(8, *[getattr(frames[0][1][0], n) for n in ("x_px", "y_px", "eyes_px")])
    tracks = run(frames, 6)
    assert len(tracks.people) == 2
    assert owners(tracks, frames) == {0: {0}, 1: {1}, 8: {0}, 9: {0}}
    odd = tracks.people[0].faces[30]
    assert odd.similarity is not None
    assert odd.similarity < 0.3  # the doubt stays visible


def test_uneven_frame_times() -> None:
    times = np.cumsum(np.random.default_rng(5).choice([0.033, 0.067], 90))
    frames = [
        (float(t), [Seen(0, 100 + 60 * float(t), 150, 20), Seen(1, 420, 150, 20)]) for t in times
    ]
    assert owners(run(frames, 5), frames) == {0: {0}, 1: {1}}


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_detections_changes_nothing(seed: int) -> None:
    frames = crossing((22, 26))
    plain, mixed = run(frames, seed), run(frames, seed, shuffle=True)

    def places(tracks: Tracks) -> list[tuple[int, int, tuple[float, ...]]]:
        return [(p.person, f.frame, f.detection.box_px) for p in tracks.people for f in p.faces]

    assert places(plain) == places(mixed)
    pairs = zip(plain.people, mixed.people, strict=True)
    assert all(a.gaps == b.gaps and a.starts == b.starts for a, b in pairs)


def test_short_weak_tracklets_are_reported_not_dropped() -> None:
    frames = crossing()
    for k in (20, 21, 60):
        frames[k][1].append(Seen(7, 320, 420, 15, 0.55))
    tracks = run(frames, 2)
    assert len(tracks.people) == 2
    assert [(line.frame, line.rejected) for line in tracks.frames if line.rejected] == [
        (21, (2,)),
        (22, (2,)),
        (61, (2,)),
    ]
    seen = sum(len(f[1]) for f in frames)
    assert seen == sum(len(line.people) + len(line.rejected) for line in tracks.frames)


def test_a_single_picture_rejects_nobody() -> None:
    frames: list[Frame] = [(0.0, [Seen(1, 400, 100, 20, 0.5), Seen(0, 100, 100, 20, 0.6)])]
    tracks = run(frames, 2)
    assert tracks.frames[0].people == ((1, 0), (0, 1))  # numbered from left to right
    assert tracks.people[0].faces[0].similarity is None
    assert tracks.people[0].faces[0].rival is not None


def test_photographs_of_a_folder_are_shots_and_reject_nobody() -> None:
    """Twelve portraits of twelve people, one after another, with a cut before each."""
    frames: list[Frame] = [(k / 25, [Seen(k, 256, 256, 120, 0.99)]) for k in range(12)]
    tracks = run(frames, 3, cuts=tuple(range(2, 13)))
    assert len(tracks.people) == 12
    assert all(not line.rejected for line in tracks.frames)


@pytest.mark.parametrize(("shot", "kept"), [(4, True), (5, False), (40, False)])
def test_a_short_sighting_counts_by_the_frames_of_its_own_shot(shot: int, kept: bool) -> None:
    """Seen twice: in a shot of four frames there was no chance to be seen often."""
    frames: list[Frame] = [(k / 25, []) for k in range(80)]
    for k in (40, 41):
        frames[k] = (k / 25, [Seen(0, 256, 256, 40, 0.99)])
    tracks = run(frames, 5, cuts=(41, 41 + shot))
    assert len(tracks.people) == kept


def test_an_empty_clip() -> None:
    tracks = run([(0.0, []), (0.04, [])], 0)
    assert tracks.people == ()
    assert [line.frame for line in tracks.frames] == [1, 2]


def test_similarity_tells_own_from_rival() -> None:
    tracks = run(crossing((40, 40)), 4)
    faces = [f for p in tracks.people for f in p.faces]
    own = np.mean([f.similarity for f in faces if f.similarity is not None])
    rival = np.mean([f.rival for f in faces if f.rival is not None])
    assert own > 0.7
    assert rival < 0.3


def test_wrong_calls_are_refused() -> None:
    tracker = Tracker()
    one = face(Seen(0, 100, 100, 30), np.random.default_rng(0))
    with pytest.raises(ValueError, match="0 embeddings for 1 detections"):
        tracker.add(1, 0.0, [one], np.zeros((0, DIM), np.float32))
    tracker.add(2, 0.0, [], np.zeros((0, DIM), np.float32))
    with pytest.raises(ValueError, match="frame 2 after frame 2"):
        tracker.add(2, 0.1, [], np.zeros((0, DIM), np.float32))
    with pytest.raises(ValueError, match="not finite"):
        tracker.add(3, 0.2, [one], np.full((1, DIM), np.nan, np.float32))


def test_smoothing_lowers_trembling_and_does_not_lag() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(60) / 25
    path = np.stack([200 + 90 * times, 150 + 20 * times], 1)
    clean = (TEMPLATE_512 - 256)[None] * (30 / TEMPLATE_INTEROCULAR_PX) + path[:, None]
    raw = clean + rng.normal(0, 0.8, clean.shape)
    smooth = smooth_landmarks(raw, times)
    before = float(np.sqrt(((raw - clean) ** 2).mean()))
    after = float(np.sqrt(((smooth - clean) ** 2).mean()))
    assert after < 0.75 * before
    bias = (smooth - clean)[5:-5].mean((0, 1))
    assert np.abs(bias).max() < 0.15  # px; a lag of one frame would be 3.6 px
    most = np.linalg.norm(smooth - raw, axis=2).max()
    assert most <= 0.08 * 30 * 1.2  # never far from what was detected


def test_smoothing_leaves_clean_tracks_and_breaks_alone() -> None:
    times = np.arange(20) / 25
    still = np.repeat(TEMPLATE_512[None], 20, 0) * 0.2
    jump = still.copy()
    jump[10:] += 100.0
    np.testing.assert_allclose(smooth_landmarks(still, times), still, atol=1e-9)
    np.testing.assert_allclose(smooth_landmarks(jump, times, (10,)), jump, atol=1e-9)


def test_points_that_coincide_are_left_as_they_are() -> None:
    times = np.arange(5) / 25
    points = np.repeat(TEMPLATE_512[None], 5, 0) * 0.2
    points[2] = 7.0
    np.testing.assert_array_equal(smooth_landmarks(points, times), points)


def test_detections_stay_frozen() -> None:
    one = face(Seen(0, 100, 100, 30), np.random.default_rng(0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.score = 1.0  # type: ignore[misc]  # the point of the test

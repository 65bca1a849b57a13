"""Faces over time: trembling, morphing and drift of known size, and their windows."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from forensics.scoring.flags import person_flags
from forensics.scoring.measure import TEMPLATE_INTEROCULAR_PX
from forensics.scoring.over_time_table import OverTimeTable, TimeBand, shipped_over_time
from forensics.scoring.registration import place, small_luma
from forensics.scoring.temporal import (
    NO_TIME,
    NOT_EMBEDDED,
    NOT_PLACED,
    TOO_FEW,
    TOO_SLOW,
    OverTime,
    TemporalMeter,
    dispersion,
    fast_part,
)
from forensics.scoring.thresholds import shipped_thresholds
from forensics.scoring.unsteady import find_unsteady
from tests.scoring.made_faces import Picture, filmed
from tests.scoring.test_flags import fact

FPS = 25


def moved(picture: Picture, right: float, down: float, size: float = 1.0) -> Picture:
    """The picture moved and enlarged about the middle of the inner face."""
    matrix = np.array([[size, 0, (1 - size) * 257.5 + right], [0, size, (1 - size) * 289.5 + down]])
    how = cv2.INTER_LANCZOS4
    out = cv2.warpAffine(picture, matrix, (512, 512), flags=how, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(out, np.uint8)


def crop_of(truth: Picture, number: int, factor: float = 4.0) -> Picture:
    """The crop that footage of this face gives; its noise differs from frame to frame."""
    small = filmed(truth, factor, noise=0.0).astype(float)
    small += np.random.default_rng(number).normal(0, 2, small.shape)
    footage = np.clip(np.rint(small), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(footage, (512, 512), interpolation=cv2.INTER_CUBIC), np.uint8)


def swaying(truth: Picture, number: int) -> Picture:
    """A head that sways at 1 Hz by 6 template px, as landmarks that glide leave it."""
    t = number / FPS
    return moved(truth, 6 * np.sin(2 * np.pi * t), 4 * np.cos(1.4 * np.pi * t))


def followed(crops: list[Picture], restored: list[Picture], **changes: object) -> list[OverTime]:
    """What the meter says of each frame of one person at 25 frames a second."""
    meter, found = TemporalMeter(), []
    for number, (crop, drawn) in enumerate(zip(crops, restored, strict=True), 1):
        found.append(_add(meter, number, crop, drawn, **changes)[0])
    return found


def _add(
    meter: TemporalMeter, number: int, crop: Picture, drawn: Picture, **changes: object
) -> tuple[OverTime, dict[str, str]]:
    given = {
        "person": 0,
        "frame": number,
        "pts_s": number / FPS,
        "shot": 1,
        "scale": 4.0,
        "yaw_deg": 5.0,
    }
    return meter.add(crop_rgb_u8=crop, restored_rgb_u8=drawn, **(given | changes))  # type: ignore[arg-type]  # fields by name


@pytest.fixture(scope="module")
def clip(portrait: Picture) -> tuple[list[Picture], list[Picture]]:
    """Crops and truths of one moving face, 16 frames."""
    truths = [swaying(portrait, k) for k in range(16)]
    return [crop_of(truth, k) for k, truth in enumerate(truths)], truths


# ---------------------------------------------------------------- registration


@pytest.mark.parametrize(("right", "down"), [(0.0, 0.0), (1.0, -3.0), (8.0, 5.0), (-20.0, 2.5)])
def test_a_moved_face_is_placed_to_a_tenth_of_a_template_px(
    portrait: Picture, right: float, down: float
) -> None:
    seen = small_luma(crop_of(portrait, 1))
    found = place(small_luma(moved(portrait, right, down)), seen, 4.0)
    assert found is not None
    assert (found.right_px, found.down_px) == pytest.approx((-right, -down), abs=0.1)
    assert (found.larger_px, found.turned_px) == pytest.approx((0, 0), abs=0.15)


def test_a_larger_face_is_told_from_a_moved_one(portrait: Picture) -> None:
    found = place(small_luma(moved(portrait, 0, 0, 1.02)), small_luma(crop_of(portrait, 1)), 4.0)
    assert found is not None
    # 2 % of the RMS distance of the inner face from its middle, which is about 80 px.
    assert found.larger_px == pytest.approx(-1.6, abs=0.25)
    assert (found.right_px, found.down_px) == pytest.approx((0, 0), abs=0.15)


def test_a_flat_or_inverted_picture_has_no_place(portrait: Picture) -> None:
    seen = small_luma(crop_of(portrait, 1))
    assert place(np.full_like(seen, 90), seen, 4.0) is None
    assert place(255 - small_luma(portrait), seen, 4.0) is None


# ---------------------------------------------------------------- the fast part


@pytest.mark.parametrize("fps", [12, 25, 60])
@pytest.mark.parametrize("n_px", [0.5, 3.0])
def test_independent_movement_of_n_px_reads_n_at_any_frame_rate(fps: float, n_px: float) -> None:
    read = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        times = np.arange(max(fps, 12)) / fps
        angle = rng.uniform(0, 2 * np.pi, len(times))
        read.append(fast_part(times.tolist(), n_px * np.stack([np.cos(angle), np.sin(angle)], 1)))
    assert np.sqrt(np.mean(np.square(np.array(read, float)))) == pytest.approx(n_px, rel=0.05)


def test_slow_movement_and_uneven_times_leave_nothing() -> None:
    rng = np.random.default_rng(4)
    times = np.cumsum(rng.uniform(0.03, 0.05, 25))
    sway = 10 * np.sin(2 * np.pi * 1.2 * times)[:, None]
    trend = 30 * (times - times[0])[:, None]
    assert fast_part(times.tolist(), np.hstack([sway, trend])) == pytest.approx(0.0, abs=0.05)
    fast = 2 * np.sin(2 * np.pi * 8 * times)[:, None]
    read = fast_part(times.tolist(), fast + trend)
    assert read == pytest.approx(2 / 2**0.5, rel=0.3)  # the RMS of a wave of amplitude 2


def test_frames_that_come_too_slowly_have_no_fast_part() -> None:
    assert fast_part((np.arange(12) / 6).tolist(), np.zeros((12, 1))) is None


def test_dispersion_is_the_mean_over_all_pairs() -> None:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(9, 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [1 - rows[a] @ rows[b] for a in range(9) for b in range(a)]
    assert dispersion(list(rows.astype(np.float32))) == pytest.approx(np.mean(pairs), abs=1e-6)
    assert dispersion([rows[0].astype(np.float32)] * 5) == pytest.approx(0.0, abs=1e-6)


# ---------------------------------------------------------------- known answers


def test_a_steady_restoration_of_a_moving_face_reads_about_nothing(
    clip: tuple[list[Picture], list[Picture]],
) -> None:
    last = followed(*clip)[-1]
    assert last.jitter_pct is not None
    assert last.jitter_pct < 0.1  # % of the eye distance: an eighth of a template px
    assert last.morph_grey is not None
    assert last.morph_grey < 2.0  # grey levels; of a sharpened portrait, whose flow is not perfect


@pytest.mark.parametrize("n_px", [1.0, 4.0])
def test_a_restoration_that_trembles_by_n_px_reads_n_px(
    clip: tuple[list[Picture], list[Picture]], n_px: float
) -> None:
    crops, truths = clip
    rng = np.random.default_rng(11)
    angles = rng.uniform(0, 2 * np.pi, len(truths))
    steps = n_px * np.stack([np.cos(angles), np.sin(angles)], 1)
    drawn = [moved(t, *step) for t, step in zip(truths, steps, strict=True)]
    last = followed(crops, drawn)[-1]
    assert last.jitter_pct is not None
    read_px = last.jitter_pct * TEMPLATE_INTEROCULAR_PX / 100
    expected = fast_part([k / FPS for k in range(16)], steps)  # of these very steps
    assert read_px == pytest.approx(expected, rel=0.05)
    assert read_px == pytest.approx(n_px, rel=0.3)  # of sixteen draws
    # What trembles does not change: the two are told apart.
    assert last.morph_grey is not None
    steady = followed(crops, truths)[-1].morph_grey
    assert steady is not None
    assert last.morph_grey < steady + 0.6


def test_a_restoration_that_morphs_is_seen_and_does_not_tremble(
    clip: tuple[list[Picture], list[Picture]],
) -> None:
    crops, truths = clip
    drawn = []
    for k, truth in enumerate(truths):
        # Detail that comes and goes at every other frame, as between two restorations.
        soft = cv2.GaussianBlur(truth, (0, 0), 6).astype(float)
        gain = 1.0 + 0.8 * (k % 2)
        drawn.append(np.clip(soft + gain * (truth - soft), 0, 255).astype(np.uint8))
    steady, last = followed(crops, truths)[-1], followed(crops, drawn)[-1]
    assert last.morph_grey is not None
    assert steady.morph_grey is not None
    assert last.morph_grey > steady.morph_grey + 3  # grey levels
    assert last.jitter_pct is not None
    assert last.jitter_pct < 0.3


def test_a_shift_in_time_is_a_wrong_place_and_no_trembling(
    clip: tuple[list[Picture], list[Picture]],
) -> None:
    """An expected miss of `jitter`: the displacement is slow; `contradiction` is for it."""
    crops, truths = clip
    late = [truths[max(0, k - 3)] for k in range(len(truths))]
    last = followed(crops[3:], late[3:])[-1]
    assert last.jitter_pct is not None
    assert last.jitter_pct < 0.3
    found = place(small_luma(late[8]), small_luma(crops[8]), 4.0)
    t, before = 8 / FPS, 5 / FPS
    away = 6 * (np.sin(2 * np.pi * t) - np.sin(2 * np.pi * before))
    assert found is not None
    assert found.right_px == pytest.approx(away, abs=0.2)


def test_one_frame_not_restored_is_a_pop_inferred_from_pixels(
    clip: tuple[list[Picture], list[Picture]],
) -> None:
    crops, truths = clip
    drawn = [*truths[:7], crops[7], *truths[8:]]
    facts = [fact(k, over_time=o) for k, o in enumerate(followed(crops, drawn), 1)]
    pop = next(f for f in person_flags(0, facts) if f.code == "pop")
    assert pop.frames == ((7, 9),)
    assert "1 frame without restoration, 1 inferred from pixels" in (pop.detail or "")
    # The log of a run knows better: footage that turns blurred at once looks the same.
    assert all(f.code != "pop" for f in person_flags(0, facts, logged=True))
    steady = [fact(k, over_time=o) for k, o in enumerate(followed(crops, truths), 1)]
    assert all(f.code != "pop" for f in person_flags(0, steady))


def test_people_exchanged_half_way_disperse() -> None:
    """Ids swapped: the restored face becomes another one while the footage stays."""
    rng = np.random.default_rng(8)
    one, other = np.linalg.qr(rng.normal(size=(32, 2)))[0].T.astype(np.float32)
    meter, grey = TemporalMeter(), np.zeros((512, 512, 3), np.uint8)
    for number in range(1, 21):
        drawn = one if number <= 10 else other
        last, _ = _add(meter, number, grey, grey, embedded=(drawn, one))
    # Ten of each: 10 * 10 of 190 pairs are orthogonal.
    assert last.dispersion == pytest.approx(100 / 190, abs=1e-6)


# ---------------------------------------------------------------- windows and reasons


def test_reasons_say_why_nothing_is_measured(clip: tuple[list[Picture], list[Picture]]) -> None:
    crop, truth = clip[0][0], clip[1][0]
    assert _add(TemporalMeter(), 1, crop, truth, pts_s=None)[1]["jitter"] == NO_TIME
    meter = TemporalMeter()
    for number in range(1, 12):
        said = _add(meter, number, crop, truth)
    assert said[1] == {"jitter": TOO_FEW, "identity_dispersion": NOT_EMBEDDED}
    assert said[0].jitter_pct is None
    assert "jitter" not in _add(meter, 12, crop, truth)[1]
    # A cut, then a gap of more than half a second, begin anew.
    assert _add(meter, 13, crop, truth, shot=2)[1]["jitter"] == TOO_FEW
    meter = TemporalMeter()
    for number in range(1, 13):
        _add(meter, number, crop, truth)
    assert _add(meter, 26, crop, truth)[1]["jitter"] == TOO_FEW
    slow = TemporalMeter()
    for number in range(1, 13):
        said = _add(slow, number, crop, truth, pts_s=number / 6)
    assert said[1]["jitter"] == TOO_SLOW


def test_a_face_that_cannot_be_laid_on_the_footage_is_not_measured(portrait: Picture) -> None:
    crop, flat = crop_of(portrait, 1), np.full_like(portrait, 128)
    meter = TemporalMeter()
    for number in range(1, 13):
        said = _add(meter, number, crop, flat)
    assert said[1]["jitter"] == NOT_PLACED
    assert said[0].morph_grey is None


def test_a_head_that_is_turned_away_is_not_measured(
    clip: tuple[list[Picture], list[Picture]],
) -> None:
    crop, truth = clip[0][0], clip[1][0]
    for yaw_deg, reason in ((35.0, None), (-36.0, NOT_PLACED), (None, None)):
        meter = TemporalMeter()
        for number in range(1, 13):
            said = _add(meter, number, crop, truth, yaw_deg=yaw_deg)
        assert said[1].get("jitter") == reason
        assert (said[0].morph_grey is None) == (reason is not None)


def test_two_people_do_not_mix(clip: tuple[list[Picture], list[Picture]]) -> None:
    crop, truth = clip[0][0], clip[1][0]
    meter = TemporalMeter()
    for number in range(1, 13):
        _add(meter, number, crop, truth)
        said = _add(meter, number, crop, truth, person=1)
    assert said[0].since_frame == 1
    assert _add(meter, 13, crop, truth, person=2)[1]["jitter"] == TOO_FEW


# ---------------------------------------------------------------- flags


def table() -> OverTimeTable:
    """One band: limits of 1 % and 2 grey levels, and of 0.1 for one network."""
    limits = {"jitter": 1.0, "morphing": 2.0, "identity_dispersion": 0.1}
    bands = {name: (TimeBand(16.0, 110.0, 0.0, p99, 50, 4.0),) for name, p99 in limits.items()}
    needs = {"identity_dispersion": "identity"}
    return OverTimeTable("test", bands, needs, {"identity": "1" * 64})


def trembling(frames: range, **values: float) -> list[object]:
    return [fact(k, over_time=OverTime(max(1, k - 24), 5.0, **values)) for k in frames]


def flagged(facts: list[object]) -> dict[str, object]:
    found = find_unsteady(0, facts, shipped_thresholds(), table())  # type: ignore[arg-type]  # facts
    return {f.code: f for f in found}


def test_a_stretch_above_the_limit_is_flagged_from_where_its_window_begins() -> None:
    steady = trembling(range(1, 40), jitter_pct=0.4)
    facts = steady + trembling(range(40, 60), jitter_pct=1.7)
    found = flagged(facts)["jitter"]
    assert found.frames == ((16, 59),)  # type: ignore[attr-defined]
    assert (found.measured, found.reference) == (1.7, 1.0)  # type: ignore[attr-defined]
    assert found.severity == "caution"  # type: ignore[attr-defined]


def test_few_faces_above_the_limit_and_small_ones_are_not_flagged() -> None:
    assert flagged(trembling(range(1, 6), jitter_pct=9.0)) == {}
    faint = {"jitter_pct": 9.0, "contrast_grey": 3.9}
    assert flagged(trembling(range(1, 60), **faint)) == {}
    assert list(flagged(trembling(range(1, 60), **faint | {"contrast_grey": 4.0}))) == ["jitter"]
    small = [replace(f, interocular_px=12.0) for f in trembling(range(1, 60), jitter_pct=9.0)]  # type: ignore[type-var]
    assert flagged(small) == {}
    assert flagged([fact(k) for k in range(1, 60)]) == {}


def test_morphing_says_which_of_its_two_signs_was_found() -> None:
    drawn = flagged(trembling(range(1, 30), morph_grey=5.0))["morphing"]
    assert (drawn.measured, drawn.unit) == (5.0, "grey levels")  # type: ignore[attr-defined]
    drifting = flagged(trembling(range(1, 30), dispersion=0.3))["morphing"]
    assert (drifting.measured, drifting.unit) == (0.3, None)  # type: ignore[attr-defined]
    both = flagged(trembling(range(1, 30), dispersion=0.3, morph_grey=5.0))["morphing"]
    assert both.detail.count(";") == 1  # type: ignore[attr-defined]


def test_a_dispersion_of_another_network_has_no_reference() -> None:
    made = table()
    assert made.look_up("identity_dispersion", 40.0, {"identity": "2" * 64}) is None
    assert made.look_up("identity_dispersion", 40.0, {"identity": "1" * 64}) is not None
    assert made.look_up("jitter", 40.0) is not None
    assert made.look_up("jitter", 8.0) is None


def test_the_shipped_table_says_where_it_comes_from() -> None:
    shipped = shipped_over_time()
    names = {"jitter", "morphing", "identity_dispersion"}
    assert set(shipped.bands) == names | {name + "_fine" for name in names}
    assert set(shipped.needs) == {"identity_dispersion", "identity_dispersion_fine"}
    for bands in shipped.bands.values():
        assert bands
        assert all(b.p50 < b.p99 and b.n >= 20 for b in bands)
    # Coarse coding lets a true face tremble more: what is not known to be fine gets more room.
    coarse, fine = (shipped.look_up("jitter", 30.0, fine=fine) for fine in (False, True))
    assert coarse is not None
    assert fine is not None
    assert fine.p99 < coarse.p99


# ---------------------------------------------------------------- pops a minute


def test_pops_of_a_long_track_have_a_rate() -> None:
    missing = {100, 101, 200}
    facts = [fact(k, outcome="failed" if k in missing else "restored") for k in range(1, 500)]
    pop = next(f for f in person_flags(0, facts) if f.code == "pop")
    # Two places in 498 / 25 s.
    assert pop.measured == pytest.approx(2 * 60 * 25 / 498)
    assert pop.unit == "a minute"
    short = next(f for f in person_flags(0, facts[90:110]) if f.code == "pop")
    assert short.measured is None

"""Flags of a face and of a person over time: rules, ranges, gates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forensics.records import FlagCode, Outcome
from forensics.scoring.continuity import StepMeter
from forensics.scoring.facts import FaceFact, merged_ranges
from forensics.scoring.flags import face_flags, person_flags
from forensics.scoring.thresholds import shipped_thresholds

HELD = {
    "contradiction": 3.0,
    "contradiction_p99": 9.0,
    "identity_drift": 0.0,
    "identity_drift_p99": 0.2,
}


def fact(frame: int, **changes: object) -> FaceFact:
    """A restored face of person 0 with nothing to report, in the middle of the picture."""
    plain = FaceFact(
        frame=frame,
        pts_s=frame / 25,
        person=0,
        box_px=(100.0, 100.0, 160.0, 180.0),
        interocular_px=40.0,
        yaw_deg=0.0,
        outcome="restored",
        reason=None,
        flags=(),
        band="no_sign",
        because=(),
        contradiction=None,
        identity_drift=None,
        similarity=0.8,
        rival=0.2,
        step_grey=None,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


def codes(facts: list[FaceFact], **where: object) -> set[FlagCode]:
    found = person_flags(0, facts, **where)  # type: ignore[arg-type]
    return {f.code for f in found}


@pytest.mark.parametrize(
    ("outcome", "iod", "yaw", "measures", "expected"),
    [
        ("restored", 40.0, 0.0, {"contradiction": 3.0, "identity_drift": 0.1}, ()),
        ("restored", 40.0, None, {}, ()),
        ("restored", 15.9, 0.0, {}, ("too_small",)),
        ("restored", 16.0, 0.0, {}, ()),
        ("skipped", 9.0, 50.0, {}, ()),
        ("failed", 40.0, 0.0, {}, ("failed",)),
        ("restored", 40.0, -36.0, {}, ("profile",)),
        ("restored", 40.0, 35.0, {}, ()),
        ("restored", 40.0, 0.0, {"contradiction": 9.1}, ("contradicts_footage",)),
        ("restored", 40.0, 0.0, {"identity_drift": 0.21}, ("identity_drift",)),
        (
            "restored",
            12.0,
            40.0,
            {"contradiction": 20.0, "identity_drift": 1.0},
            ("contradicts_footage", "identity_drift", "profile", "too_small"),
        ),
    ],
)
def test_flags_of_a_face(
    outcome: Outcome,
    iod: float,
    yaw: float | None,
    measures: dict[str, float],
    expected: tuple[FlagCode, ...],
) -> None:
    found = face_flags(
        outcome=outcome, interocular_px=iod, yaw_deg=yaw, measures=measures, references=HELD
    )
    assert found == expected


def test_without_a_reference_no_measure_flags() -> None:
    found = face_flags(
        outcome="restored",
        interocular_px=40.0,
        yaw_deg=0.0,
        measures={"contradiction": 500.0, "identity_drift": 2.0},
        references={},
    )
    assert found == ()


def test_two_measures_that_set_one_flag_set_it_once() -> None:
    references = {**HELD, "interval_violation": 0.1, "interval_violation_p99": 0.3}

    def flags(contradiction: float, violation: float) -> tuple[FlagCode, ...]:
        return face_flags(
            outcome="restored",
            interocular_px=40.0,
            yaw_deg=0.0,
            measures={"contradiction": contradiction, "interval_violation": violation},
            references=references,
        )

    assert flags(9.1, 0.31) == ("contradicts_footage",)
    assert flags(3.0, 0.31) == ("contradicts_footage",)
    assert flags(3.0, 0.30) == ()


def test_a_contradiction_names_the_measure_that_contradicts_more() -> None:
    flagged = {"flags": ("contradicts_footage",), "contradiction": (10.0, 9.0)}
    one = fact(1, **flagged, interval_violation=(0.2, 0.3))
    other = fact(2, **flagged, interval_violation=(0.45, 0.3))
    first = person_flags(0, [one])[0]
    assert (first.measured, first.reference, first.unit) == (10.0, 9.0, "times the noise")
    both = person_flags(0, [one, other])[0]
    assert (both.measured, both.reference) == (0.45, 0.3)
    assert both.unit == "share of values outside"
    assert both.frames == ((1, 2),)


def test_ranges_are_inclusive_and_merged() -> None:
    assert merged_ranges([3, 1, 2, 7, 7]) == ((1, 3), (7, 7))
    assert merged_ranges([]) == ()


def test_findings_carry_the_worst_value_and_its_reference() -> None:
    facts = [
        fact(1, interocular_px=15.0, flags=("too_small",)),
        fact(2, interocular_px=12.0, flags=("too_small",)),
        fact(3),
        fact(5, contradiction=(12.0, 8.0), flags=("contradicts_footage",)),
        fact(6, contradiction=(13.0, 11.0), flags=("contradicts_footage",)),
    ]
    found = {f.code: f for f in person_flags(0, [*facts, fact(4)])}
    assert list(found) == ["contradicts_footage", "too_small"]
    small, against = found["too_small"], found["contradicts_footage"]
    assert (small.frames, small.measured, small.reference) == (((1, 2),), 12.0, 16.0)
    assert (small.severity, small.unit) == ("caution", "px")
    assert (against.frames, against.measured, against.reference) == (((5, 6),), 12.0, 8.0)
    assert against.severity == "high"


# ---------------------------------------------------------------- pop


def test_a_steady_face_pops_nowhere() -> None:
    assert codes([fact(k) for k in range(1, 60)]) == set()


@pytest.mark.parametrize("outcome", ["skipped", "failed"])
def test_a_face_left_out_between_restored_ones_pops(outcome: Outcome) -> None:
    facts = [fact(k, outcome=outcome if k in (10, 11) else "restored") for k in range(1, 30)]
    pop = next(f for f in person_flags(0, facts) if f.code == "pop")
    assert pop.frames == ((9, 12),)
    assert pop.severity == "caution"
    assert pop.detail == "1 place, up to 2 frames without restoration"


def test_a_face_missing_in_view_pops() -> None:
    facts = [fact(k) for k in range(1, 30) if k not in (12, 13, 14)]
    pop = next(f for f in person_flags(0, facts, frame_size_px=(640, 360)) if f.code == "pop")
    assert pop.frames == ((11, 15),)


@pytest.mark.parametrize(
    ("box", "gone", "why"),
    [
        ((0.0, 100.0, 60.0, 180.0), range(12, 15), "left the picture on the left"),
        ((580.0, 100.0, 640.0, 180.0), range(12, 15), "left the picture on the right"),
        ((100.0, 100.0, 160.0, 180.0), range(12, 40), "gone for over half a second"),
    ],
)
def test_people_who_leave_do_not_pop(
    box: tuple[float, float, float, float], gone: range, why: str
) -> None:
    facts = [fact(k, box_px=box) for k in range(1, 60) if k not in gone]
    assert codes(facts, frame_size_px=(640, 360)) == set(), why


def test_a_person_hidden_behind_another_does_not_pop() -> None:
    facts = [fact(k) for k in range(1, 30) if k not in (12, 13)]
    front = [fact(k, person=1, box_px=(120.0, 90.0, 200.0, 190.0)) for k in range(10, 16)]
    assert codes([*facts, *front]) == set()
    assert codes(facts) == {"pop"}


def test_a_face_that_another_shot_does_not_show_does_not_pop() -> None:
    before = [fact(k) for k in range(1, 12)]
    assert codes([*before, *(fact(k, shot=2) for k in range(15, 30))]) == set()
    assert codes([*before, *(fact(k) for k in range(15, 30))]) == {"pop"}


def test_a_moved_face_without_time_stamps_does_not_pop() -> None:
    here = [fact(k, pts_s=None) for k in range(1, 10)]
    there = [fact(k, pts_s=None, box_px=(300.0, 100.0, 360.0, 180.0)) for k in range(12, 20)]
    assert codes([*here, *there]) == set()


def test_step_meter_sees_restoration_come_and_go() -> None:
    rng = np.random.default_rng(3)
    crop = np.full((512, 512, 3), 120, np.uint8)
    coarse = rng.integers(0, 2, (128, 128, 1)).repeat(4, 0).repeat(4, 1).repeat(3, 2)
    restored = np.clip(crop + 60 * coarse, 0, 255).astype(np.uint8)
    meter = StepMeter()
    assert meter.step(0, 1, crop, restored) is None
    assert meter.step(0, 2, crop, restored) == pytest.approx(0.0)
    dropped = meter.step(0, 3, crop, crop)
    # Half of the pixels fall by 60 grey levels: an RMS of 60 / sqrt(2).
    assert dropped == pytest.approx(60 / 2**0.5, rel=0.02)
    assert meter.step(0, 5, crop, restored) is None
    assert codes([fact(2), fact(3, step_grey=dropped)]) == {"pop"}


# ---------------------------------------------------------------- swap


def test_a_stretch_that_looks_like_another_person_is_a_swap() -> None:
    facts = [fact(k, similarity=0.3, rival=0.8) if 20 <= k < 40 else fact(k) for k in range(1, 60)]
    swap = next(f for f in person_flags(0, facts) if f.code == "swap")
    assert swap.severity == "high"
    (first, last), *more = swap.frames
    assert not more
    assert abs(first - 20) <= 2
    assert abs(last - 39) <= 2
    assert swap.measured == pytest.approx(0.5)


def test_single_odd_faces_and_small_ones_are_no_swap() -> None:
    odd = [fact(k, similarity=0.1, rival=0.9) if k % 7 == 0 else fact(k) for k in range(1, 60)]
    assert codes(odd) == set()
    small = [fact(k, similarity=0.1, rival=0.9, interocular_px=12.0) for k in range(1, 60)]
    assert codes(small) == set()
    alone = [fact(k, rival=None) for k in range(1, 60)]
    assert codes(alone) == set()


def test_every_threshold_has_a_reason_and_a_source() -> None:
    table = shipped_thresholds()
    for name, number in table.numbers.items():
        assert len(number.reason) > 20, name
        assert number.source, name
    with pytest.raises(KeyError):
        table["nothing"]

"""Flags of structure and attributes: both limits must be passed, findings say what was measured."""

from __future__ import annotations

import pytest

from forensics.records import FlagCode
from forensics.scoring.facts import SEVERITY
from forensics.scoring.flags import face_flags, person_flags
from forensics.scoring.held import BY_CODE, HELD
from forensics.scoring.risk import face_risk
from forensics.scoring.thresholds import shipped_thresholds
from forensics.scoring.toggling import find_toggling
from tests.scoring.test_flags import fact

CASES: tuple[tuple[str, FlagCode, float, str], ...] = (
    ("iris_delta", "eye_colour", 8.0, "high"),
    ("glasses", "glasses", 0.5, "high"),
    ("facial_hair", "facial_hair", 6.0, "high"),
    ("landmark_shift", "structure_shift", 1.5, "caution"),
    ("hair_grid", "hair_grid", 0.05, "note"),
)


def flags(measure: str, value: float, usual: float) -> tuple[FlagCode, ...]:
    return face_flags(
        outcome="restored",
        interocular_px=40.0,
        yaw_deg=0.0,
        measures={measure: value},
        references={measure: usual / 3, measure + "_p99": usual},
    )


@pytest.mark.parametrize(("measure", "code", "least", "severity"), CASES)
def test_a_measure_flags_above_both_limits(
    measure: str, code: FlagCode, least: float, severity: str
) -> None:
    assert flags(measure, least * 1.01, least / 2) == (code,)
    assert flags(measure, least * 0.99, least / 2) == (), "under the least value"
    assert flags(measure, least * 1.5, least * 1.6) == (), "usual at this quality"
    assert flags(measure, least * 1.7, least * 1.6) == (code,)
    assert SEVERITY[code] == severity


def test_the_band_follows_the_flag() -> None:
    held = {"contradiction": 1.0, "identity_drift": 0.0, "interocular_px": 40.0}
    references = {name + "_p99": 9.0 for name in held}
    for code, band in (
        ("glasses", "high"),
        ("structure_shift", "caution"),
        ("hair_grid", "no_sign"),
    ):
        risk = face_risk(measures=held, not_measured={}, references=references, flags=(code,))  # type: ignore[arg-type]  # codes of the list
        assert risk.band == band


def test_a_finding_has_value_limit_and_unit() -> None:
    faces = [
        fact(1, flags=("facial_hair",), held=(("facial_hair", 9.0, 4.0),)),
        fact(2, flags=("facial_hair",), held=(("facial_hair", 14.0, 7.0),)),
        fact(3),
    ]
    found = next(f for f in person_flags(0, faces) if f.code == "facial_hair")
    assert (found.measured, found.reference, found.unit) == (14.0, 7.0, "L*")
    assert found.frames == ((1, 2),)
    assert found.detail is None


def test_glasses_that_come_and_go_are_counted() -> None:
    faces = []
    for k in range(1, 61):
        on = 20 <= k < 30 or k >= 50
        held = (("glasses", 0.95, 0.1),) if on else ()
        faces.append(
            fact(k, glasses=0.95 if on else 0.02, flags=("glasses",) if on else (), held=held)
        )
    found = next(f for f in person_flags(0, faces) if f.code == "glasses")
    assert found.frames == ((20, 29), (50, 60))
    assert found.detail == "so in 21 of 60 faces, with 3 switches between"


@pytest.mark.parametrize(
    ("values", "switches"),
    [
        ([0.02] * 30, None),
        ([0.95] * 30, None),
        ([0.02] * 10 + [0.95] * 20, None),
        ([0.02] * 10 + [0.95] + [0.02] * 10, None),
        ([0.02] * 10 + [0.95] * 5 + [0.02] * 10, 2),
        (([0.02] * 6 + [0.95] * 6) * 3, 5),
        ([0.9, 0.1], None),
    ],
)
def test_toggling_needs_two_sure_switches(values: list[float], switches: int | None) -> None:
    found = find_toggling(values, 0.5)
    assert (found.switches if found else None) == switches


def test_every_least_value_is_a_stated_threshold() -> None:
    table = shipped_thresholds()
    for one in HELD:
        assert one.least is None or one.least in table.numbers
        assert BY_CODE[one.code].code == one.code

"""Bands by stated rules: what decides, in which order, and what never gets the lowest band."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.records import Band, FlagCode
from forensics.scoring.facts import FaceFact, FlagFinding
from forensics.scoring.flags import face_flags
from forensics.scoring.risk import face_risk, person_risk
from forensics.scoring.thresholds import shipped_thresholds

GOOD = {
    "interocular_px": 60.0,
    "qp": 26.0,
    "blur": 0.6,
    "blockiness": 1.05,
    "contradiction": 3.0,
    "identity_drift": 0.02,
}
HELD = {
    "contradiction": 3.0,
    "contradiction_p99": 9.0,
    "identity_drift": 0.0,
    "identity_drift_p99": 0.2,
}


def band_of(flags: tuple[FlagCode, ...] = (), **changes: float) -> tuple[Band, tuple[str, ...]]:
    risk = face_risk(measures=GOOD | changes, not_measured={}, references=HELD, flags=flags)
    assert risk.probability is None
    assert not risk.calibrated
    return risk.band, risk.because


def test_a_large_clean_face_shows_no_sign() -> None:
    assert band_of() == ("no_sign", ())


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"qp": 36.0}, ("qp",)),
        ({"blur": 2.0}, ("blur",)),
        ({"blockiness": 2.5}, ("blockiness",)),
        ({"interocular_px": 30.0}, ("interocular_px",)),
        ({"qp": 47.0, "blur": 1.5}, ("qp", "blur")),
        ({"qp": 36.0, "blur": 2.7}, ("blur", "qp")),
    ],
)
def test_poor_input_is_caution_strongest_reason_first(
    changes: dict[str, float], because: tuple[str, ...]
) -> None:
    assert band_of(**changes) == ("caution", because)


@pytest.mark.parametrize("flag", ["contradicts_footage", "failed", "swap"])
def test_a_hard_high_flag_is_high(flag: FlagCode) -> None:
    assert band_of((flag,)) == ("high", (flag,))
    assert band_of((flag, "profile"), qp=45.0) == ("high", (flag, "profile", "qp"))


@pytest.mark.parametrize("flag", ["too_small", "profile", "identity_drift"])
def test_a_caution_flag_is_caution(flag: FlagCode) -> None:
    assert band_of((flag,)) == ("caution", (flag,))


def test_too_small_says_the_size_once() -> None:
    band, because = band_of(("too_small",), interocular_px=12.0, qp=40.0)
    assert band == "caution"
    assert because == ("too_small", "qp")


@pytest.mark.parametrize("name", ["contradiction", "identity_drift"])
def test_without_a_required_measure_nothing_is_cleared(name: str) -> None:
    measures = {k: v for k, v in GOOD.items() if k != name}
    risk = face_risk(measures=measures, not_measured={name: "why"}, references=HELD, flags=())
    assert (risk.band, risk.because) == ("not_calculable", (name,))
    held = {k: v for k, v in HELD.items() if k != name + "_p99"}
    risk = face_risk(measures=GOOD, not_measured={}, references=held, flags=())
    assert (risk.band, risk.because) == ("not_calculable", (name,))


@given(
    iod=st.floats(1.0, 15.999),
    qp=st.floats(10, 51),
    contradiction=st.floats(0, 50),
    drift=st.floats(-1, 1),
)
def test_tiny_faces_never_show_no_sign(
    iod: float, qp: float, contradiction: float, drift: float
) -> None:
    measures = GOOD | {
        "interocular_px": iod,
        "qp": qp,
        "contradiction": contradiction,
        "identity_drift": drift,
    }
    flags = face_flags(
        outcome="restored", interocular_px=iod, yaw_deg=0, measures=measures, references=HELD
    )
    risk = face_risk(measures=measures, not_measured={}, references=HELD, flags=flags)
    assert risk.band in ("caution", "high")


# ---------------------------------------------------------------- people


def facts(bands: list[Band], because: tuple[str, ...] = ("qp",)) -> list[FaceFact]:
    return [
        FaceFact(
            frame=k + 1,
            pts_s=k / 25,
            person=0,
            box_px=(10.0, 10.0, 60.0, 60.0),
            interocular_px=40.0,
            yaw_deg=0.0,
            outcome="restored",
            reason=None,
            flags=(),
            band=band,
            because=because if band in ("high", "caution") else (),
            contradiction=None,
            identity_drift=None,
            similarity=None,
            rival=None,
            step_grey=None,
        )
        for k, band in enumerate(bands)
    ]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"no_sign": 100}, "no_sign"),
        ({"no_sign": 95, "high": 5}, "no_sign"),
        ({"no_sign": 90, "high": 10}, "high"),
        ({"no_sign": 89, "high": 5, "caution": 6}, "caution"),
        ({"no_sign": 92, "high": 4, "caution": 4}, "no_sign"),
        ({"no_sign": 30, "not_calculable": 70}, "not_calculable"),
        ({"caution": 30, "not_calculable": 70}, "caution"),
        ({"not_calculable": 3}, "not_calculable"),
        ({}, "not_calculable"),
    ],
)
def test_a_person_is_pooled_and_never_the_worst_frame(
    counts: dict[Band, int], expected: Band
) -> None:
    bands: list[Band] = [band for band, n in counts.items() for _ in range(n)]
    risk = person_risk(facts(bands))
    assert risk.band == expected
    assert risk.because == (("qp",) if expected in ("high", "caution") else ())


def test_a_swap_over_time_counts_as_high() -> None:
    swap = FlagFinding("swap", 0, ((1, 20),), "high")
    risk = person_risk(facts(["no_sign"] * 100), [swap])
    assert (risk.band, risk.because) == ("high", ("swap",))


def test_rules_name_known_numbers() -> None:
    table = shipped_thresholds()
    assert {rule.band for rule in table.rules} == {"high", "caution"}
    assert len({rule.name for rule in table.rules}) == len(table.rules)

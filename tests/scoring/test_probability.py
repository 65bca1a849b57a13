"""A calibration record: what it says of a face and a person, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.records import Risk
from forensics.scoring.features import FEATURES, departure, feature_values
from forensics.scoring.probability import Calibration, Probability, pooled, read_calibration
from forensics.scoring.risk import OUTSIDE, with_probability
from tests.calibration.documents import RESTORER, document, raw

FACE = {"interocular_px": 32.0, "cutoff": 0.3, "noise": 1.0, "contrast": 12.0, "qp": 30.0}


def read(**changes: Any) -> Calibration:
    found = document()
    for path, value in changes.items():
        place = found
        *way, last = path.split("__")
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[int(last) if last.isdigit() else last] = value
    return read_calibration(raw(found))


def said(measures: dict[str, float]) -> Probability | None:
    calibration = read()
    values = calibration.values(measures, {})
    assert values is not None
    return calibration.face(values).get("any")


def test_a_face_by_hand() -> None:
    # 32 px between the eyes and QP 30 lie at both centres: logit 0.
    assert said(FACE) == Probability(0.2, 0.1, 0.3)
    # 16 px adds 1: half way from 0.2 to 0.6.
    small = said(FACE | {"interocular_px": 16.0})
    assert small is not None
    assert small.value == pytest.approx(0.4)
    assert (small.low, small.high) == (pytest.approx(0.3), pytest.approx(0.5))
    # QP 50 adds 0.5 times 2.
    coarse = said(FACE | {"qp": 50.0})
    assert coarse is not None
    assert coarse.value == pytest.approx(0.4)


def test_an_absence_that_the_fit_knew_has_its_own_weight() -> None:
    without_qp = said({k: v for k, v in FACE.items() if k != "qp"})
    assert without_qp is not None
    assert without_qp.value == pytest.approx(0.2 + 0.25 / 2 * 0.4)


def test_an_absence_that_the_fit_never_saw_gives_nothing() -> None:
    calibration = read()
    assert calibration.face({"coarse": 30.0}) == {}


@given(st.floats(6, 110), st.floats(6, 110), st.floats(10, 51))
def test_fewer_pixels_never_lower_the_probability(one: float, other: float, qp: float) -> None:
    small, large = sorted((one, other))
    below, above = (said(FACE | {"interocular_px": iod, "qp": qp}) for iod in (small, large))
    assert below is not None
    assert above is not None
    assert below.value >= above.value - 1e-12
    assert below.low <= below.value <= below.high


def test_a_person_is_pooled_and_never_the_worst_face() -> None:
    calibration = read()
    good = [{"small": -6.0, "coarse": 30.0}] * 19
    assert calibration.person([*good, {"small": 4.0, "coarse": 51.0}])["any"] == pytest.approx(
        calibration.face(good[0])["any"]
    )
    tenth = [{"small": -6.0, "coarse": 30.0}] * 8 + [{"small": -3.0, "coarse": 30.0}] * 2
    found = calibration.person(tenth)["any"]
    assert found.value == calibration.face(good[0])["any"].value
    assert found.high > calibration.face(good[0])["any"].high


def test_a_person_mostly_outside_the_range_gets_nothing() -> None:
    face = {"small": -6.0, "coarse": 30.0}
    assert read().person([face, None, None]) == {}
    assert read().person([face, None]) != {}
    assert read().person([]) == {}


def test_pooling_leaves_out_what_most_faces_lack() -> None:
    assert pooled([{"a": 1.0, "b": 2.0}, {"a": 3.0}, {"a": 5.0}], 0.5) == {"a": 3.0}


def test_it_holds_for_one_restorer_and_one_set_of_networks() -> None:
    calibration = read()
    assert calibration.invalid_for(RESTORER, calibration.networks) is None
    assert calibration.invalid_for("b" * 64, calibration.networks) == (
        "the calibration is for another restorer"
    )
    other = dict.fromkeys(calibration.networks, "0" * 64)
    assert "another network: reference table" in str(calibration.invalid_for(RESTORER, other))


def test_a_target_that_missed_shows_nothing() -> None:
    assert [t.name for t in read().shown] == ["any"]
    assert read(targets__any__passed=False).shown == ()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", "restoration-forensics/calibration/2"),
        ("targets__any__model__terms__0__coefficient", -0.1),
        ("targets__any__model__terms__0__spread", 0.0),
        ("targets__any__model__shares", [0.05, 0.6, 0.2]),
        ("targets__any__model__shares", [0.05, 0.2]),
        ("targets__any__model__highs", [0.15, 0.3, 1.2]),
        ("targets__any__model__lows", [0.01, 0.25, 0.5]),
        ("targets__any__model", {}),
        ("targets", {"beauty": document()["targets"]["any"]}),
        ("range__low", [0.0] * 4),
        ("range__limit", "far"),
        ("restorer", None),
    ],
)
def test_a_broken_record_is_refused(path: str, value: Any) -> None:
    if value == {}:
        assert read(**{path: value}).shown == ()  # a target without a model is never shown
        return
    with pytest.raises(ValueError):  # noqa: PT011 - the messages differ, the refusal does not
        read(**{path: value})


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff", b'{"schema": 1}'])
def test_what_is_no_record_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        read_calibration(text)


# ---------------------------------------------------------------- bands


@pytest.mark.parametrize(
    ("value", "rule", "iod", "band"),
    [
        (0.31, "no_sign", 60.0, "high"),
        (0.30, "no_sign", 60.0, "caution"),
        (0.10, "no_sign", 60.0, "no_sign"),
        (0.02, "no_sign", 15.9, "caution"),
        (0.02, "high", 60.0, "high"),
        (0.20, "not_calculable", 60.0, "caution"),
        (0.02, "not_calculable", 60.0, "not_calculable"),
    ],
)
def test_the_worse_band_stands(value: float, rule: Any, iod: float, band: str) -> None:
    found = {"any": Probability(value, value / 2, min(1.0, value * 2))}
    risk = with_probability(Risk(band=rule, because=("qp",)), found, iod)
    assert risk.band == band
    assert risk.calibrated
    assert (risk.probability, risk.about) == (value, "any")
    assert risk.targets == {"any": (value, round(value / 2, 4), min(1.0, value * 2))}


def test_outside_the_calibration_nothing_is_cleared() -> None:
    risk = with_probability(Risk(band="no_sign"), {}, 60.0)
    assert (risk.band, risk.calibrated, risk.reason) == ("not_calculable", False, OUTSIDE)
    assert with_probability(Risk(band="high"), {}, 60.0).band == "high"


# ---------------------------------------------------------------- features


def test_departures_are_0_at_the_median_and_1_at_the_99th_percentile() -> None:
    references = {"contradiction": 2.0, "contradiction_p99": 8.0}
    for value, wanted in ((2.0, 0.0), (8.0, 1.0), (4.0, 0.5), (1.0, -0.5), (1e9, 4.0)):
        found = departure("contradiction", "log", {"contradiction": value}, references)
        assert found == pytest.approx(wanted)
    assert departure("contradiction", "log", {"contradiction": 2.0}, {}) is None


def test_doing_nothing_is_a_departure_too() -> None:
    references = {"lpips_embedded_crop": 1.0, "lpips_embedded_crop_p99": 2.0}
    nothing = feature_values({"lpips_embedded_crop": 0.01}, references)
    assert nothing["changed_less"] == 4.0
    assert nothing["changed_more"] == 0.0
    assert set(nothing) <= set(FEATURES)

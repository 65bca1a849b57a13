"""Error rates by size and by word, against counts made by hand and against SciPy's exact test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from forensics.calibration import metrics
from forensics.calibration.counting import counts, word_of
from forensics.calibration.document import report
from forensics.calibration.judgement import Demands, Labels
from forensics.calibration.record import as_bytes, make_record
from forensics.calibration.rows import FaceRow
from forensics.scoring.probability import read_calibration
from forensics.scoring.rating import Rating
from tests.calibration.made_rows import row, rows
from tests.calibration.test_fit import ABOUT

LABELS = Labels(0.5, {"eyes": 1.0, "nose": 1.0, "mouth": 1.0}, {"glasses": 0.5})


def face(person: str, iod: float, *, contradiction: float = 0.5, erred: float = 0.0) -> FaceRow:
    made = row(person, "test", 0, iod=iod, contradiction=contradiction, erred=erred, qp=None)
    drift = {"identity_drift": 0.0}
    known = {"identity_drift": 0.0, "identity_drift_p99": 0.3}
    return replace(made, measures=made.measures | drift, references=made.references | known)


def test_faces_are_counted_in_their_band_of_sizes() -> None:
    faces = [face("a", 6.0), face("a", 9.99), face("b", 10.0), face("b", 30.0), face("c", 300.0)]
    found = counts(faces, np.array([True, False, True, False, True]))["by_size"]
    bands = {(one["from_px"], one["to_px"]): one for one in found}
    assert set(bands) == {(6, 10), (10, 16), (24, 40)}  # 300 px: no band was tested
    first = bands[6, 10]
    assert (first["people"], first["faces"], first["erred"]) == (1, 2, 1)
    assert first["share"][0] == 0.5
    assert bands[24, 40]["share"][0] == 0.0
    assert bands[24, 40]["share"][2] > 0.9  # one face of one person says next to nothing


@pytest.mark.parametrize(("erred", "trials"), [(0, 40), (7, 40), (40, 40), (1, 3)])
def test_the_interval_is_the_exact_one(erred: int, trials: int) -> None:
    exact = binomtest(erred, trials).proportion_ci(0.95, method="exact")
    assert metrics.share_interval(erred / trials, trials) == pytest.approx((exact.low, exact.high))


def test_an_interval_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="a trial"):
        metrics.share_interval(0.5, 0)


def test_the_word_is_that_of_an_audit() -> None:
    assert word_of(face("a", 60.0)) == "no_sign"
    assert word_of(face("a", 60.0, contradiction=4.0)) == "high"  # over its usual limit
    assert word_of(face("a", 9.0)) == "caution"  # too small
    unread = replace(face("a", 60.0), references={})
    assert word_of(unread) == "not_calculable"


def test_words_are_counted_apart() -> None:
    faces = [face("a", 60.0), face("b", 60.0), face("c", 60.0, contradiction=4.0)]
    found = counts(faces, np.array([False, True, True]))["by_word"]
    assert {word: (one["faces"], one["erred"]) for word, one in found.items()} == {
        "no_sign": (2, 1),
        "high": (1, 1),
    }


def made() -> dict[str, Any]:
    document, _ = make_record(
        rows(), LABELS, about=ABOUT, demands=Demands(resamples=40), made_utc="2026-01-01T00:00:00Z"
    )
    return document


def test_a_record_carries_the_counts_to_the_audit_and_to_its_own_report() -> None:
    document = made()
    figures = document["targets"]["identity"]["figures"]
    tested = [r for r in rows() if r.group == "test"]
    assert sum(one["faces"] for one in figures["by_size"]) == len(tested)
    assert sum(one["faces"] for one in figures["by_word"].values()) == len(tested)
    assert sum(one["erred"] for one in figures["by_size"]) == sum(
        r.identity_distance > 0.5 for r in tested
    )
    note = Rating(read_calibration(as_bytes(document))).note
    assert note is not None
    target = note.tested["identity"]
    assert [one.model_dump(mode="json") for one in target.by_size] == figures["by_size"]
    assert {w: one.erred for w, one in target.by_word.items()} == {
        w: one["erred"] for w, one in figures["by_word"].items()
    }
    page = report(document)
    band = next(one for one in figures["by_size"] if one["from_px"] == 24)
    assert band["people"] >= 30
    told = "{:.2f} ({:.2f} to {:.2f})".format(*band["share"])
    row = f"| 24 to 40 px | {band['people']} | {band['faces']} | {band['erred']} | {told} |"
    assert row in page
    assert "| not calculable | " in page

"""The page of the validation: made by code from committed figures, on people kept apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.validation import drawing
from benchmarks.validation.gather import LISTS_OF, OTHERS, OWN, STRIDE
from benchmarks.validation.page import FIGURES, differing, pictures
from forensics.calibration.judgement import Demands
from forensics.scoring.found_calibration import shipped_path
from forensics.scoring.probability import read_calibration_file


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return dict(json.loads(FIGURES.read_text("utf-8")))


def test_the_committed_page_is_what_the_code_makes(found: dict[str, Any]) -> None:
    assert differing(found) == []


def test_the_page_and_what_ships_are_of_one_run(found: dict[str, Any]) -> None:
    document = read_calibration_file(shipped_path("embedded")).document
    assert found["record"]["made_utc"] == document["made_utc"]
    for name, target in document["targets"].items():
        assert found["embedded"][name]["passed"] == target["passed"]
        assert found["embedded"][name]["reason"] == target["reason"]


def test_what_is_shown_passed_the_stated_bar(found: dict[str, Any]) -> None:
    demands = Demands()
    assert found["record"]["demands"]["resamples"] == 2000
    for target in found["embedded"].values():
        figures = target["figures"]
        if figures is None:
            assert not target["passed"]
            continue
        best = max(figures["baselines"].values(), key=lambda b: b["auroc"]["value"])
        passed = (
            best["gain"]["value"] >= demands.gain
            and best["gain"]["low"] > 0
            and figures["ece"]["value"] <= demands.ece
        )
        assert target["passed"] == passed


def test_groups_of_people_are_the_committed_lists() -> None:
    assert LISTS_OF == {"fit": "fit", "cal": "cal", "test": "val"}
    assert OWN["cal"] > 0
    assert OTHERS["cal"] == 0
    assert STRIDE % 2 == 1


def test_groups_under_30_people_are_not_told(found: dict[str, Any]) -> None:
    for groups in found["groups"].values():
        for one in groups.values():
            assert (one["auroc"] is None) or one["people"] >= 30


def test_drawings_are_stated_text(found: dict[str, Any]) -> None:
    svg = drawing.reliability("Title & more", [[0.5, 0.25, 4]])
    assert "Title &amp; more" in svg
    # Said 0.5 of 320 px from the left edge at 52; erred 0.25 of 320 px from below.
    assert '<circle cx="212.0" cy="274.0" r="9.0"' in svg
    assert all(text.endswith("</svg>\n") for text in pictures(found).values())

"""The section for a court: figures of the record and no others, and what is unknown said so."""

from __future__ import annotations

import re

import pytest

from forensics.records import CalibrationNote, JudgedTarget
from forensics.report import court
from forensics.report.html import render_html
from forensics.report.view import View
from forensics.scoring.found_calibration import find_calibration
from forensics.scoring.probability import Calibration
from forensics.scoring.rating import Rating
from tests.report.pages import Page

TARGET = JudgedTarget(
    passed=False,
    verdict="the gain is under 0.03",
    people=51,
    faces=177,
    share_erred=0.3785,
    auroc=(0.9455, 0.9141, 0.9721),
    baseline="input alone",
    gain=(0.0027, -0.0109, 0.018),
    calibration_error=(0.0, 0.0, 0.0505),
    reliability=((0.0056, 0.0, 32), (0.4148, 0.6429, 14)),
)


def _with(view: View, **changes: object) -> Page:
    audit = view.audit.model_copy(update=changes)
    return Page(render_html(View(view.data_dir, audit, b"{}", view.frames, view.faces, {})))


def _note(**tested: JudgedTarget) -> CalibrationNote:
    return CalibrationNote(
        sha256="ab" * 32,
        made_utc="2026-11-23T02:59:00Z",
        shown=(),
        verdicts={"any": "missed"},
        tested=tested,
        people={"fit": 61, "cal": 60, "test": 51},
    )


def test_the_figures_of_a_test_stand_with_their_intervals(view: View) -> None:
    page = _with(view, calibration=_note(any=TARGET))
    for words in (
        "51 people, 177 faces",
        "38%",
        "0.946 (0.914 to 0.972)",
        "+0.003 (-0.011 to +0.018) over input alone",
        "0.000 (0.000 to 0.051)",
        "missed its bar: no probability is shown",
        "No probability is shown, because no target passed its bar.",
        court.SIZES,
    ):
        assert words in page.words, words
    charts = [e for e in page.all("svg") if e.attributes["class"] == "reliability"]
    assert len(charts) == 1
    assert "stated 41%, erred 64% of 14" in charts[0].text
    assert len(list(page.all("circle"))) == 2


def test_the_shipped_calibration_gives_the_figures_of_its_file() -> None:
    found = find_calibration_of_the_embedded()
    note = Rating(found).note
    assert note is not None
    document = found.document["targets"]
    assert set(note.tested) == {name for name, t in document.items() if t["figures"]}
    for name, target in note.tested.items():
        figures = document[name]["figures"]
        assert target.auroc[0] == figures["auroc"]["value"]
        best = max(b["auroc"]["value"] for b in figures["baselines"].values())
        assert figures["baselines"][target.baseline]["auroc"]["value"] == best


def find_calibration_of_the_embedded() -> Calibration:
    from forensics.config import Settings
    from forensics.models.load import load_embedded

    digests = {role: load_embedded(role).sha256 for role in ("perceptual", "identity", "evidence")}
    found = find_calibration(Settings(), load_embedded("restorer").sha256, digests)
    assert found.calibration is not None, found.reason
    return found.calibration


@pytest.mark.parametrize(
    ("note", "models", "words"),
    [
        (None, True, "No test of this restorer is in this bundle"),
        (_note(), True, court.ELSEWHERE),
        (_note(any=TARGET), False, court.NOT_OURS),
    ],
    ids=["no-calibration", "older-bundle", "not-our-restoration"],
)
def test_what_was_not_tested_is_said(
    view: View, note: CalibrationNote | None, models: bool, words: str
) -> None:
    kept = tuple(m for m in view.audit.models if models or m.role != "restorer")
    page = _with(view, calibration=note, models=kept)
    assert words in page.words
    assert "AUROC 0" not in page.words


def test_standing_and_purpose_are_stated_and_every_word_is_explained(view: View) -> None:
    page = _with(view)
    for sentence in (*court.STANDING, *court.NOT_TO_IDENTIFY):
        assert sentence in page.words
    assert len(page.all("dt")) == len(page.all("dd")) == len(court.GLOSSARY)
    assert not re.search(r"\b(fake|genuine|authentic)\b", page.words, re.I)

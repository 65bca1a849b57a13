"""The catalogue says what the contract allows, and nothing says more."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from forensics.records import MEASURES, Band, FlagCode, Outcome, RejectReason, Severity, SkipReason
from forensics.report import cards, flag_texts, words
from forensics.report.resources import templates_dir
from tests.report.pages import Page

# "Real-ESRGAN" is a name; everything else on this list claims what no audit can know.
FORBIDDEN = re.compile(
    r"\b(fakes?|faked|real(?!-esrgan)|really|true faces?|match(?:es|ed|ing)?|authentic\w*)\b", re.I
)
SOURCES = [
    *(Path(module.__file__ or "") for module in (words, cards, flag_texts)),
    *sorted(templates_dir().rglob("*.html")),
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_word_claims_more_than_an_audit_can_know(path: Path) -> None:
    found = FORBIDDEN.findall(path.read_text(encoding="utf-8"))
    assert found == []


def test_the_list_of_forbidden_words_is_not_blind() -> None:
    text = "This real face is authentic, no fake; it matches the true face. Real-ESRGAN is a name."
    assert len(FORBIDDEN.findall(text)) == 5


def test_a_rendered_report_holds_no_forbidden_word(html: str) -> None:
    assert FORBIDDEN.findall(Page(html).words) == []


def test_sentences_of_the_contract_stand_word_for_word() -> None:
    assert words.DEMONSTRATION_SENTENCE == (
        "Restored with the built-in demonstration model, not with GFPGAN. It shows how the audit"
        " works; other tools would draw other faces."
    )
    assert words.NO_FACE_SENTENCE == "no face found; this does not mean that nobody is there"
    assert words.NO_SIGN_SENTENCE == ("no sign of invention found; this does not confirm the face")
    assert words.NO_PROBABILITY_SENTENCE.startswith("No probability is given: ")


def test_every_code_has_words() -> None:
    assert set(words.BANDS) == set(words.BAND_ORDER) == set(get_args(Band))
    assert set(flag_texts.FLAGS) == set(get_args(FlagCode))
    assert set(words.OUTCOMES) == set(get_args(Outcome))
    assert set(words.SEVERITIES) == set(words.SEVERITY_SHAPES) == set(get_args(Severity))
    assert set(words.REASONS) >= {*get_args(SkipReason), *get_args(RejectReason)}
    assert set(cards.CARDS) == set(MEASURES)


def test_bands_and_severities_differ_in_word_and_shape() -> None:
    assert len({band.word for band in words.BANDS.values()}) == 4
    assert len({band.shape for band in words.BANDS.values()}) == 4
    assert len(set(words.SEVERITY_SHAPES.values())) == 3


@pytest.mark.parametrize(
    ("band", "start"),
    [
        ("high", "Person 03: do not describe features from the restored face; "),
        (
            "caution",
            "Person 03: describe only features that the original, held beside the restored",
        ),
        ("no_sign", "Person 03: no sign of invention found; this does not confirm the face; "),
        ("not_calculable", "Person 03: how far the footage supports the restored face is not"),
    ],
)
def test_a_summary_starts_with_the_decision(band: Band, start: str) -> None:
    said = words.person_summary(
        person=3,
        band=band,
        faces=5,
        faces_restored=5,
        faces_failed=0,
        bands={band: 5},
        flags=(),
        interocular_px_range=(20.0, 20.2),
    )
    assert said.startswith(start)
    assert "the eyes are about 20 pixels apart in the footage" in said
    assert "flags" not in said
    assert "failed" not in said


def test_a_summary_counts_bands_flags_and_losses() -> None:
    said = words.person_summary(
        person=0,
        band="high",
        faces=1200,
        faces_restored=1190,
        faces_failed=4,
        bands={"high": 30, "no_sign": 1166, "not_calculable": 4},
        flags=("contradicts_footage", "too_small"),
        interocular_px_range=(11.2, 43.7),
    )
    rated = (
        "rated high in 30, no sign of invention (which confirms nothing) in 1,166, not calculable "
        "in 4 of 1,200 frames"
    )
    assert f"{rated} that show this person" in said
    assert "the eyes are 11 to 44 pixels apart" in said
    assert "flags: contradicts the footage, too small" in said
    assert said.endswith("of 1,200 faces 4 failed and 6 skipped.")


def test_flag_words_give_value_reference_and_detail() -> None:
    said = words.flag_words(
        "contradicts_footage", measured=7.123, reference=2.0, unit="times the noise", detail="mouth"
    )
    assert said.endswith("(mouth; measured 7.12 times the noise; reference 2 times the noise).")
    assert words.flag_words("pop").endswith("restored.")


def test_limits_start_with_the_demonstration_and_name_what_applies() -> None:
    said = words.limits(
        demonstration=True,
        calibrated=False,
        people=0,
        lpips_official=False,
        complete=False,
        stretch="3 s to 9 s",
        every=5,
        made_source=True,
    )
    assert said[0] == words.DEMONSTRATION_SENTENCE
    text = " ".join(said)
    for part in (
        words.NO_PROBABILITY_SENTENCE,
        words.NO_FACE_SENTENCE[1:],
        "3 s to 9 s",
        "one frame in 5",
        "made clip",
        "incomplete",
    ):
        assert part in text
    tested = words.limits(
        demonstration=False, calibrated=False, people=2, lpips_official=True, tested=True
    )
    assert words.TESTED_SENTENCE in tested
    assert words.NO_PROBABILITY_SENTENCE not in tested
    full = words.limits(demonstration=False, calibrated=True, people=2, lpips_official=True)
    assert words.DEMONSTRATION_SENTENCE not in full
    assert words.NO_PROBABILITY_SENTENCE not in full


def test_ranges_are_cut_and_say_so() -> None:
    assert words.range_words([(1, 1), (4, 9)]) == "1, 4 to 9"
    many = [(n, n) for n in range(1, 30, 2)]
    assert words.range_words(many, most=2) == "1, 3 and 13 more stretches"


@pytest.mark.parametrize(
    ("value", "said"), [(16.0, "16"), (0.01234, "0.0123"), (1234.5, "1,234"), (0.0, "0")]
)
def test_numbers_have_three_digits(value: float, said: str) -> None:
    assert words.number_words(value) == said


def test_words_and_html_load_nothing_heavy() -> None:
    code = (
        "import sys, forensics.report.words, forensics.report.html, forensics.report.pdf;"
        "print([m for m in ('torch', 'cv2', 'av', 'weasyprint', 'numpy', 'jinja2', 'PIL')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

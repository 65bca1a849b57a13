"""Known answers: tables and page say what a run found."""

from __future__ import annotations

import pytest

from tests.known_answers import document
from tests.known_answers.sequences import TimedOutcome
from tests.known_answers.tally import Answer, recall, recall_table
from tests.known_answers.trial import Outcome


def answer(size: float, eyes_px: float, asked: bool, seen: bool, named: bool) -> Answer:
    what = f"jaw widened {size:g}, somebody at {eyes_px:.0f} px"
    return Answer("jaw widened", size, eyes_px, asked, seen, named, what)


ANSWERS = [
    answer(4.0, 24.0, False, False, False),
    answer(8.0, 24.0, True, True, False),
    answer(8.0, 24.0, True, False, False),
    answer(8.0, 40.0, True, True, True),
]


def test_recall_counts_seen_and_named_apart() -> None:
    assert str(recall(ANSWERS[1:])) == "2/3 (21-94 %)"
    assert recall(ANSWERS[1:], named=True).share == pytest.approx(1 / 3)
    assert str(recall([])) == "-"


def test_the_table_brackets_what_is_not_asked() -> None:
    _, small, large = recall_table(ANSWERS, (24.0, 40.0))
    assert small.split() == ["jaw", "widened,", "4", "(0/1)", "-", "-", "-"]
    assert large.split()[3:] == ["1/2", "1/1", "2/3", "(21-94", "%)", "1/3"]


def test_the_page_keeps_its_words_and_renews_its_tables() -> None:
    still = Outcome(answers=ANSWERS, clean=2, false_flags={"pop": ["somebody at 24 px"]})
    timed = TimedOutcome([], 3.0, 2, ["jitter: somebody"])
    page = document.page("words\n<!-- tables -->old<!-- end -->\nmore\n", still, timed, None)
    assert page.startswith("words\n<!-- tables -->\n")
    assert page.endswith("<!-- end -->\nmore\n")
    assert "old" not in page
    assert "1 of 2 true faces carry a flag" in page
    assert "2 clips, 3 s: 1 flags jitter: somebody" in page
    assert document.misses(ANSWERS) == ["jaw widened 8, somebody at 24 px"]
    again = document.page(page, still, timed, None)
    assert again == page


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks"):
        document.page("words", Outcome(), TimedOutcome([], 0.0, 0, []), None)

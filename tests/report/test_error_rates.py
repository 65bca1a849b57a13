"""Error rates of the faces' own sizes and words: in the court section and on the first screen."""

from __future__ import annotations

from forensics.records import CalibrationNote, Counted, CountedSize, JudgedTarget
from forensics.report import court, words
from forensics.report.calibration import calibration_sentence
from forensics.report.error_rates import rate_here, rate_tables
from forensics.report.html import render_html
from forensics.report.view import View
from tests.report.pages import Page
from tests.report.test_court import TARGET


def size(low: float, high: float, *, people: int = 50, erred: int = 20) -> CountedSize:
    return CountedSize(
        from_px=low, to_px=high, people=people, faces=60, erred=erred,
        share=(erred / 60, 0.21, 0.48),
    )  # fmt: skip


def counted(*sizes: CountedSize) -> JudgedTarget:
    words = {"no_sign": Counted(people=44, faces=70, erred=7, share=(0.1, 0.03, 0.22))}
    return TARGET.model_copy(update={"by_size": sizes, "by_word": words})


def noted(target: JudgedTarget) -> CalibrationNote:
    return CalibrationNote(
        sha256="ab" * 32,
        made_utc="2026-11-23T02:59:00Z",
        shown=(),
        verdicts={"any": "missed"},
        tested={"any": target},
        people={"fit": 61, "cal": 60, "test": 51},
    )


def with_test(view: View, target: JudgedTarget) -> View:
    audit = view.audit.model_copy(update={"calibration": noted(target)})
    return View(view.data_dir, audit, b"{}", view.frames, view.faces, {})


def eyes(view: View) -> list[float]:
    return [f.interocular_px for f in view.faces if f.outcome == "restored"]


def test_the_rows_count_the_faces_that_are_here(view: View) -> None:
    edge = sorted(eyes(view))[len(eyes(view)) // 2]
    tested = {"any": counted(size(1, edge), size(edge, 500))}
    sizes, by_word = rate_tables(tested, with_test(view, tested["any"]))
    assert [row.here for row in sizes.rows] == [
        sum(x < edge for x in eyes(view)),
        sum(x >= edge for x in eyes(view)),
    ]
    assert sizes.rows[0].rates == ("33% (21% to 48%)",)
    assert sizes.rows[0].tested == "50 people, 60 faces"
    assert [row.name for row in by_word.rows] == ["○ no sign"]
    assert by_word.rows[0].here == sum(
        f.risk.band == "no_sign" for f in view.faces if f.outcome == "restored"
    )


def test_the_first_screen_tells_small_faces_from_large_ones(view: View) -> None:
    least, most = min(eyes(view)), max(eyes(view))
    middle = (least + most) / 2
    said = rate_here(
        {"any": counted(size(1, middle, erred=48), size(middle, most + 1, erred=6))}, view
    )
    assert "80% (21% to 48%) of those with 1 to" in said
    assert said.index("the smallest here") < said.index("the largest here")
    assert "10% (21% to 48%) of those with" in said


def test_few_people_give_no_rate(view: View) -> None:
    tested = {"any": counted(size(1, 500, people=29))}
    sizes, _ = rate_tables(tested, with_test(view, tested["any"]))
    assert sizes.rows[0].rates == ("too few to tell (n = 29)",)
    assert "not known for all faces here" in rate_here(tested, view)


def test_sizes_that_were_not_tested_are_said(view: View) -> None:
    tested = {"any": counted(size(400, 500))}
    sizes, _ = rate_tables(tested, with_test(view, tested["any"]))
    assert f"{len(eyes(view))} of {len(eyes(view))} faces here are of a size" in sizes.note
    assert "not known for all faces here" in rate_here(tested, view)


def test_the_page_says_them_in_the_court_section_and_on_the_first_screen(view: View) -> None:
    page = Page(render_html(with_test(view, counted(size(1, 500)))))
    assert "33% (21% to 48%) of those with 1 to 500 pixels between the eyes (all" in page.words
    assert "How often restored faces erred in the test, by their size in the footage" in page.words
    assert "by the word they were given" in page.words
    assert court.SIZES not in page.words


def test_the_first_screen_does_not_say_untested_of_what_was_tested(view: View) -> None:
    page = Page(render_html(with_test(view, counted(size(1, 500)))))
    assert words.TESTED_SENTENCE in page.words
    assert words.NO_PROBABILITY_SENTENCE not in page.words
    assert "In the test, restored faces came out wrong as often as this: 33%" in page.words
    audit = view.audit.model_copy(update={"calibration": None})
    bare = View(view.data_dir, audit, b"{}", view.frames, view.faces, {})
    assert words.TESTED_SENTENCE not in Page(render_html(bare)).words


def test_the_terminal_tells_tested_from_untested() -> None:
    tested = calibration_sentence(noted(TARGET), "made", None)
    assert tested == f"{words.TESTED_SENTENCE} The report says by how much it missed."
    untested = calibration_sentence(noted(TARGET).model_copy(update={"tested": {}}), "made", None)
    assert untested.startswith(words.NO_PROBABILITY_SENTENCE)


def test_a_test_that_did_not_count_has_no_tables(view: View) -> None:
    assert rate_tables({"any": TARGET}, with_test(view, TARGET)) == ()
    assert court.SIZES in Page(render_html(with_test(view, TARGET))).words

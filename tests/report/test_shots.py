"""Cuts on the first screen: how many, and whose number goes across one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forensics.report.html import render_html
from forensics.report.markdown import render_markdown
from forensics.report.sentences import CUTS_SENTENCE
from forensics.report.shots import cut_sentences, shot_words, shots_of
from forensics.report.view import View
from forensics.report.words import limits


def with_cuts(view: View, *before: int) -> View:
    """The view with a cut before each of these frames."""
    lines = [
        line.model_copy(update={"shot": 1 + sum(cut <= line.frame for cut in before)})
        for line in view.frames
    ]
    return replace(view, frames=tuple(lines))


def first_and_last(view: View, person: int) -> tuple[int, int]:
    frames = [face.frame for face in view.faces_of(person)]
    return min(frames), max(frames)


def test_footage_without_cuts_says_nothing_of_them(view: View) -> None:
    assert cut_sentences(view) == ()
    assert cut_sentences(with_cuts(view)) == ()


def test_a_number_on_both_sides_of_a_cut_is_named(view: View) -> None:
    first, last = first_and_last(view, 0)
    cut = with_cuts(view, first + 1)
    assert last > first
    assert shots_of(cut, 0) == (1, 2)
    sentences = cut_sentences(cut)
    assert sentences[0].startswith("The footage has 1 cut, where")
    assert "Person 00 (shots 1 to 2)" in sentences[1]
    assert "do not prove that it is one person" in sentences[1]
    page = render_html(cut)
    assert all(sentence in page for sentence in sentences)
    assert "1 to 2; across cuts by looks alone" in page
    assert "Person 00 \\(shots 1 to 2\\)" in render_markdown(cut)


def test_a_cut_that_nobody_crosses_is_told_alone(view: View) -> None:
    last = max(line.frame for line in view.frames)
    everybody = max(first_and_last(view, person.id)[1] for person in view.audit.people)
    if everybody == last:  # the made bundle's people are there to the end
        extra = view.frames[-1].model_copy(update={"frame": last + 1, "faces": 0})
        view = replace(view, frames=(*view.frames, extra))
    sentences = cut_sentences(with_cuts(view, everybody + 1))
    assert len(sentences) == 1
    assert "one person may have several numbers" in sentences[0]


@pytest.mark.parametrize(
    ("shots", "words"), [((1,), "1"), ((1, 3), "1, 3"), ((1, 2, 3, 7), "1 to 3, 7")]
)
def test_shots_are_counted_in_runs(shots: tuple[int, ...], words: str) -> None:
    assert shot_words(shots) == words


def test_every_audit_has_it_among_its_limits() -> None:
    usual = limits(demonstration=True, calibrated=False, people=2, lpips_official=False)
    assert CUTS_SENTENCE in usual

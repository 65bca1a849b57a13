"""Hidden characters become visible; letters of any script stay."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.report.escape import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("clip.mp4", "clip.mp4"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\x1b[31mb\x00c\n", "a\\x1b[31mb\\x00c\\x0a"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\U000e0041", "\\U000e0041"),
        ("\udcff", "\\udcff"),
        (
            "Stra\u00dfe \u2013 \u6771\u4eac \u05e9\u05dc\u05d5\u05dd \u0441\u043d",
            None,
        ),
    ],
)
def test_visible(text: str, shown: str | None) -> None:
    assert visible(text) == (text if shown is None else shown)


def test_marks_stacked_on_one_letter_are_escaped_after_the_third() -> None:
    assert visible("o" + "\u0301" * 9) == "o" + "\u0301" * 3 + "\\u0301" * 6


@given(st.text(st.characters(codec=None), max_size=60))
def test_nothing_hidden_is_left(text: str) -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not [char for char in visible(text) if unicodedata.category(char) in hidden]

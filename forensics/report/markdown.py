"""Markdown: the answer of an audit as plain text that can be pasted into a message or a wiki."""

from __future__ import annotations

import re
from typing import Final

from forensics.report.escape import visible
from forensics.report.page import Page, build_page
from forensics.report.view import View
from forensics.report.words import NO_PROBABILITY_SENTENCE, NOT_CONCLUDED

_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")


def render_markdown(view: View) -> str:
    """The first screen, people, flags and limits of a view; text of the footage stays text."""
    page = build_page(view)
    parts = [
        *(f"> **{_text(notice)}**" for notice in page.notices),
        f"# {_text(page.title)}",
        _text(page.subject),
        *([_text(page.note)] if page.note else []),
        *(_text(note.text) for note in page.credentials),
        f"## The answer\n\n{_text(page.people_sentence)}",
        "\n".join(f"- {p.band.shape} **{_text(p.name)}**: {_text(p.summary)}" for p in page.people),
        *([] if page.calibrated else [_text(NO_PROBABILITY_SENTENCE)]),
        "## What may not be concluded\n\n" + _listed(NOT_CONCLUDED),
        f"## State of this run\n\n{_text(page.state)} {_text(page.sealed)}",
        _listed(page.failures),
        "## What was examined\n\n" + _table(("what", "value"), page.examined),
        "## By what\n\n" + _table(("what", "value"), page.performed),
        "## Flags\n\n" + _flags(page),
        "## Limits\n\n" + _listed(page.limits),
        _text(page.citation),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _text(text: str) -> str:
    """One line in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", visible(" ".join(text.split())))


def _listed(sentences: tuple[str, ...]) -> str:
    return "\n".join(f"- {_text(sentence)}" for sentence in sentences)


def _table(head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    lines = [head, tuple("---" for _ in head)]
    body = [tuple(_text(cell) for cell in row) for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in [*lines, *body])


def _flags(page: Page) -> str:
    if not page.flags:
        return "No flag was raised. That does not confirm any face."
    rows = tuple(
        (f.severity, f.title, f"{f.person}, {f.frames_words}", f.measured, f.reference, f.words)
        for f in page.flags
    )
    return _table(("severity", "flag", "who and where", "measured", "reference", "in words"), rows)

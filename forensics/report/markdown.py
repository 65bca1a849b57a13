"""Markdown: the answer of an audit as plain text that can be pasted into a message or a wiki."""

from __future__ import annotations

import re
from typing import Final

from forensics.report.escape import visible
from forensics.report.language import _, speaking
from forensics.report.page import Page, build_page
from forensics.report.view import View
from forensics.report.words import NOT_CONCLUDED

_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")


def render_markdown(view: View, language: str | None = None) -> str:
    """The first screen, people, flags and limits of a view; text of the footage stays text.

    ``language``: None is that of the run.
    """
    with speaking(language or view.language):
        return _spoken(build_page(view))


def _spoken(page: Page) -> str:
    parts = [
        *(f"> **{_text(notice)}**" for notice in page.notices),
        f"# {_text(page.title)}",
        _text(page.subject),
        *([_text(page.note)] if page.note else []),
        *(_text(note.text) for note in page.credentials),
        _headed(_("The answer"), _text(" ".join((page.people_sentence, *page.cuts)))),
        "\n".join(f"- {p.band.shape} **{_text(p.name)}**: {_text(p.summary)}" for p in page.people),
        *([] if page.calibrated else [_text(" ".join(page.no_probability))]),
        _headed(_("What may not be concluded"), _listed(tuple(map(_, NOT_CONCLUDED)))),
        _headed(_("State of this run"), f"{_text(page.state)} {_text(page.sealed)}"),
        _listed(page.failures),
        _headed(_("What was examined"), _table((_("what"), _("value")), page.examined)),
        _headed(_("By what"), _table((_("what"), _("value")), page.performed)),
        _headed(_("Flags"), _flags(page)),
        _headed(_("Limits"), _listed(page.limits)),
        _text(page.citation),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headed(title: str, text: str) -> str:
    return f"## {title}\n\n{text}"


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
        return _("No flag was raised. That does not confirm any face.")
    rows = tuple(
        (f.severity, f.title, f"{f.person}, {f.frames_words}", f.measured, f.reference, f.words)
        for f in page.flags
    )
    return _table(
        (
            _("severity"),
            _("flag"),
            _("who and where"),
            _("measured"),
            _("reference"),
            _("in words"),
        ),
        rows,
    )

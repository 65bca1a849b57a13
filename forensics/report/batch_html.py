"""Batch HTML: the roll-up as one file with no script and no request; it links to its bundles."""

from __future__ import annotations

from markupsafe import Markup

from forensics.record_batch import BatchSummary
from forensics.report import words
from forensics.report.batch_page import SORTS, batch_language, build_batch_page
from forensics.report.language import speaking
from forensics.report.templating import CONTENT_POLICY, environment, style


def render_batch_html(
    summary: BatchSummary, *, links: bool = True, language: str | None = None
) -> str:
    """batch.html of a roll-up. The same summary always gives the same text.

    ``links``: refer to the reports in the bundles beside the page by relative address.
    ``language``: None is that of the batch.
    """
    with speaking(language or batch_language(summary)):
        return _spoken(summary, links)


def _spoken(summary: BatchSummary, links: bool) -> str:
    return (
        environment()
        .get_template("batch.html")
        .render(
            page=build_batch_page(summary, links=links),
            words=words,
            policy=CONTENT_POLICY,
            style=Markup("\n").join(
                (style("report.css"), style("report-screen.css"), style("batch.css"), _sorting())
            ),
            paged=False,
            created=None,
        )
    )


def _sorting() -> Markup:
    """One rule per way to sort: a chosen radio button puts the rows in that order."""
    rules = (
        f".items:has(#sort-{name}:checked) tbody tr {{ order: var(--{name}); }}" for name in SORTS
    )
    return Markup("\n".join(rules))  # noqa: S704 - made of our own names alone

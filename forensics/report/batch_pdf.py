"""Batch PDF: the roll-up as PDF/A-3a with batch.json attached."""

from __future__ import annotations

import hashlib

from markupsafe import Markup

from forensics.record_batch import BatchSummary
from forensics.report import words
from forensics.report.batch_page import MOST_PAPER_ROWS, batch_language, build_batch_page
from forensics.report.language import speaking
from forensics.report.pdf import FONTS, PdfUnavailable, clock, pdf_available, write_pdf
from forensics.report.resources import font
from forensics.report.templating import CONTENT_POLICY, environment, margins, style


def render_batch_pdf(summary: BatchSummary, attached: bytes, language: str | None = None) -> bytes:
    """batch.pdf of a roll-up; ``attached`` are the bytes of batch.json.

    ``language``: None is that of the batch.

    Raises `forensics.report.pdf.PdfError`, `PdfUnavailable` where WeasyPrint or Pango is absent.
    """
    lacking = pdf_available()
    if lacking is not None:
        raise PdfUnavailable(f"no PDF can be made here: {lacking}", "Use --format html.")
    with speaking(language or batch_language(summary)):
        return _spoken(summary, attached)


def _spoken(summary: BatchSummary, attached: bytes) -> bytes:
    created = clock(summary.run.ended_utc)
    text = (
        environment()
        .get_template("batch.html")
        .render(
            page=build_batch_page(summary, links=False, most=MOST_PAPER_ROWS),
            words=words,
            policy=CONTENT_POLICY,
            style=Markup("\n").join(
                (style("report.css"), style("report-pdf.css"), style("batch.css"))
            )
            + margins(),
            paged=True,
            created=created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
    )
    return write_pdf(
        text,
        {name: font(name).read_bytes() for name in FONTS},
        attached,
        created=created,
        identifier=hashlib.sha256(summary.run.id.encode("utf-8", "surrogatepass")).digest()[:16],
        attachment="batch.json",
    )

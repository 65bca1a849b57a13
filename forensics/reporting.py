"""Reporting: writes audit.json and both reports into a bundle; a PDF that fails is a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from forensics.evidence.bundle import BundleWriter
from forensics.evidence.lines import write_audit
from forensics.records import Artefact, Audit
from forensics.report.renderer import REPORT_KINDS, renderer_versions

Event = Callable[[str, Mapping[str, object]], None]


def planned_reports(formats: Sequence[str]) -> tuple[Artefact, ...]:
    """Both formats, those that were asked for as if they were written."""
    return tuple(
        Artefact(file=f"report/report.{kind}", outcome="written", renderer=renderer_versions(kind))
        if kind in formats
        else Artefact(file=f"report/report.{kind}", outcome="skipped", reason="not asked for")
        for kind in REPORT_KINDS
    )


def write_reports(
    bundle: BundleWriter, audit: Audit, formats: Sequence[str], event: Event
) -> Audit:
    """Write audit.json and the reports; a PDF that fails makes the run incomplete, exit 3."""
    from forensics.report.html import render_html
    from forensics.report.pdf import PdfError, render_pdf
    from forensics.report.view import load_view

    write_audit(bundle.data, audit)
    if "pdf" in formats:
        try:
            pdf = render_pdf(load_view(bundle.data))
            bundle.path("report", "report.pdf").write_bytes(pdf)
        except PdfError as error:
            audit = _pdf_failed(audit, str(error))
            event("report failed", {"file": "report/report.pdf", "error": str(error)})
            write_audit(bundle.data, audit)
    if "html" in formats:
        html = render_html(load_view(bundle.data))
        bundle.path("report", "report.html").write_text(html, "utf-8")
    return audit


def _pdf_failed(audit: Audit, reason: str) -> Audit:
    reports = tuple(
        Artefact(file=a.file, outcome="failed", reason=reason) if a.file.endswith(".pdf") else a
        for a in audit.reports
    )
    failures = (*audit.run.failures, f"the PDF was not made: {reason}")
    run = audit.run.model_copy(update={"complete": False, "exit_code": 3, "failures": failures})
    return audit.model_copy(update={"reports": reports, "run": run})

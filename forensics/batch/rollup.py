"""Roll-up: batch.json and its views, written as one set beside the bundles and signed as one.

Everything is made in a folder that is no roll-up and moved into place, batch.json last: a folder
with batch.json holds a whole roll-up.  A view that cannot be made is a record in it, never silence.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from forensics.batch.faces_table import MISSING_WORDS, pyarrow_here, write_faces
from forensics.batch.journal import Row
from forensics.batch.plan import ROLL_UP
from forensics.batch.summary import Facts as Facts
from forensics.batch.summary import build_summary
from forensics.config import Settings
from forensics.evidence.batch_seal import SEALED, seal_rollup, summary_bytes
from forensics.evidence.batch_table import table_bytes
from forensics.evidence.signing import Signing
from forensics.record_batch import BatchFile, BatchSummary
from forensics.report.batch_html import render_batch_html
from forensics.report.batch_pdf import render_batch_pdf
from forensics.report.pdf import PdfError

_MAKING = ".roll-up"
_PDF = "batch.pdf"


def clear_rollup(out: Path) -> None:
    """Take away an earlier roll-up: it would speak of an earlier state. The journal stays."""
    shutil.rmtree(out / _MAKING, ignore_errors=True)
    for name in ("batch.json", *ROLL_UP):  # without batch.json the rest counts for nothing
        if name.startswith("journal."):
            continue
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_rollup(
    out: Path, rows: Sequence[Row], settings: Settings, signing: Signing, facts: Facts
) -> BatchSummary:
    """Write the roll-up of ``rows`` into ``out``; returns what batch.json holds.

    A time stamp that could not be had over it is told in ``run.stopped`` and the exit code of what
    is returned: batch.json was sealed before the authority was asked.
    """
    clear_rollup(out)
    making = out / _MAKING
    making.mkdir()
    summary = build_summary(rows, settings, signing, facts)
    table = table_bytes(summary.items)
    (making / "batch.csv").write_bytes(table)
    files = [
        BatchFile(
            file="batch.csv",
            outcome="written",
            sha256=hashlib.sha256(table).hexdigest(),
            rows=table.count(b"\n") - 1,
        ),
        _faces(out, making, summary),
        _view("batch.html", "html" in settings.formats),
        _view(_PDF, "pdf" in settings.formats),
    ]
    summary = summary.model_copy(update={"files": tuple(files)})
    if "pdf" in settings.formats:
        try:
            (making / _PDF).write_bytes(render_batch_pdf(summary, summary_bytes(summary)))
        except PdfError as error:
            summary = _pdf_failed(summary, error.message)
    if "html" in settings.formats:
        (making / "batch.html").write_text(render_batch_html(summary), "utf-8")
    (making / "batch.json").write_bytes(summary_bytes(summary))
    missing = seal_rollup(making, summary, signing)
    for name in SEALED:
        if (making / name).exists():
            (making / name).rename(out / name)
    (making / "batch.json").rename(out / "batch.json")
    making.rmdir()
    return summary if missing is None else _unstamped(summary, missing)


def _view(name: str, asked: bool) -> BatchFile:
    if asked:
        return BatchFile(file=name, outcome="written")
    return BatchFile(file=name, outcome="skipped", reason="not asked for")


def _faces(out: Path, making: Path, summary: BatchSummary) -> BatchFile:
    name = "faces.parquet"
    if not pyarrow_here():
        return BatchFile(file=name, outcome="skipped", reason=MISSING_WORDS)
    rows = write_faces(making / name, out, summary.items)
    digest = hashlib.sha256((making / name).read_bytes()).hexdigest()
    return BatchFile(file=name, outcome="written", sha256=digest, rows=rows)


def _unstamped(summary: BatchSummary, reason: str) -> BatchSummary:
    words = f"The roll-up is signed but NOT time-stamped: {reason}."
    stopped = f"{summary.run.stopped} {words}" if summary.run.stopped else words
    run = summary.run.model_copy(update={"exit_code": 3, "stopped": stopped})
    return summary.model_copy(update={"run": run})


def _pdf_failed(summary: BatchSummary, reason: str) -> BatchSummary:
    files = tuple(
        BatchFile(file=_PDF, outcome="failed", reason=reason) if f.file == _PDF else f
        for f in summary.files
    )
    run = summary.run.model_copy(update={"complete": False, "exit_code": 3})
    return summary.model_copy(update={"files": files, "run": run})

"""``forensics report``: render HTML and PDF again from the data in a bundle, never into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forensics.cli.output import Output


def report(
    bundle: Annotated[Path, typer.Argument(help="A bundle made by 'forensics audit'.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for the files. [default: beside the bundle]"),
    ] = None,
    formats: Annotated[str, typer.Option("--format", help="html, pdf or html,pdf")] = "html,pdf",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:
    """Render the reports of a bundle again."""
    from forensics.api import render_reports
    from forensics.config import resolve

    settings = resolve({"format": formats}).settings
    written = render_reports(bundle, out, settings.formats)
    document = {"written": [str(path) for path in written]}
    Output(as_json).result(document, [f"Written: {path}" for path in written])

"""``forensics report``: render a bundle's data again, in several formats, never into it."""

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
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            help="html, pdf, json (one document), csv (the table of faces), md; with commas.",
        ),
    ] = "html,pdf",
    lang: Annotated[
        str | None,
        typer.Option("--lang", help="Language: en or de. [default: that of the bundle's reports]"),
    ] = None,
    assets: Annotated[
        bool,
        typer.Option("--assets", help="Pictures and clips of the HTML go into a folder beside it."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:
    """Render the reports of a bundle again."""
    from forensics.export import parse_formats

    wanted = parse_formats(formats)
    from forensics.api import render_reports

    written = render_reports(bundle, out, wanted, assets=assets, language=lang)
    document = {"written": [str(path) for path in written]}
    Output(as_json).result(document, [f"Written: {path}" for path in written])

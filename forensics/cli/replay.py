"""``forensics replay``: restore again from a bundle's source; how far does it repeat?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forensics.cli.output import Output


def replay(
    bundle: Annotated[
        Path, typer.Argument(help="A bundle made by 'forensics audit': its folder or its ZIP.")
    ],
    faces: Annotated[
        int | None,
        typer.Option(help="Only the first N faces, by frame and person, from recorded points."),
    ] = None,
    original: Annotated[
        Path | None,
        typer.Option("--original", help="The source, for a bundle made with --no-original."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu or cuda[:N]. [default: as in the audit]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only results and errors.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:
    """Restore again from the bundle's source with the same networks, and compare.

    States R1 (same bits), R2 (pictures within 2/255), R3 (same decisions, within 32/255) or
    "not repeated". The bundle is only read.

    Exit 0 a level was reached, 1 not repeated, 2 wrong use, 3 it could not be finished,
    4 the bundle is altered or a source or network is another, 5 something is missing here.
    """
    from forensics.api import replay_bundle
    from forensics.progress import choose

    output = Output(as_json, quiet)
    result = replay_bundle(
        bundle,
        faces=faces,
        original=original,
        device=device,
        progress=choose(quiet or as_json),
        say=output.say,
    )
    output.result(result.document(), result.lines())
    raise typer.Exit(result.exit_code)

"""``forensics verify``: is the bundle intact? No network, no torch, no GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forensics.cli.output import Output


def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle made by 'forensics audit'.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:
    """Check a bundle: every file, every digest, the event chain and the totals.

    Exit 0 intact, 3 not a complete bundle, 4 altered, 5 cannot be checked here.
    """
    from forensics.evidence.verify import verify as check

    result = check(bundle)
    Output(as_json).result(result.document(), list(result.lines()))
    raise typer.Exit(result.exit_code)

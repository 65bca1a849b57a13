"""``forensics verify``: is the bundle intact? No network, no torch, no GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forensics.cli.output import Output


def verify(
    bundle: Annotated[
        Path,
        typer.Argument(
            help="A bundle made by 'forensics audit': its folder or its ZIP; or a batch's folder."
        ),
    ],
    deep: Annotated[
        bool, typer.Option("--deep", help="Also decode every frame and draw the reports again.")
    ] = False,
    original: Annotated[
        Path | None,
        typer.Option("--original", help="The source, for a bundle made with --no-original."),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="<path>",
            help="Public key (.pub.pem) that must have signed it, got from its owner. Repeatable.",
        ),
    ] = None,
    threshold: Annotated[
        int, typer.Option(help="How many of the --key files must have signed.")
    ] = 1,
    tsa_root: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="<path>", help="Root certificate (PEM) of the time-stamp authority. Repeatable."
        ),
    ] = None,
    anchors: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="<path>",
            help="Root certificate (PEM) that may vouch for Content Credentials. Repeatable.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:
    """Check a bundle: every file, every digest, the events, the totals, who signed and when.

    Without --key an intact bundle is exit 0 whoever made it: the first line says so. Exit 0 intact,
    1 intact but --tsa-root finds no time stamp or --anchors bad credentials of the original, 3 not
    a complete bundle, 4 altered (with --key or --anchors also made by another), 5 cannot be checked
    here.
    """
    from forensics.api import check_bundle
    from forensics.evidence.check_batch import is_batch, verify_batch
    from forensics.evidence.trust import load_trust

    trust = load_trust(key or (), threshold, tsa_root or (), anchors or ())
    if is_batch(bundle):
        whole = verify_batch(
            bundle, lambda path: check_bundle(path, trust, deep=deep, original=None), trust
        )
        Output(as_json).result(whole.document(), list(whole.lines()))
        raise typer.Exit(whole.exit_code)
    result = check_bundle(bundle, trust, deep=deep, original=original)
    Output(as_json).result(result.document(), list(result.lines()))
    raise typer.Exit(result.exit_code)

"""``forensics models``: which networks this version uses, where they are, whether they match."""

from __future__ import annotations

from typing import Annotated

import typer

from forensics.cli.output import Output

models_app = typer.Typer(
    help="The networks: list and verify.", no_args_is_help=True, rich_markup_mode=None
)


@models_app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List every network with version, digest, licence and state."""
    _show(as_json, check=False)


@models_app.command("verify")
def verify_models(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Hash every network that is here. Exit 4 when one differs from its recorded digest."""
    _show(as_json, check=True)


def _show(as_json: bool, check: bool) -> None:
    from forensics.models.catalogue import entries

    found = entries(check=check)
    document = {
        "models": [
            {
                "name": e.name,
                "role": e.role,
                "version": e.version,
                "sha256": e.sha256,
                "bytes": e.bytes,
                "licence": e.licence,
                "state": e.state,
                "file": e.path.name,
            }
            for e in found
        ]
    }
    lines = [
        f"{e.name}  {e.version}  {e.state}  {e.bytes / 1e6:.1f} MB  "
        f"sha256 {e.sha256[:16]}...  {e.licence}"
        for e in found
    ]
    lines += [
        f"To use {e.name}, put {e.path.name} (its digest is checked at every load) into "
        f"{e.path.parent}."
        for e in found
        if e.state == "not fetched"
    ]
    Output(as_json).result(document, lines)
    if any(e.state == "altered" for e in found):
        raise typer.Exit(4)

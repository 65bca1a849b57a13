"""The command ``forensics``: its subcommands, and the one place where errors become messages."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Annotated

import typer

from forensics import __version__
from forensics.cli.audit import audit
from forensics.cli.batch import batch
from forensics.cli.calibrate import calibrate
from forensics.cli.capture import capture
from forensics.cli.doctor import doctor
from forensics.cli.keys import keys_app
from forensics.cli.models import models_app
from forensics.cli.output import report_error
from forensics.cli.replay import replay
from forensics.cli.report import report
from forensics.cli.verify import verify
from forensics.errors import EnvironmentLacks, ForensicsError

SCHEMA = "restoration-forensics/audit/1"

app = typer.Typer(
    name="forensics",
    help="Says per face and frame what the footage supports, contradicts, or cannot tell.",
    no_args_is_help=True,
    # rich markup doubles the time of --help; tracebacks are ours to decide.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(audit)
app.command()(batch)
app.command()(verify)
app.command()(replay)
app.command()(report)
app.add_typer(keys_app, name="keys")
app.add_typer(models_app, name="models")
app.command()(calibrate)
app.command()(capture)
app.command()(doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"forensics {__version__} (schema {SCHEMA})")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Root of the command; holds options that belong to no subcommand."""


def _lacking(error: OSError) -> EnvironmentLacks:
    """What the system refused, in words."""
    where = f" {error.filename!r}" if error.filename else ""
    return EnvironmentLacks(
        f"the system refused to read or write{where}: {error.strerror or error}",
        "Nothing that looks complete was left. Look at free space and rights, and run it again.",
    )


def main() -> None:
    """Run the command; every failure becomes one message and its exit code."""
    arguments = sys.argv[1:]
    as_json = "--json" in arguments
    verbose = "-v" in arguments or "--verbose" in arguments
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, stream=sys.stderr)
    try:
        app()
    except ForensicsError as error:
        if verbose:
            traceback.print_exc()
        report_error(error, as_json)
        raise SystemExit(error.exit_code) from None
    except OSError as error:  # a full disk, a folder that was taken away, a file without rights
        if verbose:
            traceback.print_exc()
        lacks = _lacking(error)
        report_error(lacks, as_json)
        raise SystemExit(lacks.exit_code) from None
    except Exception as error:  # the last boundary: a defect of ours is a message too, never exit 0
        if verbose:
            traceback.print_exc()
        defect = ForensicsError(
            f"internal error: {type(error).__name__}: {error}",
            "Nothing that looks complete was left. Run again with -v and report what it prints.",
        )
        report_error(defect, as_json)
        raise SystemExit(defect.exit_code) from None

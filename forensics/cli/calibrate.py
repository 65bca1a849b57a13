"""``forensics calibrate``: fit and test the risk of a restorer, and write its calibration file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forensics.cli.output import Output


def calibrate(
    models: Annotated[
        str, typer.Option("-m", "--models", help="Model profile, see 'forensics models list'.")
    ],
    portraits: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Sharp portraits: a sub-folder per person, or files named NAME_1.jpg.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="FILE",
            help="Calibration file. [default: in the models folder, where an audit finds it]",
        ),
    ] = None,
    faces: Annotated[
        int, typer.Option(min=1, max=60, help="Faces made of each portrait.")
    ] = 6,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda[:N].")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="The record on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only results and errors.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:  # fmt: skip
    """Film portraits small, restore them, and learn how often this restorer errs.

    People are parted three ways: fitted on, calibrated on, tested on. A probability is shown by
    later audits only where the test passed its bar; at least 90 people are needed. A run that was
    cut off goes on when it is started again.

    Exit 0 written (also when no target passed), 2 wrong use, 3 no usable portrait, 4 a digest
    differs, 5 weights are not here, 130 interrupted.
    """
    from forensics.calibration.run import Asked, run
    from forensics.cli.signals import terminable
    from forensics.errors import Interrupted
    from forensics.progress import choose

    output = Output(as_json, quiet)
    asked = Asked(models, portraits, out, faces, device)
    with terminable():
        try:
            done = run(asked, choose(quiet or as_json), output.say)
        except KeyboardInterrupt as error:
            raise Interrupted(
                "stopped; the faces made so far are kept", "Run it again and it goes on from there."
            ) from error
    shown = done.shown
    lines = [f"{name}: {target['reason']}" for name, target in done.document["targets"].items()]
    lines += [
        f"A probability is shown for: {', '.join(shown)}."
        if shown
        else "No probability will be shown for this restorer: no target passed its bar.",
        f"Calibration: {done.path}",
        f"Report: {done.report.resolve().as_uri()}",
    ]
    output.result(done.document, lines)

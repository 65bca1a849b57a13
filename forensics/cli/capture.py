"""``forensics capture``: take a clip from the web, with a record of where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forensics.cli.output import Output


def capture(
    url: Annotated[str, typer.Argument(help="The address of a clip, or of a page with one.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for the files. [default: the working folder]"),
    ] = None,
    playlist: Annotated[
        bool, typer.Option("--playlist", help="Take every clip of a list, each with its record.")
    ] = False,
    max_bytes: Annotated[
        int, typer.Option("--max-bytes", min=1, help="Largest file, in bytes.")
    ] = 4 * 2**30,
    max_seconds: Annotated[
        float, typer.Option("--max-seconds", min=0.1, help="Longest time for one clip, in seconds.")
    ] = 3600.0,
    as_json: Annotated[bool, typer.Option("--json", help="The capture records on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only results and errors.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:
    """Download the clip at URL as the site serves it, and write its capture record beside it.

    The best format that the site serves as one file is taken; nothing is re-encoded or merged.
    Only public http and https addresses are asked, also after redirects.

    Exit 0 captured, 2 wrong use, 3 it could not be captured (nothing is left) or is in doubt
    (it is kept and says why), 4 the file changed on the disk, 5 the extra 'capture' is missing.
    """
    from forensics.capture.clip import Limits
    from forensics.capture.clip import capture as take

    output = Output(as_json, quiet)
    folder = out or Path.cwd()
    records, code = [], 0
    lines: list[str] = []
    taken = take(
        url,
        lambda stem: folder,
        limits=Limits(max_bytes, max_seconds),
        playlist=playlist,
    )
    output.say(f"Asking {url}")
    for captured in taken:
        records.append(captured.record.model_dump(mode="json", by_alias=True))
        lines += captured.lines()
        code = max(code, captured.exit_code)
    output.result({"captures": records}, lines)
    raise typer.Exit(code)

"""``forensics capture``: take a clip from the web, with a record of where it came from."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forensics.cli.output import Output

if TYPE_CHECKING:
    from forensics.progress import Progress, Step


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
    (kept, with the reason), 4 it changed on the disk, 5 the extra 'capture' is missing.
    """
    from forensics.capture.clip import Captured, Limits
    from forensics.capture.clip import capture as take
    from forensics.progress import choose

    output = Output(as_json, quiet)
    records, lost, lines, code = [], [], list[str](), 0
    output.say(f"Asking {url}")
    with Transfer(choose(quiet or as_json)) as transfer:
        for one in take(
            url,
            lambda stem: out or Path.cwd(),
            limits=Limits(max_bytes, max_seconds),
            playlist=playlist,
            advance=transfer.tell,
        ):
            if isinstance(one, Captured):
                records.append(one.record.model_dump(mode="json", by_alias=True))
            else:
                lost.append(asdict(one))
            lines += one.lines()
            code = max(code, one.exit_code)
    output.result({"captures": records, "lost": lost}, lines)
    raise typer.Exit(code)


class Transfer:
    """Progress of the files of a capture, in thousands of bytes."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._stack = progress, ExitStack()
        self._step: Step | None = None
        self._told = 0

    def tell(self, received: int, stated: int | None) -> None:
        """So many bytes of the file came; fewer than before: the next file."""
        if self._step is None or received // 1000 < self._told:
            self._stack.close()
            total = None if stated is None else stated // 1000
            self._step = self._stack.enter_context(self._progress.step("Kilobytes", total))
            self._told = 0
        self._step.advance(received // 1000 - self._told)
        self._told = received // 1000

    def __enter__(self) -> Transfer:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

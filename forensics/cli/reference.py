"""The page docs/cli.md: every command with its arguments and options, made from the command line.

``python -m forensics.cli.reference --write docs/cli.md`` renews it; ``--check`` says whether it is
what ``--help`` says.  No command imports this file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

HEAD = """# Every command

<!-- Made by `make docs` from the command line itself; changes here are lost. -->

What `forensics COMMAND --help` says, on one page. What `forensics.toml` and `FORENSICS_*` variables
can set as well is in [configuration.md](configuration.md). Results go to stdout only with `--json`;
everything else goes to stderr.
"""


def page() -> str:
    """The whole page, the same on every machine and at every width of the terminal."""
    from forensics.cli.app import app

    command = typer.main.get_command(app)
    context = command.make_context("forensics", [], resilient_parsing=True)
    return "\n".join([HEAD, *_sections(command, context, ("forensics",)), ""])


def _sections(command: Any, context: Any, names: tuple[str, ...]) -> Iterator[str]:
    yield f"## `{' '.join(names)}`\n"
    yield _usage(command, context, names)
    if command.help:
        yield _escape(command.help.strip()) + "\n"
    rows = [record for p in command.params if (record := p.get_help_record(context)) is not None]
    if rows:
        yield "| argument or option | |\n|---|---|"
        yield "\n".join(f"| `{_cell(name)}` | {_escape(_cell(text))} |" for name, text in rows)
        yield ""
    for name, part in sorted(getattr(command, "commands", {}).items()):
        if not part.hidden:
            inner = type(context)(part, info_name=name, parent=context)
            yield from _sections(part, inner, (*names, name))


def _usage(command: Any, context: Any, names: tuple[str, ...]) -> str:
    pieces = " ".join(command.collect_usage_pieces(context))
    return f"<!-- test: output -->\n```\nUsage: {' '.join(names)} {pieces}\n```\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _escape(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of ``python -m forensics.cli.reference``."""
    parser = argparse.ArgumentParser(prog="python -m forensics.cli.reference")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", type=Path, metavar="FILE")
    choice.add_argument("--check", type=Path, metavar="FILE")
    options = parser.parse_args(argv)
    if options.write is not None:
        options.write.write_text(page(), "utf-8")
        return 0
    if options.check.is_file() and options.check.read_text("utf-8") == page():
        return 0
    sys.stderr.write(f"{options.check} is not what --help says. Run: make docs\n")
    return 3


if __name__ == "__main__":
    sys.exit(main())

"""Commands in documents, held against the command line without running them."""

from __future__ import annotations

import shlex
from functools import cache
from typing import Any

import typer

PLACEHOLDERS = frozenset({"COMMAND", "..."})
# Words that may stand before the command's own name.
_FRONT = ("time", "nice", "exec", "if", "then", "do")


class WrongCommand(AssertionError):
    """A documented command that the command line would refuse."""


@cache
def root() -> tuple[Any, Any]:
    """The command ``forensics`` and a context for it."""
    from forensics.cli.app import app

    command = typer.main.get_command(app)
    context = command.make_context("forensics", [], resilient_parsing=True)
    context.resilient_parsing = False  # its parsers would pass over what they do not know
    return command, context


def command_lines(text: str) -> list[list[str]]:
    """The simple commands of a shell text, as words: continued lines joined, remarks left out."""
    commands: list[list[str]] = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
        lexer.whitespace_split = True
        words: list[str] = []
        skip = False
        for word in lexer:
            if set(word) <= set("();|&"):
                commands.append(words)
                words, skip = [], False
            elif set(word) <= set("<>&"):
                skip = True  # a redirection: the next word is its file, a number before its stream
                words = words[:-1] if words and words[-1] in {"1", "2"} else words
            elif skip:
                skip = False
            else:
                words.append(word)
        commands.append(words)
    return [words for words in map(_bare, commands) if words]


def _bare(words: list[str]) -> list[str]:
    """Without settings of variables and words in front of the command."""
    while words and (words[0] in _FRONT or "=" in words[0].split("/")[0]):
        words = words[1:]
    return words


def ours(words: list[str]) -> list[str] | None:
    """The arguments of ``forensics`` when this is such a command."""
    if words[0].split("/")[-1] in {"forensics", "forensics.exe"}:
        return words[1:]
    if len(words) > 2 and words[0].startswith(("python", ".venv/bin/python")):
        return words[3:] if words[1:3] == ["-m", "forensics"] else None
    if words[:4] == ["docker", "run", "--rm", "restoration-forensics"]:
        return words[4:]
    return None


def check(arguments: list[str]) -> None:
    """Raise `WrongCommand` where a subcommand or an option does not exist or lacks its value."""
    command, context = root()
    rest = list(arguments)
    names = ["forensics"]
    while hasattr(command, "commands"):
        if not rest or rest[0] in PLACEHOLDERS:
            return
        if rest[0].startswith("-"):
            _parse(command, context, rest, names)
            return
        name = rest.pop(0)
        if name not in command.commands:
            raise WrongCommand(f"'{' '.join(names)}' has no command {name!r}")
        command = command.commands[name]
        names.append(name)
        context = type(context)(command, info_name=name, parent=context)
    _parse(command, context, rest, names)


def _parse(command: Any, context: Any, rest: list[str], names: list[str]) -> None:
    rest = [word for word in rest if word not in PLACEHOLDERS]
    try:
        values, extra, _ = command.make_parser(context).parse_args(rest)
    except typer.TyperException as error:
        raise WrongCommand(f"{' '.join(names)}: {error}") from error
    if extra and not hasattr(command, "commands"):
        raise WrongCommand(f"{' '.join(names)}: takes no further words: {extra}")
    _settings(values, names)


def _settings(values: dict[str, Any], names: list[str]) -> None:
    """Values that `forensics.toml` knows as well are held against its rules."""
    from pydantic import ValidationError

    from forensics.config import Settings

    if names[-1] not in {"audit", "batch"}:
        return
    spelled = {"formats": "format", "as_zip": "zip"}
    known: dict[str, Any] = {}
    for name, value in values.items():
        field = spelled.get(name, name)
        value = ",".join(value) if isinstance(value, list) else value
        # A word in capitals stands for a value that the reader fills in.
        if field in Settings.model_fields and not (isinstance(value, str) and value.isupper()):
            known[field] = value
    try:
        Settings.model_validate(known)
    except ValidationError as error:
        first = error.errors()[0]
        raise WrongCommand(f"{' '.join(names)}: --{first['loc'][0]}: {first['msg']}") from error

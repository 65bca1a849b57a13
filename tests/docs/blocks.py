"""The fenced blocks of the documents, each with the mark that says how it is tested.

A mark is an HTML comment on the line above the fence, which no reader sees:

    <!-- test: run -->

The kinds, with what they promise:

- ``run``: executed by a shell in the page's workplace (see `tests.docs.workplace`), in the order of
  the page. ``run-slow``: the same, left out of the fast tests. After a comma: ``exit N``, the code
  that the block ends with, and ``in FOLDER``, where it runs.
- ``python``, ``python-slow``: executed, or run as a doctest where it has prompts. After a comma:
  ``with A B``, its arguments.
- ``file KIND``: a file to be written; parsed as toml, yaml, json, csv or jsonl.
- ``needs WHAT``: cannot run here (`NEEDS` lists what may lack); its commands are
  checked against the command line, option by option.
- ``make``: targets of the Makefile, whose recipes other tests run.
- ``output``: no command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("run", "run-slow", "python", "python-slow", "file", "needs", "make", "output")
NEEDS = ("gpu", "models", "network", "key", "cluster", "root", "plugin", "docker", "shell", "stop")
FILES = ("toml", "yaml", "json", "csv", "jsonl", "dockerfile")
_MARK = re.compile(
    r"<!-- test: (?P<kind>[a-z-]+)(?: (?P<what>[a-z]+))?(?:, in (?P<folder>[\w./-]+))?"
    r"(?:, with (?P<arguments>[\w./ -]+?))?(?:, exit (?P<code>\d+))? -->"
)
_FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})(.*)$")


@dataclass(frozen=True)
class Block:
    """One fenced block. ``kind`` is empty where no mark stands above it."""

    page: str
    line: int
    language: str
    text: str
    kind: str
    what: str
    folder: str = ""
    arguments: tuple[str, ...] = ()
    exit_code: int = 0

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Every document for readers, in order of name."""
    docs = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "THIRD_PARTY.md", *docs]


def blocks_of(text: str, page: str) -> list[Block]:
    """The fenced blocks of one page. ValueError for a fence that is never closed."""
    found: list[Block] = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if fence is None:
            number += 1
            continue
        indent, ticks, language = fence[1], fence[2], fence[3].strip()
        end = number + 1
        while end < len(lines) and lines[end].strip() != ticks:
            end += 1
        if end == len(lines):
            raise ValueError(f"{page}:{number + 1}: the fence is never closed")
        body = "\n".join(line.removeprefix(indent) for line in lines[number + 1 : end]) + "\n"
        mark = _MARK.fullmatch(lines[number - 1].strip()) if number else None
        found.append(_block(Block(page, number + 1, language, body, "", ""), mark))
        number = end + 1
    return found


def _block(bare: Block, mark: re.Match[str] | None) -> Block:
    if mark is None:
        return bare
    return replace(
        bare,
        kind=mark["kind"],
        what=mark["what"] or "",
        folder=mark["folder"] or "",
        arguments=tuple((mark["arguments"] or "").split()),
        exit_code=int(mark["code"] or 0),
    )


def all_blocks() -> list[Block]:
    """The blocks of every page."""
    return [
        block
        for page in pages()
        for block in blocks_of(page.read_text("utf-8"), page.relative_to(ROOT).as_posix())
    ]


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    kept, open_fence = [], ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if open_fence:
            open_fence = "" if line.strip() == open_fence else open_fence
        elif fence:
            open_fence = fence[2]
        else:
            kept.append(line)
    return "\n".join(kept)

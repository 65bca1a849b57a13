"""Every block of the documents is marked, parses, and does what it says."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.blocks import FILES, KINDS, NEEDS, ROOT, Block, all_blocks, blocks_of, pages, prose
from tests.docs.commands import WrongCommand, check, command_lines, ours
from tests.docs.workplace import copy_of, execute

BLOCKS = all_blocks()
SHELL = [b for b in BLOCKS if b.kind in {"run", "run-slow", "needs", "make"}]


def pages_with(*kinds: str) -> list[str]:
    return sorted({block.page for block in BLOCKS if block.kind in kinds})


# ---------------------------------------------------------------- marks


def test_every_block_says_how_it_is_tested() -> None:
    assert len(BLOCKS) > 20
    wrong = [
        f"{b.place}: {b.kind or 'no mark'} {b.what}"
        for b in BLOCKS
        if b.kind not in KINDS
        or (b.kind == "needs" and b.what not in NEEDS)
        or (b.kind == "file" and b.what not in FILES)
    ]
    assert wrong == []


def test_a_block_without_a_mark_is_seen_as_such() -> None:
    text = "# T\n\n```sh\nforensics doctor\n```\n\n<!-- test: run, in a, exit 3 -->\n```\nx\n```\n"
    bare, marked = blocks_of(text, "page.md")
    assert (bare.kind, bare.line, bare.text) == ("", 3, "forensics doctor\n")
    assert (marked.kind, marked.folder, marked.exit_code) == ("run", "a", 3)
    with pytest.raises(ValueError, match="never closed"):
        blocks_of("```sh\nx\n", "page.md")


def test_no_command_hides_in_a_block_marked_as_output() -> None:
    commands = re.compile(
        r"^\s*(\$ )?(\.venv/bin/)?forensics [a-z]|^\s*python -m |^\s*make \w+\s*$"
    )
    found = [
        f"{b.place}: {line}"
        for b in BLOCKS
        if b.kind == "output"
        for line in b.text.splitlines()
        if commands.match(line)
    ]
    assert found == []


# ---------------------------------------------------------------- commands parse


@pytest.mark.parametrize("block", SHELL, ids=lambda b: b.place)
def test_commands_of_a_block_exist_with_their_options(block: Block) -> None:
    wrong = []
    for words in command_lines(block.text):
        arguments = ours(words)
        try:
            if arguments is not None:
                check(arguments)
            elif words[0] == "make":
                _check_make(words[1:])
            elif words[0] == "python" and words[1:2] == ["-m"]:
                assert find_spec(words[2]), f"{block.place}: no module {words[2]}"
        except WrongCommand as error:
            wrong.append(str(error))
    assert wrong == [], block.place


def _check_make(words: list[str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    unknown = {word for word in words if "=" not in word} - targets
    if unknown:
        raise WrongCommand(f"make: no target {sorted(unknown)}")


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_commands_named_in_sentences_exist(page: Path) -> None:
    spans = re.findall(r"`((?:forensics|make) [^`]+)`", prose(page.read_text("utf-8")))
    wrong = []
    for span in spans:
        # A bar between words, a dash, an ellipsis: a form for the reader, not a line to paste.
        if any(sign in span for sign in ("|", "…", "[", "<")):
            continue
        for words in command_lines(span):
            try:
                if (arguments := ours(words)) is not None:
                    check(arguments)
                elif words[0] == "make":
                    _check_make(words[1:])
            except WrongCommand as error:
                wrong.append(f"`{span}`: {error}")
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("forensics audit clip.mp4 --no-such", "No such option"),
        ("forensics adit clip.mp4", "no command 'adit'"),
        ("forensics models fetsch x", "no command 'fetsch'"),
        ("forensics audit clip.mp4 --upscale", "requires an argument"),
        ("forensics audit clip.mp4 --background realesrgan-x3", "--background"),
        ("forensics verify a b", "no further words"),
        ("A=1 nice .venv/bin/forensics report a --formt html", "No such option"),
        ("cd x && python -m forensics doctor --jsn", "No such option"),
    ],
)
def test_a_wrong_command_is_found(line: str, words: str) -> None:
    (arguments,) = [found for c in command_lines(line) if (found := ours(c)) is not None]
    with pytest.raises(WrongCommand, match=words):
        check(arguments)


# ---------------------------------------------------------------- files parse


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == "file"], ids=lambda b: b.place)
def test_files_in_the_documents_parse(block: Block) -> None:
    if block.what == "toml":
        assert tomllib.loads(block.text)
    elif block.what == "json":
        assert json.loads(block.text)
    elif block.what == "jsonl":
        assert [json.loads(line) for line in block.text.splitlines()]
    elif block.what == "csv":
        header, *rows = csv.reader(block.text.splitlines())
        assert rows
        assert {len(row) for row in rows} == {len(header)}
    else:
        import yaml

        assert block.what != "yaml" or yaml.safe_load(block.text)


# ---------------------------------------------------------------- commands run


def executed(page: str, kinds: set[str], place: Path) -> None:
    """Run the blocks of these kinds, in the order of the page."""
    due = [block for block in BLOCKS if block.page == page and block.kind in kinds]
    for tool in ("ffmpeg", "openssl"):
        if any(tool in block.text for block in due) and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    for block in due:
        execute(place, block)


@pytest.mark.parametrize("page", pages_with("run", "python"))
def test_quick_blocks_of_a_page_run(page: str, prepared: Path, tmp_path: Path) -> None:
    executed(page, {"run", "python"}, copy_of(prepared, tmp_path / "place"))


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_with("run-slow", "python-slow"))
def test_all_blocks_of_a_page_run_in_order(page: str, prepared: Path, tmp_path: Path) -> None:
    kinds = {"run", "run-slow", "python", "python-slow"}
    executed(page, kinds, copy_of(prepared, tmp_path / "place"))

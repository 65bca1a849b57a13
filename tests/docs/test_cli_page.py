"""docs/cli.md is what the command line says; completion works and stays light."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from tests.docs.commands import root

PAGE = ROOT / "docs" / "cli.md"


def test_the_page_is_what_help_says(tmp_path: Path) -> None:
    from forensics.cli.reference import main, page

    assert PAGE.read_text("utf-8") == page(), "run: make docs"
    assert main(["--check", str(PAGE)]) == 0
    stale = tmp_path / "cli.md"
    stale.write_text(PAGE.read_text("utf-8").replace("--every", "--any"), "utf-8")
    assert main(["--check", str(stale)]) == 3
    assert main(["--write", str(stale)]) == 0
    assert main(["--check", str(stale)]) == 0


def test_every_command_and_every_option_has_help_in_words() -> None:
    command, _ = root()
    silent = []
    for path, part in _walk(command, "forensics"):
        if not (part.help or "").strip():
            silent.append(path)
        unsaid = [p for p in part.params if not (getattr(p, "help", None) or "").strip()]
        silent += [f"{path} {p.opts}" for p in unsaid if p.name != "help"]
    assert silent == []


def test_the_page_has_each_command_once() -> None:
    named = re.findall(r"^## `(.+)`$", PAGE.read_text("utf-8"), re.MULTILINE)
    command, _ = root()
    assert sorted(named) == sorted(path for path, _ in _walk(command, "forensics"))


def _walk(command, path):
    yield path, command
    for name, part in getattr(command, "commands", {}).items():
        yield from _walk(part, f"{path} {name}")


# ---------------------------------------------------------------- completion

ASKING = {
    "bash": {"COMP_WORDS": "forensics ", "COMP_CWORD": "1"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "forensics "},
    "fish": {"_TYPER_COMPLETE_ARGS": "forensics ", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    "powershell": {"_TYPER_COMPLETE_ARGS": "forensics ", "_TYPER_COMPLETE_WORD_TO_COMPLETE": ""},
    "pwsh": {"_TYPER_COMPLETE_ARGS": "forensics ", "_TYPER_COMPLETE_WORD_TO_COMPLETE": ""},
}
# Runs the installed script's own function, then says what it had loaded.
CODE = (
    "import json, sys\n"
    "sys.argv = ['forensics', *sys.argv[1:]]\n"
    "from forensics.cli.app import main\n"
    "try:\n"
    "    main()\n"
    "except SystemExit as stop:\n"
    "    code = stop.code or 0\n"
    "sys.stderr.write('\\n@@' + json.dumps([code, sorted(m.split('.')[0] for m in sys.modules)]))\n"
)


# The command asks which shell started it; a test names one.
NAMED = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}


def ask(arguments: list[str], variables: dict[str, str], home: Path) -> tuple[str, set[str]]:
    """What the command prints and which packages it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        env={**os.environ, **variables, "HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
    )
    _, _, told = done.stderr.rpartition("\n@@")
    assert told, done.stderr
    code, loaded = json.loads(told)
    assert code == 0, done.stderr
    return done.stdout, set(loaded)


@pytest.mark.parametrize("shell", sorted(ASKING))
def test_completion_names_the_commands_and_loads_no_torch(shell: str, tmp_path: Path) -> None:
    variables = {"_FORENSICS_COMPLETE": f"complete_{shell}", **ASKING[shell]}
    said, loaded = ask([], variables, tmp_path)
    command, _ = root()
    assert [name for name in command.commands if name not in said] == []
    assert {"torch", "cv2", "av", "numpy", "weasyprint"} & loaded == set()


def test_completion_names_options(tmp_path: Path) -> None:
    variables = {
        "_FORENSICS_COMPLETE": "complete_bash",
        "COMP_WORDS": "forensics verify --de",
        "COMP_CWORD": "2",
    }
    said, _ = ask([], variables, tmp_path)
    assert said.split() == ["--deep"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell", "pwsh"])
def test_the_script_of_each_shell_asks_this_command(shell: str, tmp_path: Path) -> None:
    said, loaded = ask(["--show-completion", shell], NAMED, tmp_path)
    named = "powershell" if shell == "pwsh" else shell
    assert "_FORENSICS_COMPLETE" in said
    assert f"complete_{named}" in said
    assert "torch" not in loaded


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", ".bash_completions/forensics.sh"),
        ("zsh", ".zfunc/_forensics"),
        ("fish", ".config/fish/completions/forensics.fish"),
    ],
)
def test_install_completion_writes_the_script(shell: str, file: str, tmp_path: Path) -> None:
    ask(["--install-completion", shell], NAMED, tmp_path)
    assert "_FORENSICS_COMPLETE" in (tmp_path / file).read_text("utf-8")

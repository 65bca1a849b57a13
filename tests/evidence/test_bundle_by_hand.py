"""docs/bundle.md's check without this tool: its commands run and say what it claims."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest


def _commands(repo_root: Path) -> str:
    text = (repo_root / "docs" / "bundle.md").read_text(encoding="utf-8")
    section = text[text.index("## Checking it without this tool") :]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def _run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-e", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(autouse=True)
def _tools() -> None:
    # GNU coreutils are on every Linux machine that this project names.
    assert shutil.which("sha256sum")
    assert shutil.which("bash")


def test_an_intact_bundle_passes_by_hand(bundle: Path, repo_root: Path) -> None:
    done = _run(_commands(repo_root), bundle)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split()
    assert len(lines) == 6 + 2
    assert lines[-1] == lines[-2]


def test_a_changed_file_shows_by_hand(bundle: Path, repo_root: Path) -> None:
    with (bundle / "data" / "faces.csv").open("ab") as stream:
        stream.write(b"1\n")
    done = _run(_commands(repo_root), bundle)
    assert done.returncode != 0
    assert "data/faces.csv: FAILED" in done.stdout


def test_the_chain_can_be_followed_by_hand(bundle: Path) -> None:
    log = bundle / "data" / "log" / "events.jsonl"
    done = _run("sed -n 3p data/log/events.jsonl | sha256sum", bundle)
    fourth = json.loads(log.read_text(encoding="utf-8").splitlines()[3])
    assert done.stdout.split()[0] == fourth["prev"]

"""docs/configuration.md lists every setting as it is; doctor shows where each came from."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from forensics.config import Settings, resolve, user_file
from tests.docs.blocks import ROOT, blocks_of
from tests.docs.commands import root

PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
# Name, default, values, option.
ROWS = [
    (cells[0].strip(" `"), cells[1], cells[3])
    for line in PAGE.splitlines()
    if line.startswith("| `") and len(cells := line.strip("|").split("|")) == 4
]


def test_the_table_has_every_setting_with_its_default() -> None:
    written = {}
    for name, default, _ in ROWS:
        text = default.strip("` ")
        written[name] = {"true": True, "false": False}.get(text, text)
    meant = {
        name: "" if field.default is None else field.default
        for name, field in Settings.model_fields.items()
    }
    assert {n: str(v) for n, v in written.items()} == {n: str(v) for n, v in meant.items()}


def test_the_options_of_the_table_exist() -> None:
    command, _ = root()
    known = {opt for p in command.commands["audit"].params for opt in p.opts}
    named = {opt for _, _, options in ROWS for opt in re.findall(r"`(-[\w-]+)`", options)}
    assert named <= known
    # Options of audit that are no setting: where results go, keys, and what is done once.
    assert len(named) >= 18


def test_the_file_of_the_page_is_understood(tmp_path: Path) -> None:
    (block,) = [b for b in blocks_of(PAGE, "configuration.md") if b.kind == "file"]
    (tmp_path / "forensics.toml").write_text(block.text, "utf-8")
    resolved = resolve({"every": 2}, tmp_path)
    assert (resolved.settings.every, resolved.origins["every"]) == (2, "flag")
    assert (resolved.settings.operator, resolved.origins["operator"]) == ("Desk 2", "project file")


def test_doctor_shows_each_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    user_file().parent.mkdir(parents=True)
    user_file().write_text('operator = "Desk 1"\ncase = "A"\n', "utf-8")
    (tmp_path / "forensics.toml").write_text('case = "B"\nupscale = 3\n', "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "forensics", "doctor", "--json", "--private"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "FORENSICS_UPSCALE": "4"},
        capture_output=True,
        text=True,
        check=True,
    )
    shown = json.loads(done.stdout)["settings"]
    assert set(shown) == set(Settings.model_fields)
    assert shown["operator"] == {"value": "Desk 1", "origin": "user file"}
    assert shown["case"] == {"value": "B", "origin": "project file"}
    assert shown["upscale"] == {"value": 4, "origin": "environment"}
    assert shown["models"] == {"value": "embedded", "origin": "default"}

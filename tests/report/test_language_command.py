"""``forensics report --lang``: the files are in that language, and an unknown one costs exit 2."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forensics.cli.app import app
from forensics.config import resolve
from forensics.deep.child import render
from forensics.errors import UsageError
from forensics.evidence.lines import load_audit, write_audit
from forensics.report.html import render_html
from forensics.report.view import load_view


def test_report_is_written_in_the_language_asked_for(bundle: Path, tmp_path: Path) -> None:
    arguments = ["report", str(bundle), "--format", "html,md", "--lang", "de", "--out"]
    done = CliRunner().invoke(app, [*arguments, str(tmp_path / "de")])
    assert done.exit_code == 0, done.output
    assert '<html lang="de">' in (tmp_path / "de" / "report.html").read_text("utf-8")
    assert "## Das Ergebnis" in (tmp_path / "de" / "report.md").read_text("utf-8")


def test_a_language_that_there_is_not_costs_exit_2_and_writes_nothing(
    bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app, ["report", str(bundle), "--format", "html", "--lang", "xx", "--out", str(out)]
    )
    assert isinstance(done.exception, UsageError)
    assert done.exception.exit_code == 2
    assert "en, de" in done.exception.hint
    assert not out.exists()


def test_the_setting_is_settled_like_every_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("FORENSICS_LANG", "de")
    assert resolve({}, tmp_path).settings.lang == "de"
    assert resolve({"lang": "en"}, tmp_path).settings.lang == "en"
    with pytest.raises(UsageError, match="choose from en, de") as raised:
        resolve({"lang": "xx"}, tmp_path)
    assert raised.value.exit_code == 2


def test_a_check_draws_a_report_again_in_the_language_of_its_run(
    bundle: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    audit = load_audit(copy)
    settings = {**audit.settings, "lang": "de"}
    write_audit(copy / "data", audit.model_copy(update={"settings": settings}))
    (tmp_path / "out").mkdir()
    assert list(render(copy / "data", tmp_path / "out", ["html"])) == ["report.html\n"]
    drawn = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert drawn == render_html(load_view(copy / "data"), language="de")
    assert '<html lang="de">' in drawn

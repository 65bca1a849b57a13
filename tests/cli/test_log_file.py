"""``--log-file`` and being asked to end: what reaches the file, and what a signal becomes."""

from __future__ import annotations

import json
import logging
import signal
from pathlib import Path

import pytest

from forensics.cli import app as command
from forensics.cli.log_file import SAID, logged
from forensics.cli.signals import terminable
from forensics.errors import Interrupted, UsageError


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_what_is_logged_and_said_reaches_the_file_as_json(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with logged(path):
        logging.getLogger("forensics.media").debug("frame %d", 7)
        SAID.info("two\nlines")
    logging.getLogger("forensics.media").warning("too late")
    first, second = _lines(path)
    assert (first["level"], first["logger"]) == ("debug", "forensics.media")
    assert first["message"] == "frame 7"
    assert second["message"] == "two\nlines"
    assert first["utc"].endswith("Z")


def test_it_is_appended_to_and_an_error_is_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with logged(path):
        SAID.info("first")
    with pytest.raises(UsageError), logged(path):
        raise UsageError("on purpose")
    lines = _lines(path)
    assert [line["message"] for line in lines] == ["first", "the run ended: on purpose"]
    assert "UsageError" in lines[1]["traceback"]


def test_a_file_that_cannot_be_written_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--log-file"), logged(tmp_path):
        pass


def test_the_command_writes_why_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.mp4").write_text("no film", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    words = ["forensics", "audit", "text.mp4", "--log-file", "run.jsonl", "--format", "html"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert stopped.value.code == 3
    assert "Traceback" not in capsys.readouterr().err
    assert "text.mp4" in _lines(tmp_path / "run.jsonl")[-1]["message"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_asked_to_end_is_an_interruption(number: signal.Signals) -> None:
    # Whoever runs the tests may have them ignore it (nohup).
    outside = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(Interrupted) as caught, terminable():
            signal.raise_signal(number)
        assert caught.value.exit_code == 130
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, outside)


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminable():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

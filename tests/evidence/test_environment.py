"""Environment and command records: versions without imports, and nothing private when asked."""

from __future__ import annotations

import getpass
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from forensics.evidence import environment
from forensics.evidence.environment import command_record, environment_record, package_versions

HEAVY = "torch torchvision cv2 av weasyprint spandrel facexlib lpips numpy PIL"


def test_versions_come_without_importing_anything_heavy() -> None:
    code = (
        "import sys\n"
        "from forensics.evidence.environment import environment_record\n"
        "from forensics.evidence import bundle, events, lines, schema, table, verify\n"
        "versions = environment_record()['packages']\n"
        f"loaded = [name for name in {HEAVY!r}.split() if name in sys.modules]\n"
        "print(versions['torch'], versions['pydantic'], loaded)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    torch, pydantic, loaded = done.stdout.strip().split(" ", 2)
    assert torch == package_versions(["torch"])["torch"]
    assert pydantic[0] == "2"
    assert loaded == "[]"


def test_the_record_is_json_and_names_machine_and_code() -> None:
    record = json.loads(json.dumps(environment_record(numeric={"gpu": None}), allow_nan=False))
    assert record["schema"] == "restoration-forensics/environment/1"
    assert record["python"]["version"] == sys.version.split()[0]
    assert record["cpu"]["cores"] >= record["cpu"]["usable_cores"] >= 1
    assert record["numeric"] == {"gpu": None}
    assert record["clock"]["utc"].endswith("Z")
    assert record["host"] == socket.gethostname()


def test_private_leaves_host_user_and_paths_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "host-of-a-source")
    monkeypatch.setattr(getpass, "getuser", lambda: "name-of-a-person")
    open_text = json.dumps(environment_record())
    assert "host-of-a-source" in open_text
    assert "name-of-a-person" in open_text
    text = json.dumps(environment_record(private=True))
    assert "host-of-a-source" not in text
    assert "name-of-a-person" not in text
    assert str(Path(sys.executable).parent) not in text
    assert str(Path(environment.__file__).parent.parent) not in text


def test_only_listed_variables_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    record = environment_record()
    assert record["variables"]["OMP_NUM_THREADS"] == "3"  # type: ignore[index]
    assert "hunter2" not in json.dumps(record)


def test_a_checkout_names_its_commit(repo_root: Path) -> None:
    tool = environment_record()["tool"]
    assert isinstance(tool, dict)
    if not (repo_root / ".git").exists():
        assert tool["commit"] is None
        return
    asked = ["git", "-C", str(repo_root), "rev-parse", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert tool["commit"] == done.stdout.strip()
    assert tool["dirty"] in {True, False}


def test_without_git_the_record_is_still_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    tool = environment_record()["tool"]
    assert isinstance(tool, dict)
    assert tool["commit"] is None


def test_the_command_keeps_words_and_hides_secrets() -> None:
    argv = ["forensics", "audit", "a.mp4", "--passphrase-file", "pw.txt", "--token=abc"]
    argv += ["--timestamp", "https://user:secret@tsa.example/x?key=1", "-s", "2"]
    record = command_record(argv, {"upscale": 2, "label": True, "case": None}, cwd=Path("/x/y"))
    assert record["argv"] == [
        "forensics",
        "audit",
        "a.mp4",
        "--passphrase-file",
        "[removed]",
        "--token=[removed]",
        "--timestamp",
        "https://[removed]tsa.example/x?[removed]",
        "-s",
        "2",
    ]
    assert record["settings"] == {"upscale": 2, "label": True, "case": None}
    assert record["cwd"] == "/x/y"


def test_home_is_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    record = command_record(["forensics", "/home/someone/a.mp4"], {}, cwd=Path("/home/someone"))
    assert record["argv"] == ["forensics", "~/a.mp4"]
    assert record["cwd"] == "~"


def test_private_commands_have_no_folders() -> None:
    argv = ["forensics", "audit", "/cases/smith/a.mp4", "--out=/cases/smith/out/", "--rate", "25/1"]
    record = command_record(argv, {"models_dir": "C:\\cases\\smith"}, private=True)
    assert record["argv"] == ["forensics", "audit", "a.mp4", "--out=out", "--rate", "25/1"]
    assert record["settings"] == {"models_dir": "smith"}
    assert "cwd" not in record

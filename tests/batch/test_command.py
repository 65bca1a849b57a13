"""The command ``forensics batch``: what it refuses, says and ends with, as a user sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from forensics.batch.choose import choose_runner, cores, cpu_workers
from forensics.batch.estimate import FACE_BYTES, WORKER_S, disk_warning, estimate
from forensics.batch.plan import make_plan
from forensics.config import Settings
from forensics.errors import UsageError
from forensics.evidence.keyfiles import new_key
from forensics.progress import Plain, Silent
from tests.batch import killing, material

PASSPHRASE = "zyxwv-unlikely-words-2026"  # noqa: S105 - of keys that only tests use


def _command(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forensics", *argv],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def _pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        material.plain(folder / f"p{number}.png", number)
    return folder


def test_wrong_use_is_exit_2_and_writes_nothing(tmp_path: Path) -> None:
    _pictures(tmp_path / "in", 1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    for argv, words in (
        ([], "no source was named"),
        (["gone.mp4"], "there is no file or folder 'gone.mp4'"),
        (["in", "-o", "full"], "is not empty and holds no batch"),
        (["in", "-o", "out", "--resume"], "there is no batch"),
        (["in", "-o", "out", "--retry-failed"], "--retry-failed goes with --resume"),
        (["in", "-o", "out", "--runner", "slurm"], "--runner slurm: unknown"),
        (["in", "-o", "out", "--workers", "0"], "at least 1"),
        (["in", "-o", "out", "--pictures", "all"], "--pictures all: unknown"),
        (["in", "-o", "out", "--item-timeout", "0"], "must be above 0"),
        (["in", "-o", "out", "--upscale", "9"], "--upscale"),
        (["in", "-o", "out", "--passphrase-file", "x"], "--passphrase-file needs --sign"),
    ):
        done = _command("batch", *argv, cwd=tmp_path)
        assert done.returncode == 2, (argv, done.stderr)
        assert words in done.stderr, (argv, done.stderr)
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "out").exists()


def test_a_dry_run_says_what_how_long_and_how_much(tmp_path: Path) -> None:
    _pictures(tmp_path / "in", 3)
    (tmp_path / "in" / "bad.mp4").write_text("text")
    (tmp_path / "in" / "same.png").write_bytes((tmp_path / "in" / "p1.png").read_bytes())
    done = _command("batch", "in", "-o", "out", "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)["plan"]
    assert plan["frames"] == 3
    assert plan["same_as_another"] == 1
    assert {item["id"]: item["reason"] is None for item in plan["items"]} == {
        "bad": False, "p0": True, "p1": True, "p2": True,
    }  # fmt: skip
    assert plan["disk_bytes_for_one_face_a_frame"] > 3 * FACE_BYTES
    assert plan["seconds_for_one_face_a_frame"] > 0
    assert not (tmp_path / "out").exists()
    told = _command("batch", "in", "-o", "out", "--dry-run", cwd=tmp_path)
    for words in (
        "for each person seen in every frame",
        "bad: will fail: bad.mp4 is a text file, not footage",
        "about 1.5 MB a face",
        "Time: about",
    ):
        assert words in told.stderr, told.stderr


def test_too_little_room_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan([str(_pictures(tmp_path / "in", 2))], tmp_path / "out", pictures="single")
    assert disk_warning(plan, tmp_path / "out", Settings()) is None
    monkeypatch.setattr("forensics.batch.estimate.free_bytes", lambda _: 1000)
    said = disk_warning(plan, tmp_path / "out", Settings())
    assert said is not None
    assert said.startswith("Warning: the disk may not hold this")
    found = estimate(plan, tmp_path / "out", Settings(), 2, Silent())
    assert any(line.startswith("Warning: the disk") for line in found.lines())


def test_estimates_grow_with_frames_and_shrink_with_workers(tmp_path: Path) -> None:
    plan = make_plan([str(_pictures(tmp_path / "in", 4))], tmp_path / "out", pictures="single")
    one = estimate(plan, tmp_path / "out", Settings(), 1, Silent())
    two = estimate(plan, tmp_path / "out", Settings(), 2, Silent())
    many = estimate(plan, tmp_path / "out", Settings(), 64, Silent())
    assert two.seconds - WORKER_S == pytest.approx((one.seconds - WORKER_S) / 2)
    # four pictures of 96x64 with a person each: 4 x (0.24 + 4.0 + 0.5 + 0.006 x 0.22) + 7.2
    assert one.seconds == pytest.approx(26.2, abs=0.1)
    assert many.workers == 4, "no more workers than items"
    official = estimate(plan, tmp_path / "out", Settings(models="gfpgan-1.4"), 1, Silent())
    assert "not estimated" in "\n".join(official.lines())


def test_a_signed_private_batch_from_end_to_end(tmp_path: Path) -> None:
    home = tmp_path / "secret place"
    home.mkdir()
    _pictures(home / "in", 2)
    (home / "in" / "bad.mp4").write_text("text")
    (home / "pairs.csv").write_text("id,source,restored\npair,in/p0.png,in/none.png\n")
    key = new_key(home / "keys", PASSPHRASE.encode(), "Example Newsroom")
    (home / "pass").write_text(PASSPHRASE, encoding="utf-8")
    (home / "pass").chmod(0o600)
    argv = ["in", "pairs.csv", "-o", "out", "--format", "html", "--private", "--workers", "1"]
    argv += ["--sign", str(key.key), "--passphrase-file", "pass", "--pictures", "single"]
    done = _command("batch", *argv, "--json", cwd=home)
    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    assert document == json.loads((home / "out" / "batch.json").read_bytes())
    found = {item["id"]: item["outcome"] for item in document["items"]}
    assert found == {"bad": "failed", "p0": "done", "p1": "done", "pair": "failed"}
    assert document["run"]["signers"] == [key.fingerprint]
    for path in home.joinpath("out").rglob("*"):
        if not path.is_file() or path.name == "journal.sqlite":
            continue
        assert b"secret place" not in path.read_bytes(), path
        assert PASSPHRASE.encode() not in path.read_bytes(), path
    checked = _command("verify", "out", "--key", str(key.public), cwd=home)
    assert checked.returncode == 0, checked.stderr
    assert "2 intact signer known" in checked.stderr
    assert checked.stderr.startswith("out: roll-up and all 2 bundles checked; intact, signed with")
    again = _command("batch", *argv, "--resume", "--json", cwd=home)
    assert again.returncode == 3
    assert json.loads(again.stdout)["run"]["starts"] == 2
    assert [i["run"] for i in json.loads(again.stdout)["items"]] == [
        i["run"] for i in document["items"]
    ], "nothing was done again"
    other = _command("batch", *argv[:-6], "--resume", cwd=home)
    assert other.returncode == 2
    assert "this batch was begun with other settings: sign" in other.stderr


@pytest.mark.slow
def test_being_asked_to_end_is_exit_130_and_can_be_resumed(tmp_path: Path) -> None:
    _pictures(tmp_path / "in", 4)
    argv = ["in", "-o", "out", "--format", "html", "--workers", "1", "--pictures", "single"]
    process = killing.start(argv, tmp_path)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("p0: audited"):
            break
    process.send_signal(signal.SIGTERM)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 130, said
    assert "Run the same command with --resume" in said
    assert not (tmp_path / "out" / "batch.json").exists()
    last = killing.run([*argv, "--resume"], tmp_path)
    assert last.exit_code == 0, last.said
    summary = json.loads((tmp_path / "out" / "batch.json").read_bytes())
    assert [item["id"] for item in summary["items"]] == ["p0", "p1", "p2", "p3"]
    assert not list((tmp_path / "out").glob("*.incomplete"))


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from forensics.cli.app import app\n"
        "try:\n    app(['batch', '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'cv2', 'av', 'numpy', 'pyarrow', 'weasyprint'} & set(sys.modules)\n"
        "sys.exit(f'{heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--max-failures" in done.stdout


def test_runners_are_chosen_from_what_is_here() -> None:
    chosen = choose_runner("local", None, None, "cpu")
    assert chosen.runner.workers == cpu_workers() <= cores()
    assert chosen.threads == 1
    assert choose_runner("local", 3, 2, "cpu").threads == 2
    with pytest.raises(UsageError, match="unknown"):
        choose_runner("slurm", None, None, "cpu")


def test_progress_in_lines_tells_rate_and_time_left(tmp_path: Path) -> None:
    with (tmp_path / "said").open("w+") as stream:
        with Plain(stream).step("Items", 4) as step:
            step._told -= 11  # type: ignore[attr-defined] # as if ten seconds had passed
            step.advance()
        stream.seek(0)
        first, last = stream.read().splitlines()
    assert first.startswith("Items: 1 of 4, ")
    assert first.endswith(" s left")
    assert os.linesep not in last

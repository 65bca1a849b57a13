"""The commands: ``capture URL`` and ``audit URL``, as a person runs them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from forensics import verify
from forensics.api import run_audit
from forensics.capture import clip as clip_module
from forensics.capture import targets
from forensics.capture.clip import Captured, capture
from forensics.cli import app
from forensics.cli.web_source import web_source
from forensics.config import Settings
from forensics.errors import IntegrityError, UsageError
from forensics.progress import Silent
from tests.bundle_checks import validate_bundle
from tests.capture.conftest import LOCAL, take
from tests.capture.server import Handler, Site, file, page


def run(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Exit code of the command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["forensics", *argv])
    with pytest.raises(SystemExit) as ended:
        app.main()
    return int(ended.value.code or 0)


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command may reach this machine's site, by the parameter that only functions have."""

    def local(*args: object, **named: object) -> object:
        return capture(*args, **{**named, "reach": LOCAL})  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(clip_module, "capture", local)


def test_capture_writes_clip_and_record(
    site: Site,
    clip: bytes,
    tmp_path: Path,
    reached: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site.answers["/clip.mp4"] = file(clip)
    argv = ["capture", site.url("/clip.mp4"), "-o", str(tmp_path / "kept"), "--json"]
    assert run(argv, monkeypatch) == 0
    said = capsys.readouterr()
    (record,) = json.loads(said.out)["captures"]
    assert record["schema"] == "restoration-forensics/capture/1"
    assert (tmp_path / "kept" / record["files"][0]["name"]).read_bytes() == clip
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["capture", "http://10.0.0.1/clip.mp4"], 3, "private"),
        (["capture", "http://[::1]:9/clip.mp4"], 3, "loopback"),
        (["capture", "http://0x7f.1/clip.mp4"], 3, "loopback"),
        (["capture", "file:///etc/passwd"], 2, "scheme is 'file'"),
        (["audit", "http://169.254.169.254/latest"], 3, "link-local"),
        (["audit", "https://example.org/clip.mp4", "--offline"], 2, "--offline"),
        (["audit", "https://example.org/clip.mp4", "--dry-run"], 2, "--dry-run"),
        (["audit", "https://example.org/clip.mp4", "--resume"], 2, "--resume"),
        (["audit", "ftp://example.org/clip.mp4"], 2, "ftp:"),
    ],
)
def test_what_is_refused_says_so_in_one_message(
    argv: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(argv, monkeypatch) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_the_message_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clip_module, "find_spec", lambda name: None)
    assert run(["capture", "https://example.org/a", "-o", str(tmp_path)], monkeypatch) == 5
    assert "pip install 'restoration-forensics[capture]'" in capsys.readouterr().err


def test_help_and_refusals_load_no_yt_dlp() -> None:
    import subprocess

    code = (
        "import sys; sys.argv = ['forensics', 'capture', '--help']\n"
        "from forensics.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "assert not {'yt_dlp', 'torch', 'cv2'} & set(sys.modules), 'loaded too much'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def square() -> bytes:
    """A small picture without a face, as PNG."""
    import io

    import numpy as np

    noise = np.random.default_rng(5).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    return stream.getvalue()


def audited(captured: Captured, out: Path) -> Path:
    settings = Settings(format="html", every=1000, upscale=1)
    said: list[str] = []
    done = run_audit(captured.path, out, settings, force=False, progress=Silent(), say=said.append)
    assert any(line.startswith("Captured from http://") for line in said)
    return done.bundle


def edit(path: Path, old: bytes, new: bytes) -> None:
    raw = path.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new))


def served_as_video(site: Site, picture: bytes) -> str:
    """A small picture under a video's type: capture keeps any bytes, and audits are then quick."""
    site.answers["/page"] = page("<title>T</title><video src='/clip.mp4'></video>")
    site.answers["/clip.mp4"] = file(picture)
    return site.url("/page")


def test_an_audit_carries_the_record_of_its_source(
    site: Site, square: bytes, tmp_path: Path
) -> None:
    captured = take(served_as_video(site, square), tmp_path / "kept")
    bundle = audited(captured, tmp_path / "out")
    audit = json.loads((bundle / "data/audit.json").read_bytes())
    note = audit["source"]["capture"]
    assert note["url"] == site.url("/page")
    assert note["url_final"] == site.url("/clip.mp4")
    assert note["sha256"] == audit["source"]["sha256"]
    assert note["captured_utc"] == captured.record.files[0].ended_utc
    kept = (bundle / "data/run/capture.json").read_bytes()
    assert kept == captured.record_path.read_bytes()
    acquisition = json.loads((bundle / "data/run/acquisition.json").read_bytes())
    assert acquisition["capture"] == note
    report = (bundle / "data/report/report.html").read_text("utf-8")
    assert site.url("/clip.mp4") in report
    assert note["captured_utc"] in report
    assert validate_bundle(bundle) == []
    assert verify(bundle).exit_code == 0


def test_doubts_about_a_capture_reach_the_audit(site: Site, square: bytes, tmp_path: Path) -> None:
    asked: list[str] = []

    def changing(handler: Handler) -> None:
        asked.append(handler.command)
        handler.reply(200, square, "video/mp4", ETag=f'"{len(asked)}"')

    served_as_video(site, square)
    site.answers["/clip.mp4"] = changing
    bundle = audited(take(site.url("/page"), tmp_path / "kept"), tmp_path / "out")
    run_record = json.loads((bundle / "data/audit.json").read_bytes())["run"]
    assert run_record["exit_code"] == 3
    assert any("changed at its address" in failure for failure in run_record["failures"])


def test_a_captured_file_that_changed_is_not_audited(
    site: Site, square: bytes, tmp_path: Path
) -> None:
    captured = take(served_as_video(site, square), tmp_path / "kept")
    captured.path.write_bytes(captured.path.read_bytes() + b"\x00")
    with pytest.raises(IntegrityError, match="not what was captured"):
        audited(captured, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_record_is_not_believed(site: Site, square: bytes, tmp_path: Path) -> None:
    captured = take(served_as_video(site, square), tmp_path / "kept")
    edit(captured.record_path, b'"max_bytes"', b'"max_bytez"')
    with pytest.raises(IntegrityError, match="capture record is damaged"):
        audited(captured, tmp_path / "out")


def test_the_record_in_a_bundle_is_checked_against_audit_json(
    site: Site, square: bytes, tmp_path: Path
) -> None:
    """Also where the manifests are made to agree: the records are held against each other."""
    from forensics.evidence.bag import write_bag

    bundle = audited(take(served_as_video(site, square), tmp_path / "kept"), tmp_path / "out")
    info = (bundle / "bag-info.txt").read_text("utf-8")
    fields = dict(line.split(": ", 1) for line in info.splitlines() if ": " in line)
    fields.pop("Payload-Oxum", None)
    path = bundle / "data/run/capture.json"
    whole = path.read_bytes()
    for change in ("another address", "taken away"):
        if change == "taken away":
            path.unlink()
        else:
            edit(path, b"/page", b"/pagf")
        write_bag(bundle, fields)
        found = verify(bundle)
        assert found.exit_code == 4, change
        assert any("capture.json" in line for line in found.lines()), found.lines()
        path.write_bytes(whole)


def test_an_address_is_captured_beside_the_bundle(
    site: Site, clip: bytes, tmp_path: Path, reached: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    site.answers["/clip.mp4"] = file(clip)
    said: list[str] = []
    assert web_source("clip.mp4", None, said.append) == Path("clip.mp4")
    path = web_source(site.url("/clip.mp4"), None, said.append)
    assert path == tmp_path / "clip-capture" / "clip.mp4"
    named = web_source(site.url("/clip.mp4"), tmp_path / "case-7", said.append)
    assert named == tmp_path / "case-7-capture" / "clip.mp4"
    assert named.read_bytes() == clip
    with pytest.raises(UsageError, match="--resume"):
        web_source(site.url("/clip.mp4"), None, said.append, refuse="--resume")


@pytest.mark.slow
def test_audit_of_an_address_from_end_to_end(
    site: Site,
    square: bytes,
    tmp_path: Path,
    reached: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = served_as_video(site, square)
    out = tmp_path / "out"
    assert run(["audit", url, "-o", str(out), "--format", "html", "--json"], monkeypatch) == 0
    audit = json.loads(capsys.readouterr().out)
    assert audit["source"]["capture"]["url"] == url
    assert (tmp_path / "out-capture").is_dir()
    assert run(["verify", str(out)], monkeypatch) == 0


def test_is_url() -> None:
    assert targets.is_url("HTTPS://example.org")
    assert not targets.is_url("httpd.mp4")

"""Bad input: one clear message, the stated exit code, no traceback, nothing half-written."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from forensics.cli import app as command


def huge_png(side: int = 60000) -> bytes:
    """A valid PNG header that declares side x side pixels, and one byte of picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def broken_jpeg() -> bytes:
    """A JPEG cut in the middle."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG")
    return buffer.getvalue()[: len(buffer.getvalue()) // 2]


def sound_only(path: Path) -> None:
    """An mp4 with sound and no picture."""
    with av.open(str(path), "w") as box:
        stream = box.add_stream("aac", rate=44100, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate = 44100
        for number in range(4):
            silence.pts = number * 1024
            box.mux(stream.encode(silence))
        box.mux(stream.encode(None))


def cases(folder: Path, secret: Path) -> dict[str, Path]:
    """Name of the fault -> path."""
    files = {
        "text named mp4": ("text.mp4", b"this is not a video\n" * 40),
        "empty file": ("empty.mp4", b""),
        "playlist named mp4": (
            "list.mp4",
            f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n".encode(),
        ),
        "ffconcat named mp4": ("concat.mp4", f"ffconcat version 1.0\nfile '{secret}'\n".encode()),
        "declared 60000x60000 png": ("huge.png", huge_png()),
        "broken jpeg": ("broken.jpg", broken_jpeg()),
    }
    made = {}
    for fault, (name, content) in files.items():
        made[fault] = folder / name
        made[fault].write_bytes(content)
    made["missing file"] = folder / "absent.mp4"
    made["empty folder"] = folder / "empty"
    made["empty folder"].mkdir()
    made["video without frames"] = folder / "sound.mp4"
    sound_only(made["video without frames"])
    return made


FAULTS = (
    "missing file",
    "text named mp4",
    "empty file",
    "video without frames",
    "playlist named mp4",
    "ffconcat named mp4",
    "declared 60000x60000 png",
    "broken jpeg",
    "empty folder",
)


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_is_one_message_and_leaves_nothing(
    fault: str,
    tmp_path: Path,
    two_people: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, work = tmp_path / "in", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    secret = folder / "secret.mp4"
    secret.write_bytes(two_people.read_bytes())
    source = cases(folder, secret)[fault]
    before = secret.stat().st_atime_ns
    monkeypatch.chdir(work)
    monkeypatch.setattr("sys.argv", ["forensics", "audit", str(source)])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    said = capsys.readouterr()
    assert stopped.value.code in {2, 3}
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.count("forensics: ") == 1
    assert source.name in said.err
    assert list(work.iterdir()) == []
    assert secret.stat().st_atime_ns == before or fault not in {
        "playlist named mp4",
        "ffconcat named mp4",
    }


def test_with_json_an_error_is_one_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["forensics", "audit", str(tmp_path / "no.mp4"), "--json"])
    with pytest.raises(SystemExit):
        command.main()
    document = json.loads(capsys.readouterr().out)
    assert document["error"]["exit_code"] in {2, 3}
    assert "no.mp4" in document["error"]["message"]


@pytest.mark.parametrize(
    "words",
    [
        ["--upscale", "9"],
        ["--models", "gfpgan-9"],
        ["--noise", "zero"],  # without effect on the embedded restorer
        ["--engine", "reference"],  # has no embedded restorer
        ["--format", "docx"],
        ["--every", "0"],
        ["--no-such-option"],
    ],
)
def test_wrong_use_is_exit_2(
    words: list[str], two_people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["forensics", "audit", str(two_people), *words])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert stopped.value.code == 2
    assert list(tmp_path.iterdir()) == []


def test_without_pango_the_audit_stops_first_and_html_goes_on(
    two_people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensics.report.pdf.pdf_available", lambda: "Pango is not installed")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command.app, ["audit", str(two_people)])
    assert getattr(done.exception, "exit_code", None) == 5
    assert "--format html" in getattr(done.exception, "hint", "")
    assert list(tmp_path.iterdir()) == []

"""``models fetch``: what names mean, licences agreed to once, and a process that is killed."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from forensics.errors import IntegrityError, UsageError
from forensics.models import official as rows
from forensics.models.fetch import fetch, look, rows_of, settle_licences
from forensics.models.ledger import agreed, note_path, read_note
from forensics.models.official import official
from forensics.progress import Silent
from tests.models.cache import redigest
from tests.models.server import files, serving, silent, whole


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORENSICS_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def test_names_and_profiles_give_each_file_once(folder: Path) -> None:
    names = [row.name for row in rows_of(["gfpgan-1.4", "gfpgan-1.3", "bisenet", "parsenet"])]
    assert names == ["gfpgan-1.4", "retinaface-resnet50", "bisenet", "gfpgan-1.3", "parsenet"]
    assert rows_of(["embedded"]) == ()
    with pytest.raises(UsageError, match="'nobody'"):
        rows_of(["gfpgan-1.4", "nobody"])


def test_licences_with_non_commercial_parts_must_be_agreed_to(folder: Path) -> None:
    wanted = look(rows_of(["gfpgan-1.4"]))
    with pytest.raises(UsageError, match=r"DFDNet \(CC BY-NC-SA 4\.0\)") as caught:
        settle_licences(wanted, accept=False)
    assert caught.value.exit_code == 2
    assert "--accept-licence" in caught.value.hint
    assert files(folder) == []
    settle_licences(wanted, accept=True)
    assert agreed(official("gfpgan-1.4"))
    assert agreed(official("bisenet"))
    assert files(folder) == ["notes/bisenet.json", "notes/gfpgan-1.4.json"]
    settle_licences(wanted, accept=False)  # asked once
    settle_licences(look(rows_of(["realesrgan-x4plus"])), accept=False)  # no such parts


def test_a_changed_notice_is_agreed_to_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle_licences(look(rows_of(["bisenet"])), accept=True)
    changed = tuple(
        replace(row, non_commercial=("all of it",)) if row.name == "bisenet" else row
        for row in rows.OFFICIAL
    )
    monkeypatch.setattr(rows, "OFFICIAL", changed)
    with pytest.raises(UsageError, match="all of it"):
        settle_licences(look(rows_of(["bisenet"])), accept=False)


def test_a_note_that_cannot_be_read_is_told(folder: Path) -> None:
    note_path("bisenet").parent.mkdir(parents=True)
    note_path("bisenet").write_text("{")
    with pytest.raises(IntegrityError, match="cannot be read"):
        read_note("bisenet")
    note_path("bisenet").write_text(json.dumps({"unknown": 1}))
    with pytest.raises(IntegrityError, match="cannot be read"):
        read_note("bisenet")


KILLED = """
import sys
from dataclasses import replace
from forensics.models import official as rows
rows.OFFICIAL = tuple(
    replace(row, url=sys.argv[1], bytes=int(sys.argv[2]), sha256=sys.argv[3])
    if row.name == "sface-2021dec" else row for row in rows.OFFICIAL
)
sys.argv = ["forensics", "models", "fetch", "sface-2021dec"]
from forensics.cli.app import main
main()
"""


def test_a_killed_fetch_leaves_a_part_that_the_next_one_goes_on_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = random.Random(5).randbytes(2_000_000)
    digest = hashlib.sha256(raw).hexdigest()
    part = folder / "incoming" / "sface-2021dec" / "face_recognition_sface_2021dec.onnx.part"
    with serving() as server:
        server.routes["/sface"] = silent(raw, 1_500_000)
        words = [server.url("/sface"), str(len(raw)), digest]
        child = subprocess.Popen([sys.executable, "-c", KILLED, *words], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not part.exists() or part.stat().st_size < 1_000_000:
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        child.kill()
        child.wait()
        assert not (folder / "face_recognition_sface_2021dec.onnx").exists()
        row = redigest(monkeypatch, "sface-2021dec", raw, server.url("/sface"))
        server.routes["/sface"] = whole(raw)
        kept = part.stat().st_size
        assert fetch(look([row]), Silent()).here == {"sface-2021dec": "fetched now"}
        assert server.asked[-1].range == f"bytes={kept}-"
    assert (folder / row.file).read_bytes() == raw
    assert files(folder) == [row.file, "notes/sface-2021dec.json"]

"""Lines and the table: what is written comes back equal, and nothing else is accepted."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from forensics.errors import EnvironmentLacks, InputError, IntegrityError
from forensics.evidence.lines import (
    face_writer,
    iter_faces,
    iter_frames,
    load_audit,
    parse_audit,
    write_audit,
)
from forensics.evidence.table import COLUMNS, escape_cell, face_row
from forensics.records import TABLE_MEASURES, FaceLine
from tests.bundles import make_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("lines"), side=16)


def test_what_was_written_is_read_again(bundle: Path, tmp_path: Path) -> None:
    faces = list(iter_faces(bundle))
    frames = list(iter_frames(bundle))
    assert [frame.frame for frame in frames] == [1, 2, 3, 4, 5, 6]
    assert [(face.frame, face.person) for face in faces[:3]] == [(1, 0), (1, 1), (2, 0)]
    with face_writer(tmp_path) as writer:
        for face in faces:
            writer.write(face)
    assert writer.count == len(faces) == 9
    assert (tmp_path / "faces.jsonl").read_bytes() == (bundle / "data/faces.jsonl").read_bytes()


def test_audit_json_round_trips_to_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    audit = load_audit(bundle)
    raw = (bundle / "data" / "audit.json").read_bytes()
    assert write_audit(tmp_path, audit).read_bytes() == raw
    assert next(iter(json.loads(raw).items())) == ("schema", "restoration-forensics/audit/1")


def test_a_line_is_on_disk_before_the_next_one_is_made(bundle: Path, tmp_path: Path) -> None:
    face = next(iter_faces(bundle))
    with face_writer(tmp_path) as writer:
        writer.write(face)
        assert (tmp_path / "faces.jsonl").read_bytes().endswith(b"}\n")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('"person":0', '"person":0,"person":1', "twice"),
        ('"person":0', '"person":"0"', "integer"),
        ('"person":0', '"person":-1', "greater"),
        ('"person":0', '"person":0,"extra":1', "Extra"),
        ('"score":0.93', '"score":NaN', "NaN"),
        ('"score":0.93', '"score":1e999', "finite"),
        ('"score":0.93,', "", "Field required"),
        ('"outcome":"restored"', '"outcome":"fine"', "outcome"),
        ('"flags":[]}\n', '"flags":[]}', "cut off"),
    ],
)
def test_a_bad_line_is_named(bundle: Path, tmp_path: Path, old: str, new: str, word: str) -> None:
    lines = (bundle / "data" / "faces.jsonl").read_text(encoding="utf-8").splitlines(True)
    assert old in lines[0]
    (tmp_path / "data").mkdir()
    text = lines[3] + lines[0].replace(old, new, 1)
    (tmp_path / "data" / "faces.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(IntegrityError, match=rf"faces.jsonl line 2.*{word}"):
        list(iter_faces(tmp_path))


def test_an_unknown_version_is_not_called_damaged(bundle: Path) -> None:
    raw = (bundle / "data" / "audit.json").read_bytes()
    with pytest.raises(EnvironmentLacks, match="audit/2"):
        parse_audit(raw.replace(b"audit/1", b"audit/2", 1))
    with pytest.raises(InputError, match="no schema of ours"):
        parse_audit(raw.replace(b"restoration-forensics/audit/1", b"somebody/else", 1))
    with pytest.raises(IntegrityError, match="damaged"):
        parse_audit(raw[:-20])


def test_a_folder_without_audit_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no bundle") as caught:
        load_audit(tmp_path)
    assert "forensics audit" in caught.value.hint


def test_the_table_has_every_measure_in_order(bundle: Path) -> None:
    with (bundle / "data" / "faces.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    first = COLUMNS.index("lpips_crop")
    assert COLUMNS[first : first + len(TABLE_MEASURES)] == TABLE_MEASURES
    assert len(rows) == 9
    face = next(iter_faces(bundle))
    assert float(rows[0]["lpips_embedded_crop"]) == face.measures["lpips_embedded_crop"]
    assert float(rows[0]["interocular_px"]) == face.interocular_px
    assert float(rows[0]["ref_blur"]) == 0.35
    assert float(rows[0]["ref_contradiction_p99"]) == 2.0
    assert rows[0]["ref_blur_p99"] == ""
    assert rows[0]["lpips_crop"] == ""
    assert "official AlexNet backbone not fetched" in rows[0]["not_measured"]
    worst = next(row for row in rows if row["risk_band"] == "high")
    assert worst["risk_because"] == "contradicts_footage; contradiction_eyes"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0"])
def test_text_that_a_spreadsheet_would_run_is_escaped(start: str) -> None:
    assert escape_cell(start + "cmd|'/c calc'!A1").startswith("'")
    assert "\0" not in escape_cell(start + "x")


def test_text_inside_a_hostile_bundle_is_escaped_and_numbers_are_not(tmp_path: Path) -> None:
    hostile = make_bundle(tmp_path, side=16, hostile=True)
    with (hostile / "data" / "faces.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    reasons = [row["reason"] for row in rows if row["reason"]]
    assert reasons
    assert all(reason.startswith("'=cmd") for reason in reasons)
    assert rows[1]["yaw_deg"] == "-38.0"


def test_plain_text_is_not_touched(bundle: Path) -> None:
    face = FaceLine.model_validate(next(iter_faces(bundle)).model_dump())
    row = dict(zip(COLUMNS, face_row(face), strict=True))
    assert row["outcome"] == "restored"
    assert row["calibrated"] == "no"

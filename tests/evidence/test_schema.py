"""Schemas: the committed files are what the records give, and every synthetic bundle is valid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forensics.evidence import schema
from forensics.records import CLOCK_FIELDS, Audit
from tests.bundle_checks import same_result, validate_bundle
from tests.bundles import make_bundle


def test_the_committed_schemas_are_current(repo_root: Path) -> None:
    assert schema.stale(repo_root / "docs" / "schema") == []
    assert schema.main(["--check", str(repo_root / "docs" / "schema")]) == 0


def test_check_finds_a_missing_and_an_old_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schema.main(["--write", str(tmp_path)]) == 0
    (tmp_path / "face.schema.json").unlink()
    (tmp_path / "audit.schema.json").write_text("{}", encoding="utf-8")
    assert schema.main(["--check", str(tmp_path)]) == 3
    assert "audit.schema.json, face.schema.json" in capsys.readouterr().err


def test_clock_fields_are_listed_and_exist() -> None:
    audit_schema = schema.schemas()["audit.schema.json"]
    assert audit_schema["x-clock-fields"] == list(CLOCK_FIELDS)
    for dotted in CLOCK_FIELDS:
        folder, field = dotted.split(".")
        record = Audit.model_fields[folder].annotation
        assert field in record.model_fields  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["plain", "hostile", "no_faces", "all_restored"])
def test_every_synthetic_bundle_is_valid(tmp_path: Path, kind: str) -> None:
    bundle = make_bundle(
        tmp_path,
        side=16,
        hostile=kind == "hostile",
        no_faces=kind == "no_faces",
        failed=kind != "all_restored",
    )
    assert validate_bundle(bundle) == []


def test_an_unknown_field_and_a_wrong_type_are_found(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, side=16)
    path = bundle / "data" / "audit.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["totals"]["faces"] = "nine"
    document["verdict"] = "fake"
    path.write_text(json.dumps(document), encoding="utf-8")
    faults = validate_bundle(bundle)
    assert len(faults) == 2
    assert any("$.totals.faces" in fault for fault in faults)
    assert any("verdict" in fault for fault in faults)


def test_two_equal_runs_differ_in_clocks_and_ids_alone(tmp_path: Path) -> None:
    first = make_bundle(tmp_path / "a", side=16)
    second = make_bundle(tmp_path / "b", side=16, run_id="another-run")
    assert same_result(first, second) == []
    third = make_bundle(tmp_path / "c", side=16, failed=False)
    assert "differs: audit.json" in same_result(first, third)
    assert "only in one bundle: maps/000004_00.png" in same_result(first, third)
    with pytest.raises(AssertionError, match="no bundle"):
        same_result(tmp_path / "x", tmp_path / "x")

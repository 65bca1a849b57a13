"""An audit with plugins: in every output, named as theirs, deciding nothing."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from tests.docs.workplace import cut
from tests.plugins.conftest import by_hand


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, wheel: Path, two_people: Path) -> Path:
    """A clip of two frames, the example installed, and a measure that breaks on every face."""
    folder = tmp_path_factory.mktemp("place")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "target")
    by_hand(
        folder / "target",
        "breaks-always",
        "def measure(crop, restored): raise KeyError('weights')",
        "[forensics.measures]\nbreaks = breaks_always:measure\n",
    )
    by_hand(
        folder / "target",
        "loads-never",
        "raise RuntimeError('needs a card')",
        "[forensics.restorers]\nnever = loads_never:make\n",
    )
    cut(two_people, folder / "clip.mp4", 2)
    return folder


def forensics(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(place / "target")])
    return subprocess.run(
        [sys.executable, "-m", "forensics", *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def audited(place: Path, out: str, *words: str) -> tuple[int, dict, list[dict], list[dict]]:
    done = forensics(place, "audit", "clip.mp4", "-o", out, "--format", "html", *words)
    assert "Traceback" not in done.stderr, done.stderr
    data = place / out / "data"
    audit = json.loads((data / "audit.json").read_bytes())
    faces = [json.loads(line) for line in (data / "faces.jsonl").read_text("utf-8").splitlines()]
    rows = list(csv.DictReader((data / "faces.csv").read_text("utf-8").splitlines()))
    return done.returncode, audit, faces, rows


@pytest.mark.slow
def test_plugins_are_in_every_output_and_decide_nothing(place: Path) -> None:
    code, audit, faces, rows = audited(
        place, "a", "--models", "example-sharpen", "--measure", "edge-gain"
    )
    assert code == 0
    models = {m["role"]: m for m in audit["models"]}
    drawn = models["restorer"]
    assert drawn["name"] == "example-sharpen"
    assert drawn["source"] == "plugin: forensics-example 0.3.1"
    assert models["measure plugin:edge-gain"]["sha256"] == drawn["sha256"]
    assert any("neither made nor tested" in limit for limit in audit["limits"])
    assert audit["settings"]["measure"] == "edge-gain"
    assert len(faces) == 4
    for face, row in zip(faces, rows, strict=True):
        number = face["plugin_measures"]["plugin:edge-gain"]
        assert number > 0, "a sharpener makes edges steeper"
        assert float(row["plugin:edge-gain"]) == number
        assert not [name for name in face["risk"]["because"] if name.startswith("plugin:")]
    report = (place / "a" / "data" / "report" / "report.html").read_text("utf-8")
    assert "plugin:edge-gain" in report
    assert "forensics-example 0.3.1" in report
    bill = json.loads((place / "a" / "data" / "models" / "models.cdx.json").read_bytes())
    assert "example-sharpen" in {part["name"] for part in bill["components"]}
    checked = forensics(place, "verify", "a")
    assert checked.returncode == 0, checked.stdout

    # The same faces without the measure: bands, flags and our own numbers stay as they were.
    _, _, plain, plain_rows = audited(place, "b", "--models", "example-sharpen")
    assert "plugin:edge-gain" not in plain_rows[0]
    for face, other in zip(faces, plain, strict=True):
        for name in ("risk", "flags", "measures", "not_measured", "restored_sha256"):
            assert face[name] == other[name], name


@pytest.mark.slow
def test_a_measure_that_breaks_makes_the_run_incomplete_and_says_so(place: Path) -> None:
    code, audit, faces, _ = audited(place, "c", "--measure", "breaks", "--measure", "edge-gain")
    assert code == 3
    assert audit["run"]["failures"] == ["plugin:breaks failed on 4 face(s); faces.jsonl says why."]
    for face in faces:
        assert face["plugin_not_measured"] == {"plugin:breaks": "failed: KeyError: 'weights'"}
        assert set(face["plugin_measures"]) == {"plugin:edge-gain"}
    assert forensics(place, "verify", "c").returncode == 0


@pytest.mark.slow
def test_a_measure_takes_part_where_somebody_else_restored(place: Path) -> None:
    code, audit, faces, rows = audited(
        place, "d", "--restored", "clip.mp4", "--measure", "edge-gain"
    )
    assert code in {0, 3}
    assert "measure plugin:edge-gain" in {m["role"] for m in audit["models"]}
    scored = [face for face in faces if face["plugin_measures"]]
    assert scored
    for face, row in zip(faces, rows, strict=True):
        found = face["plugin_measures"].get("plugin:edge-gain")
        assert row["plugin:edge-gain"] == ("" if found is None else repr(found))
    for face in scored:
        # The clip against itself: nothing became steeper, beyond what resampling does.
        assert abs(face["plugin_measures"]["plugin:edge-gain"]) < 0.25
    assert forensics(place, "verify", "d").returncode == 0


def test_a_measure_is_refused_where_it_would_have_no_effect(place: Path) -> None:
    done = forensics(place, "audit", "clip.mp4", "--restored-only", "--measure", "edge-gain")
    assert done.returncode == 2
    assert "--restored-only has none" in done.stderr
    assert not (place / "clip-audit").exists()


@pytest.mark.slow
def test_doctor_lists_plugins_and_whether_they_load(place: Path) -> None:
    done = forensics(place, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["plugins"]
    sharpen = found["forensics.restorers: example-sharpen (forensics-example)"]
    assert (sharpen["state"], sharpen["entry point"]) == ("loads", "forensics_example:sharpener")
    assert len(sharpen["sha256"]) == 64
    never = found["forensics.restorers: never (loads-never)"]
    assert "RuntimeError: needs a card" in never["state"]
    assert never["sha256"] is None

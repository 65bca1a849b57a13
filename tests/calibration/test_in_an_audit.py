"""An audit and its calibration: found, named, refused, recorded, said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forensics.api import run_audit
from forensics.config import Settings
from forensics.errors import InputError, UsageError
from forensics.evidence.lines import iter_faces, load_audit
from forensics.evidence.verify import verify
from forensics.models.load import read_card
from forensics.progress import Silent
from forensics.records import Audit, FaceLine
from forensics.scoring.found_calibration import calibration_path, shipped_path
from forensics.scoring.maps import Scored
from tests.attacks.null_engines import NullScorer
from tests.calibration.documents import document, raw
from tests.null_audits import make_picture, null_networks

MEASURES = {
    "interocular_px": 24.0,
    "cutoff": 0.3,
    "noise": 1.0,
    "contrast": 12.0,
    "invented_detail": 0.0,
}


@pytest.fixture(autouse=True)
def _measuring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The null scorer measures the footage as well; the models folder is empty."""

    def score(_: NullScorer, faces: Sequence[Any]) -> list[Scored]:
        maps = {"invented_detail": np.zeros((512, 512), np.float32)}
        return [Scored(dict(MEASURES), {"qp": "null engine"}, {}, maps) for _ in faces]

    monkeypatch.setattr(NullScorer, "score", score)
    monkeypatch.setenv("FORENSICS_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr("forensics.scoring.found_calibration.shipped_path", lambda _: tmp_path)


def audited(tmp_path: Path, calibration: str = "auto") -> tuple[Audit, list[FaceLine], list[str]]:
    told: list[str] = []
    with null_networks():
        done = run_audit(
            make_picture(tmp_path / "one.png"),
            tmp_path / "out",
            Settings(format="html", calibration=calibration),
            force=True,
            progress=Silent(),
            say=told.append,
        )
    assert verify(done.bundle).exit_code == 0
    return load_audit(done.bundle), list(iter_faces(done.bundle)), told


def own(**changes: Any) -> dict[str, Any]:
    return document(str(read_card("restorer")["sha256"]), **changes)


def test_without_a_calibration_the_command_is_named(tmp_path: Path) -> None:
    audit, faces, told = audited(tmp_path)
    assert audit.calibration is None
    assert faces[0].risk.probability is None
    assert any("forensics calibrate --models embedded --portraits DIR" in line for line in told)


def test_one_in_the_models_folder_is_used_for_faces_and_people(tmp_path: Path) -> None:
    path = calibration_path("embedded")
    path.parent.mkdir(parents=True)
    path.write_bytes(raw(own()))
    audit, faces, told = audited(tmp_path)
    # log2(32 / 24) = 0.415, and no QP: 0.25.
    wanted = 0.2 + (np.log2(32 / 24) + 0.25) / 2 * 0.4
    risk = faces[0].risk
    assert risk.probability == pytest.approx(wanted, abs=1e-4)
    assert (risk.calibrated, risk.about, risk.band) == (True, "any", "high")
    person = audit.people[0].risk
    assert person.probability == risk.probability
    assert person.interval is not None
    assert person.interval[0] <= wanted <= person.interval[1]
    assert audit.calibration is not None
    assert audit.calibration.shown == ("any",)
    assert audit.calibration.people == {"fit": 40, "cal": 40, "test": 40}
    assert any(line.startswith("Probabilities are given for: any") for line in told)
    assert any(line.startswith("Probabilities are given for: any") for line in audit.limits)
    assert "Of 100 restored faces that scored like this in the test (40 people, 2026-01-01), " in (
        audit.people[0].summary
    )
    html = (tmp_path / "out" / "data" / "report" / "report.html").read_text("utf-8")
    assert "Of 100 restored faces that scored like this" in html


def test_a_named_one_is_used_and_only_its_name_is_recorded(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "mine.json"
    file.parent.mkdir()
    file.write_bytes(raw(own()))
    audit, faces, _ = audited(tmp_path, str(file))
    assert faces[0].risk.calibrated
    assert audit.settings["calibration"] == "mine.json"


def test_one_that_missed_its_bar_is_recorded_and_shows_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(raw(own(passed=False)))
    audit, faces, told = audited(tmp_path, str(file))
    assert not faces[0].risk.calibrated
    assert faces[0].risk.reason is None
    assert audit.calibration is not None
    assert audit.calibration.shown == ()
    assert any("The report says what its calibration lacked." in line for line in told)
    assert any("The gain is under 0.03." in line for line in audit.limits)


def test_one_for_another_restorer_is_refused_when_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(raw(document("b" * 64)))
    with pytest.raises(UsageError, match="for another restorer"):
        audited(tmp_path, str(file))
    file.write_text("{}", "utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        audited(tmp_path, str(file))
    with pytest.raises(InputError, match="cannot be read"):
        audited(tmp_path, str(tmp_path / "absent.json"))


def test_one_for_another_restorer_is_left_alone_when_found(tmp_path: Path) -> None:
    path = calibration_path("embedded")
    path.parent.mkdir(parents=True)
    path.write_bytes(raw(document("b" * 64)))
    audit, _, told = audited(tmp_path)
    assert audit.calibration is None
    assert any("for another restorer" in line for line in told)


def test_none_is_none(tmp_path: Path) -> None:
    path = calibration_path("embedded")
    path.parent.mkdir(parents=True)
    path.write_bytes(raw(own()))
    audit, _, _ = audited(tmp_path, "none")
    assert audit.calibration is None


def test_what_ships_for_the_embedded_restorer_is_for_its_weights() -> None:
    path = shipped_path("embedded")
    found = json.loads(path.read_bytes())
    assert found["restorer"]["sha256"] == read_card("restorer")["sha256"]

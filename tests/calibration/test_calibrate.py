"""``forensics calibrate``: portraits to people, and the whole path with another restorer."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from forensics.calibration import run as story
from forensics.calibration.filmed import FAMILIES, SIZES_PX
from forensics.calibration.judges import identity_limit
from forensics.calibration.naturalness import Naturalness
from forensics.calibration.portraits import groups_of, person_of, read_gallery
from forensics.calibration.rows import RowFile, read_rows
from forensics.calibration.run import Asked
from forensics.calibration.sampling import Portrait, known_of, tasks
from forensics.errors import InputError
from forensics.models.admit import add
from forensics.progress import Silent
from forensics.records import Detection
from tests.calibration.documents import document
from tests.calibration.made_rows import row
from tests.models.cache import pth, put
from tests.networks import restoreformer


def portrait(person: str, number: int, side: int = 512) -> Portrait:
    picture = np.full((side, side, 3), 100 + number, np.uint8)
    return Portrait(person, "fit", f"{number:02x}" * 32, picture)


def test_who_a_picture_shows(tmp_path: Path) -> None:
    for name, wanted in {
        "anna.jpg": "anna",
        "anna_1.jpg": "anna",
        "anna-2.jpg": "anna",
        "anna 03.png": "anna",
        "007.jpg": "007",
        "P0075/front.jpg": "P0075",
    }.items():
        assert person_of(tmp_path, tmp_path / name) == wanted


def test_people_are_parted_evenly_and_always_alike() -> None:
    people = [f"p{k}" for k in range(90)]
    groups = groups_of(people)
    assert groups == groups_of([*reversed(people), *people])
    assert [list(groups.values()).count(g) for g in ("fit", "cal", "test")] == [30, 30, 30]


class OneFace:
    """A detector that sees one face of a stated size in every picture."""

    def __init__(self, eyes_px: float) -> None:
        self._eyes_px = eyes_px

    def detect(self, frames_rgb_u8: list[np.ndarray]) -> list[list[Detection]]:
        half = self._eyes_px / 2
        points = ((-half, 0), (half, 0), (0, 40), (-half * 0.8, 80), (half * 0.8, 80))
        at = tuple((300 + x, 250 + y) for x, y in points)
        return [[Detection((200, 150, 400, 400), at, 0.99)] for _ in frames_rgb_u8]  # type: ignore[arg-type]


def test_small_faces_and_broken_files_are_left_out_by_name(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "anna_1.png"), np.full((600, 600, 3), 90, np.uint8))
    (tmp_path / "ben.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    gallery = read_gallery(tmp_path, OneFace(120), Silent())
    assert [p.person for p in gallery.portraits] == ["anna"]
    assert gallery.portraits[0].truth_rgb_u8.shape == (512, 512, 3)
    assert gallery.left_out[0].startswith("ben.png: ")
    assert len(gallery.sha256) == 64
    with pytest.raises(InputError, match=r"no usable portrait.*60 px between the eyes"):
        read_gallery(tmp_path, OneFace(60), Silent())
    with pytest.raises(InputError, match="no folder"):
        read_gallery(tmp_path / "absent", OneFace(120), Silent())


def test_every_portrait_is_filmed_at_every_size_and_always_alike() -> None:
    people = [portrait(f"p{k}", k) for k in range(4)]
    due = list(tasks(people, {"fit": 6}))
    assert len(due) == len({t.key for t in due}) == 24
    assert [t.photo for t in due[:4]] == [0, 1, 2, 3]  # by rounds, so that a cut leaves it even
    bands = [known_of(people[2], t).band for t in due if t.photo == 2]
    assert sorted(bands) == list(range(len(SIZES_PX) - 1))
    assert known_of(people[1], due[1]) == known_of(people[1], due[1])
    assert {known_of(people[t.photo], t).family for t in due} <= set(FAMILIES)


def test_rows_survive_a_cut_and_begin_anew_with_other_things(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    file = RowFile(path, {"restorer": "a"})
    for number in range(3):
        file.add(row("anna", "fit", number, iod=30.0, contradiction=0.0, erred=0.2))
    with path.open("a", encoding="utf-8") as handle:
        handle.write('{"key": "torn')
    again = RowFile(path, {"restorer": "a"})
    assert again.kept == 3
    assert again.rows == file.rows
    assert read_rows(path)[1] == file.rows
    assert RowFile(path, {"restorer": "b"}).kept == 0
    assert read_rows(path)[1] == []


def test_the_judges_limit_needs_pairs_of_different_people() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 32))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    limit, pairs = identity_limit(rows, [f"p{k // 2}" for k in range(60)])
    assert pairs == 60 * 59 // 2 - 30
    upper = (rows @ rows.T)[np.triu_indices(60, 1)]
    assert 1 - limit == pytest.approx(np.quantile(upper, 0.999), abs=0.03)
    with pytest.raises(ValueError, match="at least 1000"):
        identity_limit(rows[:20], [f"p{k}" for k in range(20)])


def test_a_blurred_picture_is_less_natural() -> None:
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 256, (4, 512, 512, 3), dtype=np.uint8)
    sharp = [cv2.GaussianBlur(picture, (0, 0), 1.0) for picture in noise]
    natural = Naturalness.of(sharp[:3])
    soft = cv2.GaussianBlur(sharp[3], (0, 0), 4.0)
    assert natural.distance(soft) > 3 * natural.distance(sharp[3])


@pytest.mark.slow
def test_rehearsal_with_another_restorer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_data: Path
) -> None:
    """Fit, cut off, go on, report; then an audit with the file, and with one that passed."""
    from facexlib.parsing.bisenet import BiSeNet

    from forensics.evidence.lines import iter_faces, load_audit
    from tests.acceptance.conftest import run
    from tests.acceptance.test_kinds import frame_png
    from tests.networks import SMALL_FORMER, state_of

    models = tmp_path / "models"
    retinaface = next((shared_data / "models" / "retinaface").glob("*.pth")).read_bytes()
    put(monkeypatch, models, "retinaface-resnet50", retinaface)
    torch.manual_seed(6)
    put(monkeypatch, models, "bisenet", pth(BiSeNet(num_class=19).state_dict()))
    weights = tmp_path / "other.pth"
    weights.write_bytes(pth({"params_ema": state_of(restoreformer(3, **SMALL_FORMER))}))
    digest = add("other", weights).conversion.file_sha256

    folder = tmp_path / "portraits"
    folder.mkdir()
    for picture in sorted((shared_data / "portraits" / "london_neutral").glob("*.jpg"))[:3]:
        (folder / f"person{picture.stem[:3]}a.jpg").write_bytes(picture.read_bytes())
    asked = Asked("other", folder, faces=2, device="cpu")
    told: list[str] = []

    real, made = story.Maker.row, []

    def cut_off(*args: object) -> object:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(real(*args))  # type: ignore[arg-type]
        return made[-1]

    with monkeypatch.context() as patch:
        patch.setattr(story.Maker, "row", cut_off)
        with pytest.raises(KeyboardInterrupt):
            story.run(asked, Silent(), told.append)
    done = story.run(asked, Silent(), told.append)
    assert "2 faces of an interrupted run are kept." in told
    assert any("s a face" in line for line in told)
    assert any(line.startswith("It took ") for line in told)
    assert done.path == models / "calibrations" / "other.json"
    assert done.document["restorer"]["sha256"] == digest
    groups = done.document["data"]["groups"]
    assert {g: c["people"] for g, c in groups.items()} == {"fit": 1, "cal": 1, "test": 1}
    assert done.shown == ()
    assert "Too few people" in done.document["targets"]["feature"]["reason"]
    report = done.report.read_text("utf-8")
    assert "No probability is shown" in report
    assert "Too few people in fit: " in report

    source = frame_png(tmp_path / "frame.png")
    options = ("--models", "other", "--format", "html", "--background", "lanczos")
    assert run(source, tmp_path / "a", *options) == 0
    audit = load_audit(tmp_path / "a")
    assert audit.calibration is not None
    assert (audit.calibration.shown, audit.calibration.people["fit"]) == ((), 1)
    assert not any(face.risk.calibrated for face in iter_faces(tmp_path / "a"))

    passing = document(digest)
    passing["networks"] = done.document["networks"]
    file = tmp_path / "passing.json"
    file.write_text(json.dumps(passing), "utf-8")
    assert run(source, tmp_path / "b", *options, "--calibration", str(file)) == 0
    faces = list(iter_faces(tmp_path / "b"))
    assert all(face.risk.calibrated and face.risk.probability for face in faces)
    assert load_audit(tmp_path / "b").calibration.shown == ("any",)  # type: ignore[union-attr]

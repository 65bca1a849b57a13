"""Reading a bundle: what is missing or broken is an error with a name, not a traceback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from forensics.errors import EnvironmentLacks, InputError
from forensics.report.accounting import accounting
from forensics.report.charts import timeline
from forensics.report.selection import choose, share
from forensics.report.stretches import joined, stretches_of
from forensics.report.view import View, load_view


@pytest.fixture
def data(bundle: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "data"
    copy.mkdir()
    for name in ("audit.json", "faces.jsonl", "frames.jsonl"):
        shutil.copyfile(bundle / "data" / name, copy / name)
    return copy


def test_lines_come_sorted_and_by_person(view: View) -> None:
    assert [face.frame for face in view.faces_of(1)] == [1, 2, 5, 6]
    assert view.faces_of(9) == ()
    assert view.pts_s[2] == pytest.approx(0.04, abs=1e-9)
    assert view.demonstration
    assert view.environment


@pytest.mark.parametrize("name", ["audit.json", "faces.jsonl", "frames.jsonl"])
def test_a_missing_file_is_named(data: Path, name: str) -> None:
    (data / name).unlink()
    with pytest.raises(InputError, match=f"{name} cannot be read"):
        load_view(data)


def test_a_broken_line_is_named_without_its_content(data: Path) -> None:
    path = data / "faces.jsonl"
    path.write_text(path.read_text("utf-8") + '{"frame": 0, "evil": "\\u001b[31m"}\n', "utf-8")
    with pytest.raises(InputError, match=r"faces\.jsonl, line 10 does not follow") as caught:
        load_view(data)
    assert "31m" not in caught.value.message


def test_a_number_that_is_not_finite_is_refused(data: Path) -> None:
    path = data / "faces.jsonl"
    path.write_text(path.read_text("utf-8").replace('"noise":1.25', '"noise":NaN', 1), "utf-8")
    with pytest.raises(InputError):
        load_view(data)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 3}', "[" * 100_000])
def test_an_audit_that_is_none_is_refused(data: Path, text: str) -> None:
    (data / "audit.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"audit\.json"):
        load_view(data)


def test_a_newer_schema_is_named(data: Path) -> None:
    found = json.loads((data / "audit.json").read_text("utf-8"))
    found["schema"] = "restoration-forensics/audit/2"
    (data / "audit.json").write_text(json.dumps(found), "utf-8")
    with pytest.raises(EnvironmentLacks, match="audit/2"):
        load_view(data)


def test_key_faces_come_first_then_failures_and_flags(view: View) -> None:
    person = view.audit.people[0].model_copy(update={"key_frames": (5, 1)})
    flags = [flag for flag in view.audit.flags if flag.person == 0]
    chosen = choose(person, view.faces_of(0), flags, most=4)
    assert [item.face.frame for item in chosen] == [5, 1, 2, 3]
    assert [item.key for item in chosen] == [True, True, False, False]
    assert choose(person, view.faces_of(0), flags, most=1)[0].face.frame == 5
    assert len(choose(person, view.faces_of(0), flags, most=12)) == 5


@pytest.mark.parametrize(("people", "each"), [(0, 12), (1, 12), (6, 12), (12, 6), (500, 1)])
def test_many_people_share_the_places(people: int, each: int) -> None:
    assert share(people) == each


def test_stretches_join_equal_neighbours(view: View) -> None:
    found = stretches_of(view.faces_of(1))
    assert [(part.first, part.last) for part in found] == [(1, 1), (2, 2), (5, 5), (6, 6)]
    base = view.faces_of(0)[0]
    run = [base.model_copy(update={"frame": n, "interocular_px": 10.0 + n}) for n in (1, 2, 3, 7)]
    merged = stretches_of(run)
    assert [(part.first, part.last) for part in merged] == [(1, 3), (7, 7)]
    assert merged[0].eyes_px == (11.0, 13.0)
    assert joined([1, 2, 3, 7]) == ((1, 3), (7, 7))


def test_a_single_picture_has_no_timeline(view: View) -> None:
    person, faces = view.audit.people[0], view.faces_of(0)[:1]
    assert timeline(person, faces, [], frames=1, pts_s={}) == ""


def test_a_long_timeline_stays_small(view: View) -> None:
    """An hour at 25 frames a second, with a band that changes each frame."""
    base = view.faces_of(0)[0]
    other = base.risk.model_copy(update={"band": "caution"})
    faces = [
        base.model_copy(update={"frame": n, "risk": other if n % 2 else base.risk})
        for n in range(1, 90_001)
    ]
    svg = timeline(view.audit.people[0], faces, [], frames=90_000, pts_s={})
    assert len(svg) < 60_000


def test_counts_come_from_the_lines(view: View) -> None:
    found = accounting(view)
    counts = {(row.label, row.part): row.count for row in found.rows}
    assert counts["frames", False] == 6
    assert counts["failed", True] in (1,)
    assert found.disagreements == ()
    assert [row.what for row in found.lost] == ["whole frame", "Person 00", "Person 01"]
    assert found.lost[1].outcome.startswith("failed")
    assert found.lost[2].outcome.startswith("skipped")

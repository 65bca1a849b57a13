"""Plan: every entry one item, ids that are safe and different, the same input done once."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.batch.plan import ROLL_UP, Contents, assign_ids, make_plan
from forensics.batch.sources import Entry, counts_up
from forensics.batch.table import read_table
from forensics.errors import UsageError
from forensics.evidence.names import collision_key, name_fault, safe_name
from tests.batch import material

_NAMES = st.text(
    st.characters(blacklist_characters="\0/", blacklist_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda name: name not in {".", ".."})
_FEW = st.sampled_from(
    ["clip.mp4", "CLIP.mov", "clip.mkv", "batch.json", "batch.mp4", "signatures", "a.incomplete",
     "journal.sqlite", "con.mp4", "cafe\u0301.mp4", "caf\u00e9.mp4", "clip-1.mp4", ".mp4"]
)  # fmt: skip


def _write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@settings(deadline=None)
@given(st.lists(st.tuples(st.one_of(_FEW, _NAMES), st.booleans()), max_size=12))
def test_ids_are_safe_folder_names_that_differ_everywhere(names: list[tuple[str, bool]]) -> None:
    entries, given_ids = [], set()
    for number, (name, with_id) in enumerate(names):
        key = collision_key(safe_name(name))
        own = with_id and key not in given_ids and key not in ROLL_UP
        own = own and not key.endswith(".incomplete")
        if own:
            given_ids.add(key)
        entries.append(Entry(Path("/nowhere") / str(number) / name, name, id=name if own else None))
    ids = assign_ids(entries, Contents())
    assert len(ids) == len(entries)
    assert len({collision_key(found) for found in ids}) == len(ids)
    for entry, found in zip(entries, ids, strict=True):
        assert name_fault(found) is None
        assert safe_name(found) == found
        assert collision_key(found) not in ROLL_UP
        assert not found.endswith(".incomplete")
        if entry.id is not None:
            assert found == safe_name(entry.id)
        else:
            assert found.startswith(safe_name(entry.source.stem)[:100])


def test_stems_that_collide_get_eight_digits_of_the_content(tmp_path: Path) -> None:
    _write(tmp_path / "a" / "clip.mp4", b"one")
    _write(tmp_path / "b" / "Clip.mov", b"two")
    _write(tmp_path / "b" / "other.mp4", b"three")
    plan = make_plan([str(tmp_path / "a"), str(tmp_path / "b")], tmp_path / "out")
    ids = [planned.item.id for planned in plan.items]
    # sha256 of b"one" begins 7692c3ad, of b"two" 3fc4ccfe (coreutils sha256sum)
    assert ids == ["clip-7692c3ad", "Clip-3fc4ccfe", "other"]


def test_the_same_bytes_are_done_once_and_pairs_are_told_apart(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        _write(tmp_path / name, b"same bytes")
    _write(tmp_path / "r1.mp4", b"restored")
    _write(tmp_path / "r2.mp4", b"restored")
    _write(tmp_path / "r3.mp4", b"restoreD")
    table = tmp_path / "pairs.csv"
    table.write_text(
        "id,source,restored\none,a.mp4,\ntwo,b.mp4,\np1,c.mp4,r1.mp4\np2,a.mp4,r2.mp4\n"
        "p3,a.mp4,r3.mp4\n"
    )
    plan = make_plan([str(table)], tmp_path / "out")
    found = {planned.item.id: planned.same_as for planned in plan.items}
    assert found == {"one": None, "two": "one", "p1": None, "p2": "p1", "p3": None}
    assert plan.items[2].item.restored == tmp_path / "r1.mp4"
    assert "2 of them the same as another" in plan.lines()[0]


def test_folders_of_frames_and_folders_of_pictures(tmp_path: Path) -> None:
    home = tmp_path / "in"
    for number in range(1, 5):
        _write(home / "frames" / f"{number:06d}.png", bytes([number]))
        _write(home / "gap" / f"{number * 2:06d}.png", bytes([number, 0]))
    _write(home / "people" / "anna.jpg", b"anna")
    _write(home / "people" / "bert.jpg", b"bert")
    _write(home / "clips" / "c.mp4", b"clip")
    _write(home / "clips" / "001.png", b"picture")
    _write(home / "clips" / "notes.txt", b"text")
    _write(home / ".hidden.mp4", b"hidden")
    _write(home / "old-audit" / "bagit.txt", b"BagIt")
    _write(home / "out" / "x.mp4", b"ours")
    plan = make_plan([str(home)], home / "out")
    names = [Path(planned.item.named).relative_to(home).as_posix() for planned in plan.items]
    assert names == [
        "clips/001.png",
        "clips/c.mp4",
        "frames",
        *(f"gap/{n:06d}.png" for n in (2, 4, 6, 8)),
        "people/anna.jpg",
        "people/bert.jpg",
    ]
    said = "\n".join(plan.notes)
    assert "frames: 4 pictures are taken as the frames of one clip" in said
    assert "1 entries are no footage, left out: notes.txt" in said
    assert "old-audit is a bundle and was left out" in said
    assert "out is where this batch is written" in said
    single = make_plan([str(home / "frames")], home / "out", pictures="single")
    assert len(single.items) == 4
    frames = make_plan([str(home / "people")], home / "out", pictures="frames")
    assert [planned.item.source for planned in frames.items] == [home / "people"]


@pytest.mark.parametrize(
    ("names", "frames"),
    [
        (["1.png", "2.png"], True),
        (["f_0009.png", "f_0010.png", "f_0011.png"], True),
        (["shot2_01.png", "shot2_02.png"], True),
        (["1.png"], False),
        (["1.png", "3.png"], False),
        (["1.png", "1.jpg"], False),
        (["a1_1.png", "a2_2.png"], False),
        (["01.png", "1.png"], False),
        (["anna.jpg", "bert.jpg"], False),
    ],
)
def test_what_counts_up(names: list[str], frames: bool) -> None:
    assert counts_up(names) is frames


def test_patterns_missing_and_unreadable_entries_stay_items(tmp_path: Path) -> None:
    _write(tmp_path / "c2.mp4")
    _write(tmp_path / "c10.mp4", b"y")
    words = [str(tmp_path / "c*.mp4"), str(tmp_path / "gone.mp4"), str(tmp_path / "z*.mp4")]
    plan = make_plan(words, tmp_path / "out")
    assert [p.item.source.name for p in plan.items] == ["c2.mp4", "c10.mp4", "gone.mp4", "z*.mp4"]
    assert plan.items[3].item.id == "z_"
    with pytest.raises(UsageError, match="there is no file or folder"):
        make_plan(words[1:], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no footage was found"):
        make_plan([str(tmp_path / "empty")], tmp_path / "out")


def test_private_plans_show_names_alone(tmp_path: Path) -> None:
    home = tmp_path / "secret place"
    for name in ("a.jpg", "b.jpg", "n.txt"):
        _write(home / name, name.encode())
    plan = make_plan([str(home)], tmp_path / "out", private=True)
    assert [planned.item.named for planned in plan.items] == ["a.jpg", "b.jpg"]
    assert str(tmp_path) not in "\n".join(plan.notes)


# ---------------------------------------------------------------- tables

_CELLS = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=30
).filter(lambda text: text.strip() == text and text != "")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(st.tuples(_CELLS, _CELLS, st.one_of(st.just(""), _CELLS)), min_size=1, max_size=8)
)
def test_a_table_is_read_back_as_csv_and_as_jsonl(
    rows: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    rows = list({row[0]: row for row in rows}.values())
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("id", "source", "restored"), *rows])
    (tmp_path / "t.csv").write_text("\ufeff" + buffer.getvalue(), "utf-8", newline="")
    lines = [json.dumps({"id": i, "source": s, "restored": r or None}) for i, s, r in rows]
    (tmp_path / "t.jsonl").write_text("\n".join(lines), "utf-8", newline="")
    for name in ("t.csv", "t.jsonl"):
        found = read_table(tmp_path / name)
        assert [(row.id, row.named, row.restored_named or "") for row in found] == rows
        assert all(row.source == tmp_path / row.named for row in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has the columns"),
        ("id,file\na,b\n", "has the columns"),
        ("id,source,id\na,b,c\n", "has the columns"),
        ("id,source\n", "names no source"),
        ("id,source\na,b,c\n", "line 2 has 3 cells, not 2"),
        ("id,source\na,\n", "line 2 names no source"),
        ("id,source\na,b\na,c\n", "the id 'a' stands in line 2 and in line 3"),
        ('id,source\na,"b\n', "is no CSV"),
        ("id,source\na,\0\n", "NUL"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused(
    text: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(text, newline="")
    with pytest.raises(UsageError, match=words.replace("'", ".")):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"source": 1}', "source is no text"),
        ('{"source": "a", "sauce": "b"}', "has other fields"),
        ('["a"]', "has other fields"),
        ('{"source": "a", "source": "b"}', "is no JSON"),
        ("{", "is no JSON"),
    ],
)
def test_jsonl_that_cannot_be_understood_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(text)
    with pytest.raises(UsageError, match=words):
        read_table(tmp_path / "t.jsonl")


def test_ids_given_twice_or_taken_by_the_roll_up_are_refused() -> None:
    def entry(name: str) -> Entry:
        return Entry(Path("/x.mp4"), "x", id=name)

    for ids, words in (
        (["a", "A"], "given twice"),
        (["batch.json"], "own files"),
        (["Signatures"], "own files"),
        (["x.incomplete"], "own files"),
    ):
        with pytest.raises(UsageError, match=words):
            assign_ids([entry(name) for name in ids], Contents())


def test_material_is_what_it_says(tmp_path: Path, two_people: Path) -> None:
    (frame,) = material.frames_of(two_people, 3, 1)
    clip = material.write_clip(tmp_path / "c.mp4", [frame, frame], 160)
    assert len(material.frames_of(clip, 0, 9)) == 2

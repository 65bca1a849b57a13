"""People lists: disjoint, of the stated size, and free of the people of the fixture."""

from __future__ import annotations

import csv
from pathlib import Path

from training.portraits import LARGE_SETS, LISTS, read_index, read_list


def test_fit_and_cal_are_100_people_each_and_share_nobody() -> None:
    fit, cal = read_list("fit"), read_list("cal")
    assert len(fit) == len(cal) == 100
    assert not fit & cal


def test_lists_stay_inside_train_and_hold_60_large_photos(shared_data: Path) -> None:
    with (shared_data / "portraits" / "index.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    split = {row["person"]: row["split"] for row in rows}
    large = {row["person"] for row in rows if row["set"] in LARGE_SETS}
    for name in ("fit", "cal"):
        people = read_list(name)
        assert {split[person] for person in people} == {"train"}
        assert len(people & large) >= 60


def test_groups_are_person_disjoint(shared_data: Path) -> None:
    groups: dict[str, set[str]] = {}
    for photo in read_index(shared_data):
        groups.setdefault(photo.group, set()).add(photo.person)
    assert set(groups) == {"train", "fit", "cal", "val"}
    names = sorted(groups)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert not groups[one] & groups[other], (one, other)


def test_clips_for_training_and_for_tests_are_apart() -> None:
    def read(name: str) -> set[str]:
        lines = (LISTS / name).read_text("utf-8").splitlines()
        return {line for line in lines if line and not line.startswith("#")}

    train, test = read("clips_train.txt"), read("clips_test.txt")
    assert len(train) == len(test) == 7
    assert not train & test


def test_no_recipe_or_list_reads_the_people_of_the_fixture(repo_root: Path) -> None:
    """Astronaut and Hopper are loaded by no recipe, no table and no benchmark of thresholds."""
    texts = {path: path.read_text("utf-8") for path in (repo_root / "training").rglob("*.py")}
    texts |= {path: path.read_text("utf-8") for path in LISTS.glob("*.txt")}
    assert len(texts) > 20
    for path, text in texts.items():
        assert "astronaut(" not in text, path
        assert "grace_hopper" not in text, path
        assert "two_people" not in text, path

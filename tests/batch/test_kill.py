"""Kill -9 at any moment and resume: every item once, no bundle invalid, nothing lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forensics.evidence.verify import verify
from forensics.record_batch import BatchSummary
from tests.batch import killing, material


def _check(out: Path, expected: set[str], broken: dict[str, str], starts: int) -> BatchSummary:
    """What must hold of a batch however often it was killed."""
    summary = BatchSummary.model_validate_json((out / "batch.json").read_bytes(), strict=True)
    told = [item.id for item in summary.items]
    assert sorted(told) == sorted(expected)
    assert not summary.not_run
    assert summary.run.starts == starts
    failed = {item.id: item.reason or "" for item in summary.items if item.outcome == "failed"}
    assert set(failed) == set(broken)
    for name, words in broken.items():
        assert words in failed[name], (name, failed[name])
    bundles = [item.bundle for item in summary.items if item.bundle is not None]
    assert len(bundles) == len(set(bundles)) == summary.counts.done + summary.counts.unscorable
    for bundle in bundles:
        found = verify(out / bundle)
        assert found.verdict == "intact_unsigned", found.first_line
    assert {p.name for p in out.iterdir() if p.is_dir()} == set(bundles)
    return summary


def _tenth(folder: Path, clip: Path) -> tuple[set[str], dict[str, str]]:
    """20 pictures: 2 show a face, 2 are broken, 1 is there twice."""
    sources = folder / "in"
    sources.mkdir()
    (frame,) = material.frames_of(clip, 3, 1)
    for number in range(2):
        material.face(sources / f"face{number}.png", frame, number)
    for number in range(15):
        material.plain(sources / f"plain{number}.png", number)
    (sources / "twice.png").write_bytes((sources / "plain0.png").read_bytes())
    material.broken(sources, ["cut.jpg", "words.mp4"], _jpeg(folder / "whole.jpg", frame))
    ids = {path.stem for path in sources.iterdir()}
    return ids, {Path(name).stem: material.BROKEN[name] for name in ("cut.jpg", "words.mp4")}


def _jpeg(path: Path, frame: object) -> Path:
    from PIL import Image

    Image.fromarray(frame).resize((320, 180)).save(path, quality=80)  # type: ignore[arg-type]
    return path


def test_twenty_items_killed_twice_and_resumed(tmp_path: Path, two_people: Path) -> None:
    ids, broken = _tenth(tmp_path, two_people)
    argv = ["in", "-o", "out", "--format", "html", "--workers", "2", "--pictures", "single"]
    # At once after few items: a quick machine must not be done before the second kill.
    kills = [(2, 0.1), (5, 0.1)]
    runs, last = killing.with_kills(argv, tmp_path, kills)
    assert [run.exit_code for run in runs] == [-9, -9], [run.said for run in runs]
    assert last.exit_code == 3, last.said  # two items are broken
    summary = _check(tmp_path / "out", ids, broken, starts=3)
    (same,) = [item for item in summary.items if item.outcome == "duplicate"]
    assert (same.id, same.same_as) == ("twice", "plain0")
    assert summary.counts.done == 17
    assert summary.totals.people == 2


@pytest.mark.slow
def test_two_hundred_items_killed_ten_times(
    tmp_path: Path, shared_data: Path, two_people: Path
) -> None:
    """The bar of batches: 200 small real clips and pictures, 10 % broken, ten kills."""
    sources = tmp_path / "in"
    sources.mkdir()
    dice = material.seeded(20)
    clips = sorted((shared_data / "clips" / "intel" / "asl_gestures").glob("*.mkv"))
    portraits = sorted((shared_data / "portraits" / "us_congress_2015_225x275").glob("*.jpg"))
    for number in range(60):
        frames = material.frames_of(dice.choice(clips), dice.randrange(10, 40), dice.randint(2, 4))
        material.write_clip(sources / f"clip{number:03d}.mp4", frames, dice.choice((160, 240)))
    for portrait in dice.sample(portraits, 60):
        (sources / portrait.name).write_bytes(portrait.read_bytes())
    for number in range(58):
        material.plain(sources / f"plain{number:03d}.png", number)
    for number in range(2):
        name = f"twice{number}.png"
        (sources / name).write_bytes((sources / f"plain{number:03d}.png").read_bytes())
    kinds = [name for name in material.BROKEN if name != "empty.mp4"]
    names = ["0-empty.mp4", *(f"{n}-{name}" for n in range(5) for name in kinds)][:20]
    material.broken(sources, names, portraits[0])
    broken = {Path(n).stem: material.BROKEN[n.partition("-")[2]] for n in names}
    broken |= {Path(n).stem: n for n in names if n.endswith("header.mp4")}
    ids = {path.stem for path in sources.iterdir()}
    assert len(ids) == 200
    argv = ["in", "-o", "out", "--format", "html", "--every", "4", "--workers", "2"]
    kills = killing.moments(dice, 10, 16)
    runs, last = killing.with_kills(argv, tmp_path, kills)
    assert [run.exit_code for run in runs] == [-9] * 10, runs[-1].said
    assert last.exit_code == 3, last.said
    summary = _check(tmp_path / "out", ids, broken, starts=11)
    assert summary.counts.failed == 20
    assert summary.counts.duplicate == 2
    assert json.loads((tmp_path / "out" / "batch.json").read_bytes())["counts"]["items"] == 200

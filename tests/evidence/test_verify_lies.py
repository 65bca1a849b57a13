"""Lies that were sealed again, as anyone can: only the content tells, and it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from forensics.evidence.verify import verify
from tests.bundles import rebag
from tests.evidence.edits import append, edit, edit_audit, edit_lines, failed_steps, remove


def _crop_swap(root: Path) -> None:
    folder = root / "data" / "cropped_faces"
    (folder / "000001_00.png").rename(folder / "x")
    (folder / "000001_01.png").rename(folder / "000001_00.png")
    (folder / "x").rename(folder / "000001_01.png")


def _sixteen_bit(root: Path) -> None:
    path = root / "data" / "cropped_faces" / "000001_00.png"
    with Image.open(path) as picture:
        picture.convert("L").save(path)


LIES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a flagged face dropped": (
        lambda root: edit_lines(root, "faces.jsonl", lambda lines: lines[:2] + lines[3:]),
        "totals",
        "frame 2 counts 2 faces, found 1",
    ),
    "a frame dropped": (
        lambda root: edit_lines(root, "frames.jsonl", lambda lines: lines[:2] + lines[3:]),
        "totals",
        "frames.jsonl line 3 is frame 4",
    ),
    "two frames swapped": (
        lambda root: edit_lines(root, "frames.jsonl", lambda x: [x[1], x[0], *x[2:]]),
        "totals",
        "line 1 is frame 2",
    ),
    "totals changed": (
        lambda root: edit_audit(root, lambda d: d["totals"].update(faces_failed=0)),  # type: ignore[attr-defined]
        "totals",
        "totals.faces_failed is 0, the lines give 1",
    ),
    "a person's bands changed": (
        lambda root: edit_audit(root, lambda d: d["people"][0].update(bands={"no_sign": 5})),  # type: ignore[index]
        "totals",
        "person 0: bands",
    ),
    "a person left out": (
        lambda root: edit_audit(root, lambda d: d["people"].pop()),  # type: ignore[attr-defined]
        "totals",
        "names the people [0], faces.jsonl [0, 1]",
    ),
    "a flag left out of the summary": (
        lambda root: edit_audit(root, lambda d: d["flags"].pop(0)),  # type: ignore[attr-defined]
        "totals",
        "flags[] does not say so",
    ),
    "called complete": (
        lambda root: edit_audit(root, lambda d: d["run"].update(complete=True)),  # type: ignore[attr-defined]
        "totals",
        "calls itself complete",
    ),
    "another run's label": (
        lambda root: edit_audit(root, lambda d: d["run"].update(id="other")),  # type: ignore[attr-defined]
        "totals",
        "names the run",
    ),
    "another original": (append("data/original/two_people.mp4"), "media", "the original is not"),
    "another restored clip": (
        append("data/restored/two_people.mp4"),
        "media",
        "the restored file is not",
    ),
    "a second original": (append("data/original/b.mp4"), "media", "2 files instead of one"),
    "a frame hash dropped": (
        lambda root: edit_lines(root, "frames/restored.framehash", lambda lines: lines[:-1]),
        "frame hashes",
        "lists 5 frames, audit.json 6",
    ),
    "a stray restored clip": (append("data/restored/b.mp4"), "media", "is in no record"),
    "restored clip taken away": (
        remove("data/restored/two_people.mp4"),
        "media",
        "the restored file 'restored/two_people.mp4' is missing",
    ),
    "two crops swapped": (_crop_swap, "pictures", "pixels of 'data/cropped_faces/000001_00.png'"),
    "a crop of another mode": (_sixteen_bit, "pictures", "no readable picture"),
    "a crop that is no picture": (
        lambda root: (root / "data/cropped_faces/000001_00.png").write_bytes(b"\x89PNG"),
        "pictures",
        "no readable picture",
    ),
    "a pair taken away": (
        remove("data/cmp/000001_00.png"),
        "pictures",
        "'cmp/000001_00.png' is missing",
    ),
    "a picture of nobody": (
        append("data/maps/000009_07.png"),
        "pictures",
        "'data/maps/000009_07.png' belongs to no face",
    ),
    "a cell of the table changed": (
        lambda root: edit(root / "data/faces.csv", "1.25", "0.25"),
        "table",
        "faces.csv differs for person 0 in frame 1",
    ),
    "a row added to the table": (append("data/faces.csv", b"1,2\n"), "table", "has rows"),
    "a report taken away": (
        remove("data/report/report.html"),
        "reports",
        "recorded as written and missing",
    ),
    "a skipped report is there": (
        append("data/report/report.pdf"),
        "reports",
        "recorded as skipped, yet it is there",
    ),
    "a log line dropped": (
        lambda root: edit_lines(root, "log/events.jsonl", lambda lines: lines[:1] + lines[2:]),
        "events",
        "does not name the hash",
    ),
    "the environment record removed": (
        remove("data/run/environment.json"),
        "records",
        "'data/run/environment.json' is missing",
    ),
    "the command record broken": (
        lambda root: edit(root / "data/run/command.json", "{", "{{"),
        "records",
        "command.json is damaged",
    ),
    "the log emptied": (
        lambda root: (root / "data/log/events.jsonl").write_bytes(b""),
        "events",
        "no seal event",
    ),
    "the log removed": (remove("data/log/events.jsonl"), "events", "is missing"),
    "a measure both measured and not": (
        lambda root: edit(
            root / "data/faces.jsonl", '"lpips_crop":"o', '"blur":"-","lpips_crop":"o'
        ),
        "totals",
        "both measured and not measured",
    ),
    "a word for an outcome": (
        lambda root: edit(root / "data/faces.jsonl", '"restored"', '"confirmed"'),
        "records",
        "faces.jsonl line 1: outcome",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_that_were_sealed_again_are_found(bundle: Path, lie: str) -> None:
    act, step, words = LIES[lie]
    act(bundle)
    rebag(bundle)
    result = verify(bundle)
    failed = failed_steps(result)
    assert "bag" not in failed
    assert "digests" not in failed
    assert words in failed[step]
    assert result.exit_code == 4


def test_a_seal_event_that_counts_differently_is_found(bundle: Path) -> None:
    """Forged with a sound chain: only the comparison with audit.json shows it."""
    log = bundle / "data" / "log" / "events.jsonl"
    edit(log, '"faces_failed":1', '"faces_failed":0')
    rebag(bundle)
    failed = failed_steps(verify(bundle))
    assert "the seal event counts 0 faces_failed, audit.json 1" in failed["totals"]

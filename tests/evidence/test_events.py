"""The event log: every dropped, swapped, edited or added line shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from forensics.evidence.events import START, EventLog, check_chain, utc_text

COUNTS = {"frames": 6, "faces": 9}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    ticks = iter([10.0, 10.0, 10.5, 11.25, 12.0])
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    events = EventLog(path, clock=lambda: moment, monotonic_s=lambda: next(ticks))
    events.add("start", {"source": "a\nü.mp4", "sha256": "0" * 64})
    events.add("detect", {"threshold": 0.5, "faces": None})
    events.add("restore", {})
    events.seal(COUNTS)
    return path


def test_each_line_names_the_hash_of_the_one_before(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    events = [json.loads(line) for line in lines]
    assert events[0]["prev"] == START
    for before, event in zip(lines, events[1:], strict=False):
        assert event["prev"] == hashlib.sha256(before).hexdigest()
    assert [event["seq"] for event in events] == [0, 1, 2, 3]
    assert [event["monotonic_s"] for event in events] == [0.0, 0.5, 1.25, 2.0]
    assert events[0]["utc"] == "2026-01-02T03:04:05.678Z"
    assert list(events[0]) == ["seq", "prev", "utc", "monotonic_s", "step", "data"]


def test_a_sound_log_passes_with_its_counts_and_head(log: Path) -> None:
    chain = check_chain(log)
    assert chain.faults == ()
    assert chain.events == 4
    assert chain.counts == COUNTS
    last = log.read_bytes().splitlines(keepends=True)[-1]
    assert chain.head == hashlib.sha256(last).hexdigest()


ATTACKS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "first line dropped": lambda lines: lines[1:],
    "middle line dropped": lambda lines: lines[:1] + lines[2:],
    "seal dropped": lambda lines: lines[:-1],
    "two lines swapped": lambda lines: [lines[0], lines[2], lines[1], lines[3]],
    "one value edited": lambda lines: [lines[0], lines[1].replace(b"0.5", b"0.6"), *lines[2:]],
    "line repeated": lambda lines: [*lines[:2], *lines[1:]],
    "line after the seal": lambda lines: [*lines, lines[1]],
    "emptied": lambda lines: [],
    "cut off": lambda lines: [*lines[:-1], lines[-1][:-1]],
    "no JSON": lambda lines: [lines[0], b"\xff\n", *lines[2:]],
    "fields in another order": lambda lines: [
        json.dumps(dict(reversed(json.loads(lines[0]).items()))).encode() + b"\n",
        *lines[1:],
    ],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_shows(log: Path, attack: str) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(ATTACKS[attack](lines)))
    assert check_chain(log).faults


def test_a_forged_line_with_the_right_hash_still_needs_the_right_number(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    first = b'{"seq":1,"prev":"%s","utc":"x","monotonic_s":0,"step":"seal","data":{"counts":{}}}\n'
    path.write_bytes(first % START.encode())
    assert check_chain(path).faults == ("line 1: has seq 1, expected 0",)


def test_a_sealed_log_takes_nothing_more(log: Path, tmp_path: Path) -> None:
    events = EventLog(tmp_path / "other.jsonl")
    events.seal(COUNTS)
    with pytest.raises(RuntimeError, match="sealed"):
        events.add("late", {})
    events.close()
    with pytest.raises(FileExistsError):
        EventLog(log)


def test_numbers_that_are_none_are_not_logged(tmp_path: Path) -> None:
    events = EventLog(tmp_path / "events.jsonl")
    with pytest.raises(ValueError, match="Out of range"):
        events.add("measure", {"blur": float("inf")})
    events.add("measure", {"blur": None})
    events.seal({})
    assert check_chain(tmp_path / "events.jsonl").faults == ()


def test_times_are_given_in_utc() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(2026, 1, 1, 3, 0, tzinfo=east)
    assert utc_text(moment) == "2025-12-31T21:30:00.000Z"

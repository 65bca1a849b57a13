"""The event log: what was done, in order, as lines of which each names the hash of the one before.

``prev`` is the SHA-256 of the previous line's exact bytes with its line feed, so
``sed -n 3p events.jsonl | sha256sum`` gives the ``prev`` of line 4; the first line has 64 zeros.
The last line is the step ``seal`` with all counts.  The chain shows a dropped, swapped or edited
line; it does not show who wrote it, and the times in it are claims.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from forensics.evidence import strict

START = "0" * 64
SEAL = "seal"
_FIELDS = ("seq", "prev", "utc", "monotonic_s", "step", "data")


def utc_text(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _now() -> datetime:
    return datetime.now(UTC)


class EventLog:
    """Appends events to a new file; each line reaches the system before `add` returns."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime] = _now,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream: BinaryIO = path.open("xb")
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._start_s = monotonic_s()
        self._head = START
        self._count = 0
        self._sealed = False

    @property
    def head(self) -> str:
        """SHA-256 of the last line."""
        return self._head

    @property
    def count(self) -> int:
        """Lines written so far."""
        return self._count

    def add(self, step: str, data: Mapping[str, object]) -> None:
        """Append one event; ``data`` is JSON (finite numbers, text, lists, objects, None)."""
        if self._sealed:
            raise RuntimeError("the event log is sealed")
        line = strict.dump_line(
            {
                "seq": self._count,
                "prev": self._head,
                "utc": utc_text(self._clock()),
                "monotonic_s": round(self._monotonic_s() - self._start_s, 6),
                "step": step,
                "data": dict(data),
            }
        )
        self._stream.write(line)
        self._stream.flush()
        self._head = hashlib.sha256(line).hexdigest()
        self._count += 1

    def seal(self, counts: Mapping[str, int]) -> str:
        """Append the last line with all counts, close the file, and return the head."""
        self.add(SEAL, {"counts": dict(counts)})
        self._sealed = True
        self.close()
        return self._head

    def close(self) -> None:
        """Close without sealing (an interrupted run); does nothing when already closed."""
        self._sealed = True
        self._stream.close()


@dataclass(frozen=True)
class Chain:
    """What a reader finds in an event log. Sound when ``faults`` is empty."""

    events: int
    head: str
    counts: Mapping[str, object] | None
    """The counts of the seal event, None without one."""
    faults: tuple[str, ...]
    sealed_utc: str | None = None
    """The time that the last line claims, None without one."""


def check_chain(path: Path) -> Chain:
    """Read a log and check hashes, sequence, fields and seal; OSError when it cannot be read."""
    with path.open("rb") as stream:
        return read_chain(stream)


def read_chain(stream: BinaryIO) -> Chain:
    """As `check_chain`, from an open stream."""
    faults: list[str] = []
    head, number, last_s = START, 0, 0.0
    last: dict[str, object] = {}
    while raw := stream.readline(strict.MAX_LINE_BYTES + 1):
        number += 1
        event, fault = _parse(raw)
        if event is None:
            faults.append(f"line {number}: {fault}")
        else:
            faults += [f"line {number}: {why}" for why in _faults(event, number, head, last_s)]
            if last.get("step") == SEAL:
                faults.append(f"line {number}: comes after the seal")
            moment = event["monotonic_s"]
            last_s = moment if isinstance(moment, (int, float)) else last_s
            last = event
        head = hashlib.sha256(raw).hexdigest()
        if len(faults) >= 20:
            faults.append("more faults are not listed")
            break
    counts = _counts(last)
    if counts is None:
        faults.append("the last line is no seal event with counts")
    moment = last.get("utc")
    return Chain(number, head, counts, tuple(faults), moment if isinstance(moment, str) else None)


def _parse(raw: bytes) -> tuple[dict[str, object] | None, str]:
    if not raw.endswith(b"\n"):
        return None, "cut off or too long"
    try:
        event = strict.loads(raw, strict.MAX_LINE_BYTES)
    except strict.StrictJsonError as error:
        return None, str(error)
    if not isinstance(event, dict) or tuple(event) != _FIELDS:
        return None, f"does not have the fields {', '.join(_FIELDS)} in this order"
    return event, ""


def _faults(event: Mapping[str, object], number: int, head: str, last_s: float) -> list[str]:
    found = []
    if event["prev"] != head:
        found.append("does not name the hash of the line before it")
    if event["seq"] != number - 1 or isinstance(event["seq"], bool):
        found.append(f"has seq {event['seq']!r:.40}, expected {number - 1}")
    moment = event["monotonic_s"]
    if isinstance(moment, bool) or not isinstance(moment, (int, float)) or moment < last_s:
        found.append("goes back in time")
    if not isinstance(event["step"], str) or not isinstance(event["data"], dict):
        found.append("has no step or no data")
    if not isinstance(event["utc"], str):
        found.append("has no time")
    return found


def _counts(event: Mapping[str, object]) -> Mapping[str, object] | None:
    data = event.get("data")
    if event.get("step") != SEAL or not isinstance(data, dict):
        return None
    counts = data.get("counts")
    return counts if isinstance(counts, dict) else None

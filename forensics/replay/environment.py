"""Replay, environment: which fields of the recorded machine and installation are others now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from forensics.evidence.environment import environment_record
from forensics.media.describe import library_facts
from forensics.replay.outcome import Change
from forensics.runtime import numeric_facts

ABSENT: Final = "absent"
# Clocks, names and places of a machine change no number; the rest is compared, known or not.
_NO_MATTER: Final = frozenset(
    {"schema", "private", "clock", "host", "user", "paths", "pipeline", "internal"}
)
_MOST_TEXT: Final = 160


def changed_fields(recorded: Mapping[str, object]) -> tuple[Change, ...]:
    """Fields of ``run/environment.json`` that this machine answers otherwise, by dotted name."""
    now = environment_record(True, {**numeric_facts(), "ffmpeg": library_facts()})
    then_flat, now_flat = dict(_flat(recorded)), dict(_flat(now))
    names = sorted(then_flat.keys() & now_flat.keys() | _own(then_flat) | _own(now_flat))
    return tuple(
        Change(name, then_flat.get(name, ABSENT), now_flat.get(name, ABSENT))
        for name in names
        if then_flat.get(name, ABSENT) != now_flat.get(name, ABSENT)
    )


def _own(flat: Mapping[str, str]) -> set[str]:
    """Names that count even where the other side has none: variables, packages, switches."""
    return {name for name in flat if name.startswith(("variables.", "packages.", "numeric."))}


def _flat(value: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    for name, item in value.items():
        if not above and name in _NO_MATTER:
            continue
        if isinstance(item, Mapping):
            yield from _flat(item, f"{above}{name}.")
        else:
            text = ", ".join(map(str, item)) if isinstance(item, list | tuple) else str(item)
            yield f"{above}{name}", text[:_MOST_TEXT]

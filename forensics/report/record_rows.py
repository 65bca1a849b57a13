"""Record rows: settings and the environment record as rows of text for a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from forensics.report.language import _

_MOST_TEXT: Final = 240
Fact = tuple[str, str]


def plain(value: object) -> str:
    if value is None or value == "":
        return _("not set")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    text = str(value)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}\u2026"


def summarised(record: Mapping[str, object]) -> Iterable[Fact]:
    """An environment record, one row per group: ``packages: av 18.1.0; numpy 2.4.6``."""
    for name, value in record.items():
        if not isinstance(value, Mapping):
            yield (
                str(name),
                plain(", ".join(map(str, value)) if isinstance(value, list) else value),
            )
            continue
        inner = [
            (f"{name}, {key}", plain(", ".join(f"{k} {v}" for k, v in part.items())))
            for key, part in value.items()
            if isinstance(part, Mapping)
        ]
        simple = [
            f"{key} {plain(', '.join(map(str, part)) if isinstance(part, list) else part)}"
            for key, part in value.items()
            if part is not None and not isinstance(part, Mapping)
        ]
        if simple:
            yield str(name), "; ".join(simple)
        yield from inner

"""Batch table: batch.csv, one row per item and person, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.evidence.table import escape_cell, row_text
from forensics.record_batch import ItemPerson, ItemResult

COLUMNS: tuple[str, ...] = (
    "id",
    "source",
    "restored",
    "outcome",
    "exit_code",
    "complete",
    "reason",
    "same_as",
    "mode",
    "kind",
    "frames",
    "people",
    "item_flags",
    "seconds",
    "person",
    "band",
    "probability",
    "faces",
    "faces_restored",
    "faces_failed",
    "faces_high",
    "faces_caution",
    "faces_no_sign",
    "faces_not_calculable",
    "eyes_px_least",
    "eyes_px_most",
    "flags",
    "summary",
    "source_sha256",
    "bundle",
    "bundle_sha256",
)
Cell = str | int | float | bool | None


def table_bytes(items: Sequence[ItemResult]) -> bytes:
    """The whole table, header first; an item without people has one row with empty cells."""
    lines = [row_text(list(COLUMNS))]
    for item in items:
        people: Sequence[ItemPerson | None] = item.people or (None,)
        lines += [row_text([_cell(cell) for cell in _row(item, person)]) for person in people]
    return "".join(lines).encode("utf-8", "backslashreplace")


def _row(item: ItemResult, person: ItemPerson | None) -> list[Cell]:
    reason = item.reason or "; ".join(item.failures) or item.timestamp_failure
    head: list[Cell] = [
        item.id,
        item.source,
        item.restored,
        item.outcome,
        item.exit_code,
        item.complete,
        reason,
        item.same_as,
        item.mode,
        item.kind,
        None if item.totals is None else item.totals.frames,
        None if item.totals is None else item.totals.people,
        "; ".join(item.flags),
        item.seconds,
    ]
    tail: list[Cell] = [item.source_sha256, item.bundle, item.bundle_sha256]
    if person is None:
        return [*head, *([None] * (len(COLUMNS) - len(head) - len(tail))), *tail]
    return [
        *head,
        person.id,
        person.band,
        person.probability,
        person.faces,
        person.faces_restored,
        person.faces_failed,
        *(person.bands.get(band, 0) for band in ("high", "caution", "no_sign", "not_calculable")),
        *person.interocular_px_range,
        "; ".join(person.flags),
        person.summary,
        *tail,
    ]


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return escape_cell(" ".join(value.splitlines()))
    return repr(value)

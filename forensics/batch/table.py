"""Table: a CSV or JSONL file of sources and pairs, read strictly.

Columns ``id,source,restored``; only ``source`` must be there.  Paths are relative to the file.
What cannot be understood is an error with its line before anything is done; a source that is not
there is an item that fails later.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import UsageError
from forensics.evidence import strict

COLUMNS = ("id", "source", "restored")
MAX_TABLE_BYTES = 64 * 2**20
_FORM = "The columns are id,source,restored; paths are relative to the file; restored may be empty."


@dataclass(frozen=True)
class TableRow:
    """A row: absolute paths, and the texts as they stand in the file."""

    line: int
    id: str | None
    source: Path
    named: str
    restored: Path | None
    restored_named: str | None


def read_table(path: Path) -> list[TableRow]:
    """The rows of a ``.csv`` or ``.jsonl`` file.

    Raises `UsageError` for a file that cannot be read, an unknown or missing column, a row without
    a source, or an id that stands there twice.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_TABLE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path.name}: {error.strerror}", "Check the path.") from None
    if len(raw) > MAX_TABLE_BYTES:
        raise UsageError(f"{path.name} is larger than {MAX_TABLE_BYTES // 2**20} MiB", _FORM)
    try:
        text = raw.decode("utf-8-sig")  # spreadsheets write the mark
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not UTF-8: {error.reason}", "Save it as UTF-8.") from None
    lines = _csv(text, path.name) if path.suffix.lower() == ".csv" else _jsonl(text, path.name)
    rows = [_row(number, values, path) for number, values in lines]
    if not rows:
        raise UsageError(f"{path.name} names no source", _FORM)
    _check_ids(rows, path.name)
    return rows


def _csv(text: str, name: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    if "\0" in text:
        raise UsageError(f"{name} holds NUL characters", _FORM)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        unknown = [cell for cell in header if cell not in COLUMNS]
        if unknown or "source" not in header or len(set(header)) != len(header):
            raise UsageError(f"{name} has the columns {','.join(header)!r:.200}", _FORM)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise UsageError(
                    f"{name} line {reader.line_num} has {len(cells)} cells, not {len(header)}",
                    _FORM,
                )
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise UsageError(f"{name} line {reader.line_num} is no CSV: {error}", _FORM) from None


def _jsonl(text: str, name: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    # Not splitlines: names may hold other line separators.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = strict.loads(line.encode(), strict.MAX_LINE_BYTES)
        except strict.StrictJsonError as error:
            raise UsageError(f"{name} line {number} is no JSON: {error}", _FORM) from None
        if not isinstance(found, dict) or set(found) - set(COLUMNS):
            raise UsageError(f"{name} line {number} has other fields", _FORM)
        values: dict[str, str] = {}
        for key, value in found.items():
            if value is not None and not isinstance(value, str):
                raise UsageError(f"{name} line {number}: {key} is no text", _FORM)
            values[key] = value or ""
        yield number, values


def _row(number: int, values: Mapping[str, str], path: Path) -> TableRow:
    folder = path.absolute().parent
    source = _cell(folder, values.get("source", ""))
    restored = _cell(folder, values.get("restored", ""))
    if not source:
        raise UsageError(f"{path.name} line {number} names no source", _FORM)
    if "\0" in source + restored:
        raise UsageError(f"{path.name} line {number} holds a NUL character", _FORM)
    return TableRow(
        line=number,
        id=values.get("id", "").strip() or None,
        source=folder / source,
        named=source,
        restored=folder / restored if restored else None,
        restored_named=restored or None,
    )


def _cell(folder: Path, text: str) -> str:
    """The path without blanks around it, unless they belong to its name."""
    bare = text.strip()
    return text if text != bare and "\0" not in text and (folder / text).exists() else bare


def _check_ids(rows: list[TableRow], name: str) -> None:
    lines: dict[str, int] = {}
    for row in rows:
        if row.id is None:
            continue
        if row.id in lines:
            raise UsageError(
                f"{name}: the id {row.id!r} stands in line {lines[row.id]} and in line {row.line}",
                "Each id names a folder, so it must be there once.",
            )
        lines[row.id] = row.line

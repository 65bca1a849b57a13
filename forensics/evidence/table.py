"""faces.csv: the flat table of faces.jsonl for a spreadsheet, safe to open in one.

Text cells that a spreadsheet would run as a formula get a leading apostrophe (OWASP, CSV
injection); numbers keep their shortest exact spelling; a measure that was not taken is empty.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from forensics.records import PLUGIN_PREFIX, TABLE_MEASURES, Audit, FaceLine

_FORMULA_STARTS = frozenset("=+-@\t\r\n\0")

REFERENCE_ENDINGS = ("", "_p99")
"""References under a measure's own name: what half, and what 99 of 100 accurate pictures score."""

COLUMNS: tuple[str, ...] = (
    "frame",
    "pts_s",
    "person",
    "outcome",
    "reason",
    "risk_band",
    "risk_because",
    "flags",
    "probability",
    "probability_low",
    "probability_high",
    "calibrated",
    "score",
    "box_x0_px",
    "box_y0_px",
    "box_x1_px",
    "box_y1_px",
    "yaw_deg",
    *TABLE_MEASURES,
    *(f"ref_{name}{end}" for name in TABLE_MEASURES for end in REFERENCE_ENDINGS),
    "not_measured",
    "crop_sha256",
    "restored_sha256",
)


def escape_cell(text: str) -> str:
    """Text that a spreadsheet shows instead of running it; NUL, which CSV cannot hold, is gone."""
    text = text.replace("\0", "\ufffd")
    return "'" + text if text[:1] in _FORMULA_STARTS or text.startswith("\ufffd") else text


def columns(plugins: Sequence[str] = ()) -> list[str]:
    """The header: `COLUMNS`, then one column for each plugin measure of the run, by its name."""
    return [*COLUMNS, *(PLUGIN_PREFIX + name for name in plugins)]


def face_row(face: FaceLine, plugins: Sequence[str] = ()) -> list[str]:
    """One row in the order of `columns`."""
    low, high = face.risk.interval or (None, None)
    measures = {"interocular_px": face.interocular_px, **face.measures}
    cells: list[str | float | int | bool | None] = [
        face.frame,
        face.pts_s,
        face.person,
        face.outcome,
        face.reason,
        face.risk.band,
        "; ".join(face.risk.because),
        "; ".join(face.flags),
        face.risk.probability,
        low,
        high,
        face.risk.calibrated,
        face.score,
        *face.box_px,
        face.yaw_deg,
        *(measures.get(name) for name in TABLE_MEASURES),
        *(face.references.get(name + end) for name in TABLE_MEASURES for end in REFERENCE_ENDINGS),
        "; ".join(f"{name}: {why}" for name, why in face.not_measured.items()),
        face.crop_sha256,
        face.restored_sha256,
        *(face.plugin_measures.get(PLUGIN_PREFIX + name) for name in plugins),
    ]
    return [_cell(cell) for cell in cells]


def _cell(value: str | float | int | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return escape_cell(value)
    return repr(value)


def row_text(cells: list[str]) -> str:
    """One CSV line (RFC 4180 quoting, LF)."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def plugin_names(audit: Audit) -> tuple[str, ...]:
    """The plugin measures of a run, in the order of their columns."""
    return tuple(name for name in str(audit.settings.get("measure") or "").split(",") if name)


def table_text(faces: Iterable[FaceLine], plugins: Sequence[str] = ()) -> str:
    """The whole table, header first; of faces in the order of faces.jsonl it is ``faces.csv``."""
    rows = (columns(plugins), *(face_row(face, plugins) for face in faces))
    return "".join(map(row_text, rows))


class FaceTable:
    """Writes ``data/faces.csv`` row by row, header first."""

    def __init__(self, data: Path, plugins: Sequence[str] = ()) -> None:
        self._plugins = tuple(plugins)
        self._stream: TextIO = (data / "faces.csv").open("w", encoding="utf-8", newline="")
        self._stream.write(row_text(columns(self._plugins)))

    def write(self, face: FaceLine) -> None:
        """Append one face."""
        self._stream.write(row_text(face_row(face, self._plugins)))

    def close(self) -> None:
        self._stream.close()

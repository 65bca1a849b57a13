"""Calibration, rows: what one filmed, restored and measured face taught, a line of JSON each.

A file of rows begins with a line that says what they were made with; rows of anything else are not
continued.  A torn last line (a run that was cut off) is dropped and made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Group = Literal["fit", "cal", "test"]
GROUPS: tuple[Group, ...] = ("fit", "cal", "test")


@dataclass(frozen=True)
class FaceRow:
    """One restored face with its measures and how far it is from the truth.

    ``identity_distance`` is 1 - cos of the judge (0..2), ``feature_distance`` perceptual distances
    by feature, ``attribute_change`` what `attributes.changes` says, ``baselines`` numbers that need
    no truth and are not measures of an audit.
    """

    key: str
    person: str
    group: Group
    restorer: str
    family: str
    interocular_px: float
    measures: dict[str, float]
    references: dict[str, float]
    not_measured: tuple[str, ...]
    identity_distance: float
    feature_distance: dict[str, float]
    attribute_change: dict[str, float]
    baselines: dict[str, float]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> FaceRow:
        """From a line. Raises `TypeError` when fields are missing or unknown."""
        known = dict(raw)
        known["not_measured"] = tuple(known["not_measured"])
        return cls(**known)


class RowFile:
    """Rows on disk, appended one at a time."""

    def __init__(self, path: Path, made_with: Mapping[str, Any]) -> None:
        """Continue the file when it was made with the same things; begin it anew otherwise."""
        self.path = path
        self.rows: list[FaceRow] = []
        self.kept = 0
        head = {"made_with": dict(made_with)}
        found = _lines(path)
        if found and found[0] == json.loads(json.dumps(head)):
            self.rows = [FaceRow.of(line) for line in found[1:]]
            self.kept = len(self.rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [head, *(asdict(row) for row in self.rows)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")

    @property
    def keys(self) -> frozenset[str]:
        """Faces that are there."""
        return frozenset(row.key for row in self.rows)

    def add(self, row: FaceRow) -> None:
        """Append one row, so that it survives whatever comes next."""
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(asdict(row)) + "\n")
        self.rows.append(row)


def read_rows(path: Path) -> tuple[dict[str, Any], list[FaceRow]]:
    """What a file was made with, and its rows. Raises `OSError`, `ValueError`."""
    found = _lines(path)
    if not found:
        raise ValueError(f"{path.name} holds no rows")
    return dict(found[0]["made_with"]), [FaceRow.of(line) for line in found[1:]]


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break  # torn: what stands behind it was written after a cut and is made again
    return found

"""Faces table: faces.parquet, every face of every bundle of a batch as one typed row.

Written item by item, so a large batch fits into memory.  pyarrow comes with the extra ``analysis``;
where it is absent there is no table and the roll-up says so.  The schema is described in
docs/analysis.md, and a column never changes its meaning without a new schema number.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forensics.errors import ForensicsError
from forensics.evidence.lines import iter_faces
from forensics.evidence.table import REFERENCE_ENDINGS
from forensics.record_batch import ItemResult
from forensics.records import MEASURES, FaceLine

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_NAME: Final = "restoration-forensics/faces-table/1"
MISSING_WORDS: Final = (
    "pyarrow is not installed: install restoration-forensics with the extra 'analysis'"
)
_LINES_AT_A_TIME: Final = 20_000

COLUMNS: Final[Mapping[str, str]] = {
    "item": "string",
    "person": "int32",
    "frame": "int32",
    "pts_s": "double",
    "outcome": "string",
    "reason": "string",
    "band": "string",
    "probability": "double",
    "probability_low": "double",
    "probability_high": "double",
    "calibrated": "bool",
    "because": "strings",
    "flags": "strings",
    "score": "double",
    "box_x0_px": "double",
    "box_y0_px": "double",
    "box_x1_px": "double",
    "box_y1_px": "double",
    "yaw_deg": "double",
    "beyond_frame": "double",
    "scale": "double",
    **dict.fromkeys(MEASURES, "double"),
    **{f"ref_{name}{end}": "double" for name in MEASURES for end in REFERENCE_ENDINGS},
    "not_measured": "texts",
    "plugin_measures": "numbers",
    "plugin_not_measured": "texts",
    "crop_sha256": "string",
    "restored_sha256": "string",
    "run": "string",
    "source_sha256": "string",
    "bundle": "string",
    "bundle_sha256": "string",
}
"""Columns in order with their kind.

``strings`` is a list, ``texts`` a map from name to reason, ``numbers`` one from name to value.
"""


def pyarrow_here() -> bool:
    """Whether the table can be written here; nothing is imported to find out."""
    return importlib.util.find_spec("pyarrow") is not None


def write_faces(path: Path, out: Path, items: Sequence[ItemResult]) -> int:
    """Write the faces of all bundles below ``out`` to ``path``; returns the number of rows.

    Raises `IntegrityError` for a bundle whose lines are damaged, `InputError` for one that is gone.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {
        "string": pa.string(),
        "int32": pa.int32(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "strings": pa.list_(pa.string()),
        "texts": pa.map_(pa.string(), pa.string()),
        "numbers": pa.map_(pa.string(), pa.float64()),
    }
    schema = pa.schema(
        [(name, kinds[kind]) for name, kind in COLUMNS.items()], metadata={"schema": SCHEMA_NAME}
    )
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in _batches(out, items):
            table: pa.Table = pa.Table.from_pylist(rows, schema=schema)
            writer.write_table(table)
            count += len(rows)
    return count


def _batches(out: Path, items: Sequence[ItemResult]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for item in items:
        if item.bundle is None:
            continue
        for face in iter_faces(out / item.bundle):
            rows.append(_row(item, face))
            if len(rows) >= _LINES_AT_A_TIME:
                yield rows
                rows = []
    if rows:
        yield rows


def _row(item: ItemResult, face: FaceLine) -> dict[str, Any]:
    low, high = face.risk.interval or (None, None)
    measures = {"interocular_px": face.interocular_px, **face.measures}
    x0, y0, x1, y1 = face.box_px
    row: dict[str, Any] = {
        "item": item.id,
        "person": face.person,
        "frame": face.frame,
        "pts_s": face.pts_s,
        "outcome": face.outcome,
        "reason": face.reason,
        "band": face.risk.band,
        "probability": face.risk.probability,
        "probability_low": low,
        "probability_high": high,
        "calibrated": face.risk.calibrated,
        "because": list(face.risk.because),
        "flags": list(face.flags),
        "score": face.score,
        "box_x0_px": x0,
        "box_y0_px": y0,
        "box_x1_px": x1,
        "box_y1_px": y1,
        "yaw_deg": face.yaw_deg,
        "beyond_frame": face.beyond_frame,
        "scale": face.scale,
        **{name: measures.get(name) for name in MEASURES},
        **{
            f"ref_{name}{end}": face.references.get(name + end)
            for name in MEASURES
            for end in REFERENCE_ENDINGS
        },
        "not_measured": list(face.not_measured.items()),
        "plugin_measures": list(face.plugin_measures.items()),
        "plugin_not_measured": list(face.plugin_not_measured.items()),
        "crop_sha256": face.crop_sha256,
        "restored_sha256": face.restored_sha256,
        "run": item.run,
        "source_sha256": item.source_sha256,
        "bundle": item.bundle,
        "bundle_sha256": item.bundle_sha256,
    }
    if set(row) != set(COLUMNS):
        raise ForensicsError("a face does not fit the table's columns")
    return row

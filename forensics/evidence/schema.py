"""JSON Schemas of audit.json, the lines and the run's records, generated from the records.

``python -m forensics.evidence.schema --write docs/schema`` writes them, ``--check`` fails when
the committed ones are not current.  ``x-clock-fields`` lists what may differ between two equal
runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from forensics.evidence.acquisition import ACQUISITION_SCHEMA, Acquisition
from forensics.evidence.predicate import PREDICATE_SCHEMA, Predicate
from forensics.evidence.strict import dump_document
from forensics.record_batch import BATCH_CLOCK_FIELDS, BATCH_SCHEMA, BatchSummary
from forensics.record_capture import CAPTURE_CLOCK_FIELDS, CAPTURE_SCHEMA, Capture
from forensics.records import (
    AUDIT_SCHEMA,
    CLOCK_FIELDS,
    FACE_SCHEMA,
    FRAME_SCHEMA,
    Audit,
    FaceLine,
    FrameLine,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_RECORDS: dict[str, tuple[type[BaseModel], str, tuple[str, ...]]] = {
    "audit.schema.json": (Audit, AUDIT_SCHEMA, CLOCK_FIELDS),
    "frame.schema.json": (FrameLine, FRAME_SCHEMA, ()),
    "face.schema.json": (FaceLine, FACE_SCHEMA, ()),
    "batch.schema.json": (BatchSummary, BATCH_SCHEMA, BATCH_CLOCK_FIELDS),
    "capture.schema.json": (Capture, CAPTURE_SCHEMA, CAPTURE_CLOCK_FIELDS),
    "acquisition.schema.json": (Acquisition, ACQUISITION_SCHEMA, ("acquired_utc",)),
    "predicate.schema.json": (
        Predicate,
        PREDICATE_SCHEMA,
        (
            "runDetails.metadata.invocationId",
            "runDetails.metadata.startedOn",
            "runDetails.metadata.finishedOn",
        ),
    ),
}


def schemas() -> dict[str, dict[str, object]]:
    """The schemas by file name; ``$id`` is the name that the documents carry."""
    found: dict[str, dict[str, object]] = {}
    for name, (model, identity, clock_fields) in _RECORDS.items():
        generated = model.model_json_schema(by_alias=True, mode="serialization")
        found[name] = {
            "$schema": DIALECT,
            "$id": f"urn:{identity.replace('/', ':')}",
            "x-clock-fields": list(clock_fields),
            **generated,
        }
    return found


def stale(folder: Path) -> list[str]:
    """Names of schema files in ``folder`` that are missing or not what the records give."""
    return [
        name
        for name, schema in schemas().items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != dump_document(schema)
    ]


def write(folder: Path) -> list[Path]:
    """Write all schemas into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, schema in schemas().items():
        path = folder / name
        path.write_bytes(dump_document(schema))
        paths.append(path)
    return paths


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of ``python -m forensics.evidence.schema``."""
    parser = argparse.ArgumentParser(prog="python -m forensics.evidence.schema")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", type=Path, metavar="FOLDER")
    choice.add_argument("--check", type=Path, metavar="FOLDER")
    options = parser.parse_args(argv)
    if options.write is not None:
        write(options.write)
        return 0
    if names := stale(options.check):
        sys.stderr.write(
            f"Not current in {options.check}: {', '.join(names)}. "
            f"Run: python -m forensics.evidence.schema --write {options.check}\n"
        )
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())

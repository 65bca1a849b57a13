"""Captured: the record of a capture from the web, taken into a bundle with its source.

Promise: a record that lies beside a file is believed only where it is whole and names the bytes
that are there; in a bundle it must be the one that audit.json names.
"""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from forensics.errors import InputError, IntegrityError
from forensics.evidence import strict
from forensics.evidence.tree import Tree
from forensics.record_capture import RECORD_SUFFIX, Capture, CaptureNote, capture_note
from forensics.records import Audit

PLACE: Final = "run/capture.json"
_MAX_BYTES: Final = 16 * 2**20


def read_record(raw: bytes) -> Capture:
    """A capture record; `IntegrityError` when it is not what its schema says."""
    try:
        strict.loads(raw, _MAX_BYTES)
        return Capture.model_validate_json(raw, strict=True)
    except strict.StrictJsonError as error:
        raise IntegrityError(f"the capture record is damaged: {error}") from error
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise IntegrityError(f"the capture record is damaged at {place or 'its start'}") from error


def record_beside(source: Path, sha256: str) -> tuple[CaptureNote, bytes] | None:
    """The record beside a captured file, in short and as it stands; None where there is none.

    ``sha256`` is the file's digest now. `IntegrityError` when the record is damaged or names other
    bytes: the file changed after its capture.
    """
    path = source.with_name(source.name + RECORD_SUFFIX)
    try:
        if not source.is_file() or not path.is_file():
            return None
        with path.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # no record can have that name
            return None
        raise InputError(f"cannot read {path.name!r}: {error.strerror or error}") from error
    record = read_record(raw)
    if record.files[0].sha256 != sha256:
        raise IntegrityError(
            f"{source.name!r} is not what was captured: {path.name!r} names other bytes",
            "Capture it again. To audit the file as it is now, move the record away.",
        )
    return capture_note(record, hashlib.sha256(raw).hexdigest(), PLACE), raw


def capture_faults(tree: Tree, audit: Audit) -> list[str]:
    """Where the capture record of a bundle and audit.json disagree."""
    path, note = f"data/{PLACE}", audit.source.capture
    if note is None:
        return [f"{path!r} is in no record"] if tree.has(path) else []
    if not tree.has(path):
        return [f"{path!r} is missing"]
    raw = tree.read(path, _MAX_BYTES)
    record = read_record(raw)
    faults = []
    if capture_note(record, hashlib.sha256(raw).hexdigest(), PLACE) != note:
        faults.append("capture.json and audit.json disagree on where the source came from")
    if record.files[0].sha256 != audit.source.sha256 or note.sha256 != audit.source.sha256:
        faults.append("capture.json names another file than the source")
    return faults

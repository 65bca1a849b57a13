"""Checks that the records below data/run and data/models speak of this run and these files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from forensics.errors import IntegrityError
from forensics.evidence import strict
from forensics.evidence.acquisition import Acquisition
from forensics.evidence.bag import Digests
from forensics.evidence.captured import capture_faults
from forensics.evidence.inventory import inventory_faults
from forensics.evidence.predicate import predicate_faults
from forensics.evidence.tree import Tree
from forensics.records import Audit

ACQUISITION: Final = "data/run/acquisition.json"
PREDICATE: Final = "data/run/predicate.json"
INVENTORY: Final = "data/models/models.cdx.json"
_LATER: Final = (ACQUISITION, PREDICATE, INVENTORY)
_MAX_BYTES: Final = 16 * 2**20


def run_record_faults(
    tree: Tree, audit: Audit, digests: Mapping[str, Digests]
) -> tuple[list[str], int]:
    """Faults of the three records that bundles of the first version lack, and how many are there.

    They come together: one without the others was taken away or put in.
    """
    there = [path for path in _LATER if tree.has(path)]
    faults = [f"{path!r} is missing" for path in _LATER if there and path not in there]
    if ACQUISITION in there:
        faults += _acquisition_faults(tree.read(ACQUISITION, _MAX_BYTES), audit)
    if PREDICATE in there:
        raw = tree.read(PREDICATE, _MAX_BYTES)
        _strict(raw, "predicate.json")
        faults += predicate_faults(raw, audit, digests)
    faults += capture_faults(tree, audit)
    if INVENTORY in there:
        faults += inventory_faults(tree.read(INVENTORY, _MAX_BYTES), audit)
    if not there and audit.source.credentials is not None:
        # Only runs that write these records look for credentials.
        faults.append("the records of the run are missing")
    return faults, len(there)


def _strict(raw: bytes, name: str) -> None:
    try:
        strict.loads(raw, _MAX_BYTES)
    except strict.StrictJsonError as error:
        raise IntegrityError(f"{name} is damaged: {error}") from error


def _acquisition_faults(raw: bytes, audit: Audit) -> list[str]:
    _strict(raw, "acquisition.json")
    try:
        found = Acquisition.model_validate_json(raw, strict=True)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise IntegrityError(f"acquisition.json is damaged at {place or 'its start'}") from error
    source, run = audit.source, audit.run
    faults = []
    if found.capture != source.capture:
        faults.append("acquisition.json and audit.json disagree on where the source came from")
    for moment in (found.before, found.after):
        if (moment.sha256, moment.sha512, moment.bytes) != (
            source.sha256,
            source.sha512,
            source.bytes,
        ):
            faults.append("acquisition.json names another source than audit.json")
            break
    if found.credentials != source.credentials:
        faults.append("acquisition.json and audit.json disagree on the source's credentials")
    faults += _other_faults(found, audit)
    if (found.operator, found.case, found.purpose) != (run.operator, run.case, run.purpose):
        faults.append("acquisition.json and audit.json disagree on operator, case or purpose")
    return faults


def _other_faults(found: Acquisition, audit: Audit) -> list[str]:
    pair, other = audit.pair, found.other
    if pair is None or other is None:
        if pair is None and other is None:
            return []
        return ["only one of acquisition.json and audit.json names another restoration"]
    faults = []
    for moment in (other.before, other.after):
        if (moment.sha256, moment.sha512, moment.bytes) != (pair.sha256, pair.sha512, pair.bytes):
            faults.append("acquisition.json names another restoration than audit.json")
            break
    if other.credentials != pair.credentials:
        faults.append("acquisition.json and audit.json disagree on the restoration's credentials")
    return faults

"""Batch seal: one list of digests over a roll-up and all its bundles, and one signature over it.

``batch.sha256`` has the form of sha256sum, so ``sha256sum -c batch.sha256`` in the folder checks it
without this tool.  The signed statement names the same digests; each bundle has its own seal too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from forensics.evidence.bag import digest_file
from forensics.evidence.dsse import canonical_json, sign
from forensics.evidence.names import encode_path
from forensics.evidence.signing import ENVELOPE, SIGNERS, STAMP, Signing
from forensics.evidence.statement import STATEMENT_TYPE
from forensics.evidence.strict import dump_document
from forensics.record_batch import BatchSummary

BATCH: Final = "batch.json"
LIST: Final = "batch.sha256"
VIEWS: Final = ("batch.csv", "batch.html", "batch.pdf", "faces.parquet")
FOLDER: Final = "signatures"
SEALED: Final = (*VIEWS, LIST, FOLDER)
"""What stands beside batch.json and goes with it."""
PREDICATE_TYPE: Final = "urn:restoration-forensics:batch-seal:1"
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"


def summary_bytes(summary: BatchSummary) -> bytes:
    """batch.json as it is written."""
    return dump_document(summary.model_dump(mode="json", by_alias=True))


def seal_rollup(making: Path, summary: BatchSummary, signing: Signing) -> str | None:
    """Write the list of digests and, with keys, the signature into ``making``.

    ``making`` holds the files of the roll-up.  Returns why a time stamp that was asked for is
    missing, else None; batch.json is sealed by then and cannot say it, `verify` does.
    """
    digests = {
        name: digest_file(making / name).sha256
        for name in (BATCH, *VIEWS)
        if (making / name).is_file()
    }
    digests |= bundle_digests(summary)
    _write(making / LIST, list_bytes(digests))
    if not signing.keys:
        return None
    # Here alone: it brings an HTTP client for time stamps.
    from forensics.evidence.sealing import signers_pem
    from forensics.evidence.timestamp import TimestampError, request_token

    (making / FOLDER).mkdir()
    envelope = sign(canonical_json(build_statement(summary, digests)), signing.keys)
    _write(making / ENVELOPE, envelope)
    _write(making / SIGNERS, signers_pem(signing.keys))
    if signing.timestamp_url is not None:
        try:
            _write(making / STAMP, request_token(signing.timestamp_url, envelope))
        except TimestampError as error:
            return str(error)
    return None


def bundle_digests(summary: BatchSummary) -> dict[str, str]:
    """``ID/tagmanifest-sha256.txt`` and its digest for every bundle of the roll-up."""
    return {
        f"{item.bundle}/{TAG_MANIFEST}": item.bundle_sha256
        for item in summary.items
        if item.bundle is not None and item.bundle_sha256 is not None
    }


def list_bytes(digests: Mapping[str, str]) -> bytes:
    """The list in the form of sha256sum, sorted by path."""
    return "".join(f"{digests[path]}  {encode_path(path)}\n" for path in sorted(digests)).encode()


def build_statement(summary: BatchSummary, digests: Mapping[str, str]) -> dict[str, object]:
    """What is signed: an in-toto statement that anyone can rebuild from the folder."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": path, "digest": {"sha256": digests[path]}} for path in sorted(digests)
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "batch": summary.run.id,
            "case": summary.run.case,
            "ended_utc": summary.run.ended_utc,
            "counts": summary.counts.model_dump(),
            "signers": list(summary.run.signers),
        },
    }


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())

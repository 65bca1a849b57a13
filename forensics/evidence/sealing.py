"""Sealing: the files in ``signatures/``, written when every other file of the bundle stands.

The envelope is signed over the finished tag manifests, then a time stamp may be taken over the
envelope's bytes.  A time stamp that fails leaves a signed bundle without one, never a damaged one:
the failure is returned as a sentence, and `verify` calls such a bundle not time-attested.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from forensics.errors import IntegrityError
from forensics.evidence import strict
from forensics.evidence.bag import Digests, digest_file
from forensics.evidence.check_bag import bag_faults, check_digests
from forensics.evidence.dsse import canonical_json, sign
from forensics.evidence.events import check_chain
from forensics.evidence.keys import SigningKey
from forensics.evidence.lines import AUDIT, parse_audit
from forensics.evidence.signing import ENVELOPE, FOLDER, SIGNERS, STAMP, Signing
from forensics.evidence.statement import PREDICATE, TAG_MANIFESTS, build_statement
from forensics.evidence.timestamp import TimestampError, request_token
from forensics.evidence.tree import scan

EVENTS: Final = "data/log/events.jsonl"


def write_signatures(root: Path, payload: Mapping[str, Digests], signing: Signing) -> str | None:
    """Sign the bagged bundle at ``root``; returns why a wanted time stamp is missing, else None.

    ``payload`` are the digests of its payload.  Does nothing without keys.  ValueError when
    audit.json names other signers than ``signing`` holds: the record was sealed for other keys.
    """
    folder = root / FOLDER
    if signing.keys:
        folder.mkdir()
    return _sign_into(folder, root, payload, signing)


def _sign_into(
    folder: Path, root: Path, payload: Mapping[str, Digests], signing: Signing
) -> str | None:
    """The files of ``signatures/``, written into ``folder``."""
    audit = parse_audit((root / AUDIT).read_bytes())
    if audit.run.signers != signing.fingerprints:
        raise ValueError("audit.json names other signers than those who sign")
    if not signing.keys:
        return None
    digests = {path: item.sha256 for path, item in payload.items()}
    digests |= {name: digest_file(root / name).sha256 for name in TAG_MANIFESTS}
    statement = build_statement(
        audit, digests, read_provenance(root), check_chain(root / EVENTS).head
    )
    envelope = sign(canonical_json(statement), signing.keys)
    _write(folder / _name(ENVELOPE), envelope)
    _write(folder / _name(SIGNERS), signers_pem(signing.keys))
    if signing.timestamp_url is None:
        return None
    try:
        _write(folder / _name(STAMP), request_token(signing.timestamp_url, envelope))
    except TimestampError as error:
        return str(error)
    return None


def _name(path: str) -> str:
    return path.removeprefix(FOLDER)


def signers_pem(keys: tuple[SigningKey, ...]) -> bytes:
    """One ``PUBLIC KEY`` PEM for each key, sorted by fingerprint as the signatures are."""
    return b"".join(key.public_pem for key in sorted(keys, key=lambda key: key.fingerprint))


def read_provenance(root: Path) -> object:
    """The content of run/predicate.json, None where the bundle has none."""
    path = root / PREDICATE
    return strict.loads(path.read_bytes()) if path.is_file() else None


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def sign_sealed(root: Path, signing: Signing) -> str | None:
    """Sign a bundle that was sealed elsewhere for these keys; returns as `write_signatures`.

    Every file is hashed first: only what was read here is signed.  The signatures appear as one
    folder or not at all, so a kill leaves an unsigned bundle; what an earlier try left is replaced.
    IntegrityError when the bundle is not what its manifests say; ValueError as `write_signatures`.
    """
    tree = scan(root)
    check = check_digests(tree)
    faults = [*tree.faults, *tree.unreadable, *bag_faults(tree), *check.faults, *check.unreadable]
    if faults:
        raise IntegrityError(f"the bundle {root.name!r} was not signed: {'; '.join(faults[:3])}")
    payload = {path: found for path, found in check.found.items() if path.startswith("data/")}
    waiting = root.with_name(f".{root.name}.signatures")
    shutil.rmtree(waiting, ignore_errors=True)
    waiting.mkdir()
    missing = _sign_into(waiting, root, payload, signing)
    shutil.rmtree(root / FOLDER, ignore_errors=True)
    if signing.keys:
        waiting.rename(root / FOLDER)
    else:
        waiting.rmdir()
    return missing

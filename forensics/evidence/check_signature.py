"""Checks of the signature: verified first, parsed after, and compared with the bundle as it is.

The keys in ``signer.pem`` are only held against audit.json: whoever re-makes a bundle writes both.
Who signed is answered by pinned keys alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from forensics.evidence import strict
from forensics.evidence.bag import Digests, digest_stream
from forensics.evidence.dsse import (
    MAX_ENVELOPE_BYTES,
    MAX_SIGNATURES,
    Envelope,
    EnvelopeError,
    canonical_json,
    read_envelope,
)
from forensics.evidence.keys import fingerprint, public_pem
from forensics.evidence.signing import ENVELOPE, FOLDER, SIGNATURE_FILES, SIGNERS, STAMP
from forensics.evidence.statement import (
    PREDICATE,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    TAG_MANIFESTS,
    build_statement,
    difference,
)
from forensics.evidence.tree import Tree
from forensics.evidence.trust import Trust
from forensics.records import Audit

_END: Final = b"-----END PUBLIC KEY-----\n"
_MAX_SIGNERS_BYTES: Final = 2**14


@dataclass(frozen=True)
class SignatureCheck:
    """What the signature shows. ``payload`` is None unless every signature holds."""

    faults: tuple[str, ...]
    fingerprints: tuple[str, ...] = ()
    """Who signed, by the keys inside the bundle: consistent, not trusted."""
    known: tuple[str, ...] = ()
    """Those of the pinned keys that signed."""
    payload: bytes | None = None
    envelope: bytes | None = None
    """The exact bytes of the envelope, for the time stamp."""


def signed(tree: Tree) -> bool:
    """Whether the bundle claims a signature: anything lies in ``signatures/``."""
    return bool(tree.under(FOLDER))


def check_unsigned(named: tuple[str, ...], trust: Trust) -> list[str]:
    """Faults of a bundle without signature; ``named`` are the signers that audit.json names."""
    faults = []
    if named:
        faults.append(
            f"audit.json says that {_listed(named)} signed this bundle, and no signature is there"
        )
    if trust.keys:
        faults.append("a key was given, and this bundle is not signed")
    return faults


def check_signature(tree: Tree, named: tuple[str, ...] | None, trust: Trust) -> SignatureCheck:
    """Hold the files in ``signatures/`` against each other, audit.json and the pinned keys.

    ``named`` are the signers that audit.json names, None where it cannot be read.
    """
    faults = [f"{path!r} does not belong in signatures/" for path in _strangers(tree)]
    faults += [f"{path!r} is missing" for path in (ENVELOPE, SIGNERS) if not tree.has(path)]
    if not tree.has(ENVELOPE):
        if tree.has(STAMP):
            faults.append("a time stamp is there without the signature that it belongs to")
        return SignatureCheck(tuple(faults))
    raw = tree.read(ENVELOPE, MAX_ENVELOPE_BYTES)
    try:
        envelope = read_envelope(raw)
    except EnvelopeError as error:
        return SignatureCheck((*faults, f"{ENVELOPE!r} {error}"))
    keys, more = _signers(tree)
    faults += more
    claimed = {item.keyid for item in envelope.signatures}
    if not more and {fingerprint(key) for key in keys} != claimed:
        faults.append(f"{SIGNERS!r} holds other keys than those that signed")
    faults += _broken(envelope, keys, claimed)
    if named is not None and set(named) != claimed:
        faults.append(f"signed by {_listed(sorted(claimed))}; audit.json names {_listed(named)}")
    known = envelope.valid_signatures(trust.keys)
    if trust.keys and len(known) < trust.threshold:
        faults.append(_too_few(known, trust, claimed))
    payload = None if faults else envelope.payload
    return SignatureCheck(tuple(faults), tuple(sorted(claimed)), known, payload, raw)


def statement_faults(
    payload: bytes,
    tree: Tree,
    audit: Audit,
    digests: Mapping[str, Digests],
    events_head: str,
) -> list[str]:
    """Where the signed statement is not the one that this bundle gives; the payload is verified."""
    try:
        statement = strict.loads(payload, MAX_ENVELOPE_BYTES)
        provenance = _provenance(tree)
    except strict.StrictJsonError as error:
        return [f"the statement or {PREDICATE} is damaged: {error}"]
    if not isinstance(statement, dict) or canonical_json(statement) != payload:
        return ["the statement is not in canonical form"]
    for field, expected in (("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)):
        if statement.get(field) != expected:
            return [f"the statement's {field} is {statement.get(field)!r:.80}, unknown here"]
    sha256 = {path: found.sha256 for path, found in digests.items()}
    for name in TAG_MANIFESTS:
        if tree.has(name):
            sha256[name] = _sha256(tree, name)
    expected_statement = build_statement(audit, sha256, provenance, events_head)
    found = difference(statement, expected_statement)
    if found is None:
        return []
    facts = statement.get("predicate")
    run = facts.get("run") if isinstance(facts, dict) else None
    if run != audit.run.id:
        return [f"the signature is over another bundle, of the run {run!r:.80}"]
    return [f"the signature is over another state of this bundle: {found}"]


def _strangers(tree: Tree) -> list[str]:
    return [path for path in tree.under(FOLDER) if path not in SIGNATURE_FILES]


def _signers(tree: Tree) -> tuple[list[Ed25519PublicKey], list[str]]:
    """The keys in signer.pem, which must be exactly what this tool writes."""
    if not tree.has(SIGNERS):
        return [], [f"without {SIGNERS!r} the signature cannot be held against its key"]
    raw = tree.read(SIGNERS, _MAX_SIGNERS_BYTES)
    keys: list[Ed25519PublicKey] = []
    for part in raw.split(_END)[:MAX_SIGNATURES]:
        try:
            key = load_pem_public_key(part + _END) if part else None
        except (ValueError, UnsupportedAlgorithm):
            return [], [f"{SIGNERS!r} holds no readable keys"]
        if isinstance(key, Ed25519PublicKey):
            keys.append(key)
    ordered = sorted(keys, key=fingerprint)
    unique = dict.fromkeys(map(public_pem, ordered))
    if not keys or b"".join(unique) != raw:
        return [], [f"{SIGNERS!r} is not in the form this tool writes"]
    return keys, []


def _broken(envelope: Envelope, keys: list[Ed25519PublicKey], claimed: set[str]) -> list[str]:
    if not keys:
        return []
    broken = sorted(claimed - set(envelope.valid_signatures(keys)))
    return [f"the signature of {_listed(broken)} does not hold"] if broken else []


def _too_few(known: tuple[str, ...], trust: Trust, claimed: set[str]) -> str:
    if trust.threshold == 1:
        return (
            f"not signed by the given key {_listed(trust.fingerprints)}, but by "
            f"{_listed(sorted(claimed))}"
        )
    return f"{len(known)} of the given keys signed; {trust.threshold} are needed"


def _listed(fingerprints: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"{text[:16]}\u2026" for text in fingerprints) or "nobody"


def _provenance(tree: Tree) -> object:
    if not tree.has(PREDICATE):
        return None
    return strict.loads(tree.read(PREDICATE, strict.MAX_DOCUMENT_BYTES))


def _sha256(tree: Tree, name: str) -> str:
    with tree.open(name) as stream:
        return digest_stream(stream).sha256

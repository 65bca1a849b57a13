"""DSSE: the signed envelope, written in one spelling and never parsed before it is verified.

What is signed is PAE(type, payload), so neither the payload nor its type can be swapped.
`read_envelope` opens the envelope alone; its payload stays bytes until `valid_signatures` has held
them against keys.  Source: DSSE 1.0 (secure-systems-lab), protocol.md and envelope.md.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from forensics.evidence import strict
from forensics.evidence.keys import SigningKey, fingerprint

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES: Final = 32 * 2**20
MAX_SIGNATURES: Final = 16


class EnvelopeError(ValueError):
    """An envelope that a careful reader must not accept."""


@dataclass(frozen=True)
class Signature:
    """One signature: the fingerprint of the key that is said to have made it, and its 64 bytes."""

    keyid: str
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    """A read envelope; nothing in it is verified yet."""

    payload: bytes
    signatures: tuple[Signature, ...]

    def valid_signatures(self, keys: Sequence[Ed25519PublicKey]) -> tuple[str, ...]:
        """Fingerprints of those ``keys`` that signed this payload, each once."""
        message = pae(PAYLOAD_TYPE, self.payload)
        known = {fingerprint(key): key for key in keys}
        return tuple(
            item.keyid
            for item in self.signatures
            if item.keyid in known and _holds(known[item.keyid], item.sig, message)
        )


def canonical_json(value: object) -> bytes:
    """Sorted keys, no spaces, UTF-8, no NaN: the bytes that are signed."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: what a signature covers."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, keys: Sequence[SigningKey]) -> bytes:
    """An envelope over ``payload`` with one signature by each key, in its canonical spelling.

    ValueError when there is no key, or the same key twice.
    """
    if not 0 < len(keys) <= MAX_SIGNATURES or len({k.fingerprint for k in keys}) != len(keys):
        raise ValueError(f"1 to {MAX_SIGNATURES} different keys are needed")
    message = pae(PAYLOAD_TYPE, payload)
    signatures = [Signature(key.fingerprint, key.sign(message)) for key in keys]
    return envelope_bytes(payload, sorted(signatures, key=lambda item: item.keyid))


def envelope_bytes(payload: bytes, signatures: Sequence[Signature]) -> bytes:
    """The envelope as it is written: canonical JSON and a line feed."""
    document = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": item.keyid, "sig": base64.b64encode(item.sig).decode()} for item in signatures
        ],
    }
    return canonical_json(document) + b"\n"


def read_envelope(raw: bytes) -> Envelope:
    """Open an envelope without looking into its payload; EnvelopeError says what is wrong.

    Refused: any spelling but the one `envelope_bytes` writes, another payload type, no signature,
    too many, two by one key, or not sorted by key.
    """
    try:
        document = strict.loads(raw, MAX_ENVELOPE_BYTES)
    except strict.StrictJsonError as error:
        raise EnvelopeError(str(error)) from None
    if not isinstance(document, dict) or set(document) != {"payload", "payloadType", "signatures"}:
        raise EnvelopeError("does not have the fields payload, payloadType, signatures")
    if document["payloadType"] != PAYLOAD_TYPE:
        raise EnvelopeError(f"has the payload type {document['payloadType']!r:.80}")
    payload = _decoded(document["payload"])
    entries = document["signatures"]
    if not isinstance(entries, list) or not 0 < len(entries) <= MAX_SIGNATURES:
        raise EnvelopeError(f"does not hold 1 to {MAX_SIGNATURES} signatures")
    signatures = tuple(_signature(entry) for entry in entries)
    names = [item.keyid for item in signatures]
    if sorted(set(names)) != names:
        raise EnvelopeError("holds two signatures by one key, or they are not sorted by key")
    if envelope_bytes(payload, signatures) != raw:
        raise EnvelopeError("is not in the form this tool writes")
    return Envelope(payload, signatures)


def _signature(entry: object) -> Signature:
    if not isinstance(entry, Mapping) or set(entry) != {"keyid", "sig"}:
        raise EnvelopeError("holds a signature without exactly keyid and sig")
    keyid = entry["keyid"]
    if not isinstance(keyid, str) or len(keyid) != 64 or set(keyid) - set("0123456789abcdef"):
        raise EnvelopeError("holds a signature whose keyid is no fingerprint")
    return Signature(keyid, _decoded(entry["sig"]))


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise EnvelopeError("holds no Base64 where it must")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EnvelopeError("holds broken Base64") from None


def _holds(key: Ed25519PublicKey, sig: bytes, message: bytes) -> bool:
    try:
        key.verify(sig, message)
    except InvalidSignature:
        return False
    return True

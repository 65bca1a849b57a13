"""Signing keys for tests: made in memory, without the slow passphrase of key files."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from forensics.evidence.dsse import Signature, canonical_json, envelope_bytes, pae
from forensics.evidence.keys import SigningKey
from forensics.evidence.trust import Trust


def signer(number: int = 1) -> SigningKey:
    """Key ``number``, the same in every run."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def trust(*keys: SigningKey, threshold: int = 1) -> Trust:
    """What a reader pins who holds these keys."""
    return Trust(tuple(key.public for key in keys), threshold)


def public_file(key: SigningKey, folder: Path, name: str = "signing.pub.pem") -> Path:
    """The key's public half as a file to pin."""
    path = folder / name
    path.write_bytes(key.public_pem)
    return path


def envelope_of(bundle: Path) -> dict[str, object]:
    """The envelope's document."""
    document = json.loads((bundle / "signatures" / "bundle.dsse.json").read_bytes())
    assert isinstance(document, dict)
    return document


def statement_of(bundle: Path) -> dict[str, object]:
    """The signed statement, unchecked."""
    payload = envelope_of(bundle)["payload"]
    assert isinstance(payload, str)
    statement = json.loads(base64.b64decode(payload))
    assert isinstance(statement, dict)
    return statement


def write_envelope(bundle: Path, payload: bytes, *keys: SigningKey) -> None:
    """Put another envelope over ``payload`` in place, canonical and truly signed by ``keys``."""
    message = pae("application/vnd.in-toto+json", payload)
    signatures = sorted(
        (Signature(key.fingerprint, key.sign(message)) for key in keys), key=lambda s: s.keyid
    )
    target = bundle / "signatures" / "bundle.dsse.json"
    target.write_bytes(envelope_bytes(payload, signatures))


def change_statement(
    bundle: Path, change: Callable[[dict[str, object]], object], *keys: SigningKey
) -> None:
    """Sign a changed statement again, as somebody could who holds ``keys``."""
    statement = statement_of(bundle)
    change(statement)
    write_envelope(bundle, canonical_json(statement), *keys)

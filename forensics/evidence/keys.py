"""Keys: Ed25519 signing keys and the public keys that a reader pins, read and checked.

A key is known by its fingerprint: SHA-256 of its DER SubjectPublicKeyInfo, as
``openssl pkey -pubin -in KEY.pub.pem -outform DER | sha256sum`` prints it.  No message and no
record ever holds a passphrase or a private key.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from forensics.errors import UsageError

log = logging.getLogger(__name__)

MAX_PEM_BYTES: Final = 2**18
MAX_PASSPHRASE_BYTES: Final = 1024
KEY_SUFFIX: Final = ".key.pem"
PUBLIC_SUFFIX: Final = ".pub.pem"
CHAIN_SUFFIX: Final = ".chain.pem"
ROOT_SUFFIX: Final = ".root.pem"


def fingerprint(public: Ed25519PublicKey) -> str:
    """SHA-256 (lower-case hex) of the DER SubjectPublicKeyInfo."""
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def public_pem(public: Ed25519PublicKey) -> bytes:
    """The key as ``PUBLIC KEY`` PEM, in the one spelling this tool writes."""
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class SigningKey:
    """A private key that is ready to sign, and the certificate chain made for it, if any."""

    private: Ed25519PrivateKey = field(repr=False)
    chain_pem: bytes | None = field(default=None, repr=False)
    """Leaf first; None when no chain lies beside the key."""

    @property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER SubjectPublicKeyInfo, lower-case hex."""
        return fingerprint(self.public)

    @property
    def public_pem(self) -> bytes:
        return public_pem(self.public)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature (64 bytes)."""
        return self.private.sign(message)

    def pkcs8_pem(self) -> bytes:
        """The bare private key as PKCS#8 PEM, for libraries that sign; never write it down."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load_signer(path: Path, passphrase: bytes, chain: Path | None = None) -> SigningKey:
    """Open an encrypted Ed25519 key; ``chain`` defaults to ``STEM.chain.pem`` beside it.

    UsageError for a file that is no such key, a wrong passphrase, or a chain of another key.
    """
    raw = _read(path, "signing key")
    name = path.name
    try:
        key = load_pem_private_key(raw, passphrase)
    except TypeError:
        if b"ENCRYPTED" in raw:
            raise UsageError(
                f"the passphrase for {name!r} is empty", "Give the passphrase of the key."
            ) from None
        raise UsageError(
            f"{name!r} is not encrypted; whoever copies it can sign in your name",
            f"Encrypt it: openssl pkcs8 -topk8 -iter 600000 -in {name} -out NEW.key.pem",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        if b"PRIVATE KEY" in raw and b"ENCRYPTED" in raw:
            raise UsageError(
                f"the passphrase does not open {name!r}, or the file is damaged",
                "Give the right passphrase, by the prompt or with --passphrase-file.",
            ) from None
        raise UsageError(
            f"{name!r} is no private key in PEM form",
            "Give the .key.pem file that 'forensics keys new' wrote.",
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"{name!r} is a {type(key).__name__.strip('_')}, not an Ed25519 key",
            "Make one with 'forensics keys new'.",
        )
    if _open_to_others(path):
        log.warning("%s can be read by other users; run: chmod 600 %s", name, name)
    return SigningKey(key, _chain_for(key.public_key(), path, chain))


def load_public(path: Path) -> Ed25519PublicKey:
    """A public key to pin: ``PUBLIC KEY`` PEM, or a certificate's (the first in the file).

    UsageError when it is neither or not Ed25519.
    """
    raw = _read(path, "public key")
    key: object
    try:
        if b"BEGIN CERTIFICATE" in raw:
            key = x509.load_pem_x509_certificates(raw)[0].public_key()
        else:
            key = load_pem_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        private = b"PRIVATE KEY" in raw
        raise UsageError(
            f"{path.name!r} is {'a private key' if private else 'no public key in PEM form'}",
            "Give the .pub.pem file that 'forensics keys new' wrote.",
        ) from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(
            f"{path.name!r} is no Ed25519 key", "Bundles are signed with Ed25519 keys only."
        )
    return key


def read_passphrase(path: Path) -> bytes:
    """The passphrase in a file, without its final line break; UsageError when there is none."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_PASSPHRASE_BYTES + 3)
    except OSError as error:
        raise UsageError(
            f"cannot read the passphrase file {path.name!r}: {error.strerror}",
            "Give a file that holds the passphrase and nothing else.",
        ) from None
    text = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not text or len(text) > MAX_PASSPHRASE_BYTES or b"\n" in text:
        raise UsageError(
            f"the passphrase file {path.name!r} must hold one line of at most "
            f"{MAX_PASSPHRASE_BYTES} bytes",
            "Write the passphrase into it, and nothing else.",
        )
    if _open_to_others(path):
        log.warning("%s can be read by other users; run: chmod 600 %s", path.name, path.name)
    return text


def _chain_for(public: Ed25519PublicKey, key_file: Path, chain: Path | None) -> bytes | None:
    stem = key_file.name.removesuffix(KEY_SUFFIX)
    beside = key_file.with_name(stem + CHAIN_SUFFIX)
    if chain is None and (stem == key_file.name or not beside.is_file()):
        return None
    path = chain or beside
    raw = _read(path, "certificate chain")
    try:
        leaf = x509.load_pem_x509_certificates(raw)[0]
        own = leaf.public_key() == public
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(
            f"{path.name!r} holds no certificates in PEM form",
            "Put the leaf certificate first, then its issuers; or move the file away.",
        ) from None
    if not own:
        raise UsageError(
            f"the first certificate in {path.name!r} belongs to another key",
            "Put the certificate of this signing key first, or move the file away.",
        )
    return raw


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_PEM_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"cannot read the {what} {path.name!r}: {error.strerror}", "Check the path."
        ) from None
    if len(raw) > MAX_PEM_BYTES:
        raise UsageError(f"{path.name!r} is too large to be a {what}", "Check the path.")
    return raw


def _open_to_others(path: Path) -> bool:
    if os.name != "posix":
        return False
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)

"""Key files: a new signing key on disk, with its public half and its certificates.

Nothing is ever overwritten, and the private key is written only under its passphrase, for its
owner alone (mode 0600).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from forensics.errors import UsageError
from forensics.evidence.certificates import make_certificates
from forensics.evidence.keys import (
    CHAIN_SUFFIX,
    KEY_SUFFIX,
    MAX_PASSPHRASE_BYTES,
    PUBLIC_SUFFIX,
    ROOT_SUFFIX,
    fingerprint,
    public_pem,
)
from forensics.evidence.names import name_fault
from forensics.evidence.pkcs8 import encrypted_pem

STEM: Final = "signing"
DEFAULT_NAME: Final = "unnamed signer"
MIN_PASSPHRASE_BYTES: Final = 12


@dataclass(frozen=True)
class KeyFiles:
    """The files of a new key."""

    key: Path
    public: Path
    chain: Path
    root: Path
    fingerprint: str


def check_target(out: Path) -> dict[str, Path]:
    """The files of a new key in ``out``, by suffix; UsageError when one of them exists."""
    files = {
        suffix: out / (STEM + suffix)
        for suffix in (KEY_SUFFIX, PUBLIC_SUFFIX, CHAIN_SUFFIX, ROOT_SUFFIX)
    }
    for path in files.values():
        if path.exists() or path.is_symlink():
            raise UsageError(
                f"{path.name!r} is already in {str(out)!r}; a key is never overwritten",
                "Choose another folder with --out.",
            )
    return files


def new_key(out: Path, passphrase: bytes, name: str = DEFAULT_NAME) -> KeyFiles:
    """Make a key and write ``signing.{key,pub,chain,root}.pem`` into ``out``.

    UsageError when one of them exists, the folder cannot be written, or the passphrase or the name
    (1 to 55 visible characters, shown to readers of the credentials) will not do.
    """
    _check(passphrase, name)
    files = check_target(out)
    private = Ed25519PrivateKey.generate()
    certificates = make_certificates(private.public_key(), name, datetime.now(UTC))
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(files[KEY_SUFFIX], encrypted_pem(private, passphrase), 0o600)
        _write(files[PUBLIC_SUFFIX], public_pem(private.public_key()), 0o644)
        _write(files[CHAIN_SUFFIX], certificates.chain_pem, 0o644)
        _write(files[ROOT_SUFFIX], certificates.root_pem, 0o644)
    except OSError as error:
        raise UsageError(
            f"cannot write to {str(out)!r}: {error.strerror}", "Choose another folder with --out."
        ) from error
    return KeyFiles(
        key=files[KEY_SUFFIX],
        public=files[PUBLIC_SUFFIX],
        chain=files[CHAIN_SUFFIX],
        root=files[ROOT_SUFFIX],
        fingerprint=fingerprint(private.public_key()),
    )


def _check(passphrase: bytes, name: str) -> None:
    if not MIN_PASSPHRASE_BYTES <= len(passphrase) <= MAX_PASSPHRASE_BYTES:
        raise UsageError(
            f"the passphrase must have at least {MIN_PASSPHRASE_BYTES} characters",
            "Four or five random words are a good one.",
        )
    # The longest addition is " root"; X.509 allows 64 characters.
    if not name.strip() or len(name) > 55 or name_fault(name):
        raise UsageError(
            "--name must have 1 to 55 visible characters", "For example: --name 'Example Newsroom'."
        )


def _write(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())

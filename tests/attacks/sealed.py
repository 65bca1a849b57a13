"""Sealed bundles to attack: with signature, time stamp, credentials, original, as folder and ZIP.

Also the three attackers: one who only changes files, one who writes the manifests again with the
project's own writer, one who also signs with a key of his own.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from forensics.errors import ForensicsError
from forensics.evidence.bag import digest_file, payload_files, write_bag
from forensics.evidence.dsse import canonical_json, sign
from forensics.evidence.keys import SigningKey
from forensics.evidence.lines import audit_bytes, load_audit
from forensics.evidence.sealing import write_signatures
from forensics.evidence.signing import ENVELOPE, FOLDER, SIGNERS, UNSIGNED, Signing
from forensics.evidence.statement import PREDICATE_TYPE, STATEMENT_TYPE
from forensics.evidence.trust import Trust
from tests.bundles import make_bundle
from tests.tsa import Authority, make_authority, serving

Attacker = Literal["does not re-hash", "re-hashes", "re-hashes and signs"]
ATTACKERS: tuple[Attacker, ...] = ("does not re-hash", "re-hashes", "re-hashes and signs")


@dataclass(frozen=True)
class Target:
    """A bundle that is never changed, what its reader pins, and the key of the attacker."""

    bundle: Path
    other: Path
    """Another sealed bundle by the same signer, with a time stamp of its own."""
    trust: Trust
    own_key: SigningKey
    authority: Authority


def fixed_key(seed: int) -> SigningKey:
    """A key from a number, so that a run repeats; no real key."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def make_target(root: Path, restored: bytes | None = None) -> Target:
    """Two signed and time-stamped bundles by one signer."""
    authority = make_authority(root / "tsa")
    signer, own = fixed_key(1), fixed_key(2)
    now = datetime.now(UTC)
    with serving(authority) as url:
        signing = Signing((signer,), url)
        bundle, other = (
            make_bundle(
                root / name,
                side=16,
                signing=signing,
                start=now,
                run_id=run_id,
                restored_bytes=restored,
            )
            for name, run_id in (("a", "run-of-a"), ("b", "run-of-b"))
        )
    trust = Trust(keys=(signer.public,))
    return Target(bundle, other, trust, own, authority)


def copy(bundle: Path, to: Path) -> Path:
    """A copy to attack; files are linked where they will not be written in place."""
    return Path(shutil.copytree(bundle, to, symlinks=True))


def bag_info(root: Path) -> dict[str, str]:
    """What bag-info.txt says, as far as it can be read."""
    found = {}
    for line in (root / "bag-info.txt").read_text("utf-8", "replace").splitlines():
        label, _, value = line.partition(": ")
        found[label] = value
    return found


def rehash(root: Path) -> None:
    """The second attacker: all manifests new, by the project's own writer."""
    for name in ("fetch.txt",):
        (root / name).unlink(missing_ok=True)
    write_bag(root, bag_info(root))


def sign_again(root: Path, key: SigningKey) -> None:
    """The third attacker: names his key in audit.json, re-hashes, signs as the tool does."""
    shutil.rmtree(root / FOLDER.rstrip("/"), ignore_errors=True)
    try:
        audit = load_audit(root)
        run = audit.run.model_copy(update={"signers": (key.fingerprint,)})
        renewed = audit.model_copy(update={"run": run})
        (root / "data" / "audit.json").write_bytes(audit_bytes(renewed))
        rehash(root)
        payload = {path: digest_file(root / path) for path in payload_files(root)}
        write_signatures(root, payload, Signing((key,)))
    except (ForensicsError, ValueError, OSError):
        # Records that cannot be read: he signs what he can.
        rehash(root)
        shutil.rmtree(root / FOLDER.rstrip("/"), ignore_errors=True)
        statement = {"_type": STATEMENT_TYPE, "predicateType": PREDICATE_TYPE, "subject": []}
        os.makedirs(root / FOLDER)
        (root / ENVELOPE).write_bytes(sign(canonical_json(statement), (key,)))
        (root / SIGNERS).write_bytes(key.public_pem)


def unsigned(root: Path) -> Path:
    """A bundle nobody signed."""
    return make_bundle(root, side=16, signing=UNSIGNED)

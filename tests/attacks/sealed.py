"""Sealed bundles to attack: with signature, time stamp, credentials, original, as folder and ZIP.

Also the three attackers: one who only changes files, one who writes the manifests again with the
project's own writer, one who also signs with a key of his own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from forensics.credentials.manifest import Claim
from forensics.credentials.write import Item, write_credentials
from forensics.errors import ForensicsError
from forensics.evidence.bag import digest_file, payload_files, write_bag
from forensics.evidence.certificates import make_certificates
from forensics.evidence.dsse import canonical_json, sign
from forensics.evidence.keys import SigningKey
from forensics.evidence.lines import audit_bytes, load_audit
from forensics.evidence.sealing import write_signatures
from forensics.evidence.signing import ENVELOPE, FOLDER, SIGNERS, UNSIGNED, Signing
from forensics.evidence.statement import PREDICATE_TYPE, STATEMENT_TYPE
from forensics.evidence.trust import Trust
from tests.bundles import make_bundle
from tests.clips import Spec, make_clip
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


def credentialed_clip(root: Path, key: SigningKey) -> bytes:
    """A short clip with Content Credentials by ``key``."""
    pair = make_certificates(key.public, "Test newsroom", datetime.now(UTC) - timedelta(days=1))
    clip, original = root / "restored.mp4", root / "original.mp4"
    for path in (clip, original):
        make_clip(path, Spec(pts=(0, 512, 1024)))
    claim = Claim(
        bundle_id="00000000-0000-4000-8000-000000000000",
        version="0.1.0",
        title=clip.name,
        original_name=original.name,
        original_sha256=hashlib.sha256(original.read_bytes()).hexdigest(),
        weights_sha256={"restorer": "0" * 64},
        faces=(),
        upscale=2,
        moving=True,
    )
    write_credentials([Item(clip, original, claim)], replace(key, chain_pem=pair.chain_pem))
    return clip.read_bytes()


def make_target(root: Path) -> Target:
    """Two signed and time-stamped bundles by one signer, with a credentialed clip inside."""
    authority = make_authority(root / "tsa")
    restored = credentialed_clip(root, fixed_key(3))
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

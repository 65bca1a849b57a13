"""Audited bundles to judge: real runs with null networks, signed, stamped and credentialed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forensics.api import run_audit
from forensics.config import Settings
from forensics.evidence.archive import archive_path
from forensics.evidence.certificates import make_certificates
from forensics.evidence.keys import SigningKey
from forensics.evidence.signing import Signing
from forensics.evidence.token import load_roots
from forensics.evidence.trust import Trust
from forensics.progress import Silent
from tests.attacks import hostile_bytes as hb
from tests.null_audits import null_networks
from tests.signers import signer
from tests.tsa import Authority, make_authority, serving


@dataclass(frozen=True)
class Sealed:
    """A bundle with everything a bundle can have, and what its reader pins."""

    bundle: Path
    archive: Path
    key: SigningKey
    key_file: Path
    credentials_root_pem: str
    authority: Authority

    @property
    def trust(self) -> Trust:
        return Trust((self.key.public,), 1, load_roots([self.authority.root]))


def chained(number: int) -> tuple[SigningKey, str]:
    """A fixed key with a fresh certificate chain, and its root."""
    key = signer(number)
    pair = make_certificates(key.public, "Test newsroom", datetime.now(UTC) - timedelta(days=1))
    return replace(key, chain_pem=pair.chain_pem), pair.root_pem.decode("ascii")


def audit(source: Path, out: Path, settings: Settings, signing: Signing | None = None) -> Path:
    """One run with null networks; returns the bundle."""
    with null_networks():
        done = run_audit(
            source,
            out,
            settings,
            force=False,
            progress=Silent(),
            say=lambda _: None,
            signing=signing,
        )
    return done.bundle


def make_sealed(root: Path) -> Sealed:
    """A clip of two frames with one face, both reports, signed, stamped, credentialed, zipped."""
    authority = make_authority(root / "tsa")
    key, root_pem = chained(1)
    key_file = root / "signing.pub.pem"
    key_file.write_bytes(key.public_pem)
    clip = hb.short_clip(root / "clip.mp4", title="a drawn square")
    with serving(authority) as url:
        settings = Settings(case="2026-001", operator="A. Operator", zip=True)
        bundle = audit(clip, root / "clip-audit", settings, Signing((key,), url))
    return Sealed(bundle, archive_path(bundle), key, key_file, root_pem, authority)

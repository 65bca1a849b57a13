"""Signing: what an audit is asked to seal with, and the names of the files that come of it.

Keys are held in memory only, never recorded.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from forensics.errors import UsageError
from forensics.evidence.keys import SigningKey

FOLDER: Final = "signatures/"
ENVELOPE: Final = "signatures/bundle.dsse.json"
STAMP: Final = "signatures/bundle.dsse.json.tsr"
SIGNERS: Final = "signatures/signer.pem"
SIGNATURE_FILES: Final = (ENVELOPE, STAMP, SIGNERS)


@dataclass(frozen=True)
class Signing:
    """Keys that sign the bundle (the first also signs Content Credentials), and a time authority.

    ``timestamp_url`` is the http(s) address of an RFC 3161 authority, None for no token; it needs
    a key.  UsageError without one, or when a key is there twice.  ``elsewhere`` are fingerprints of
    keys that only whoever asked for the audit holds: the bundle names them, is sealed without
    signatures, and gets them from `forensics.evidence.sealing.sign_sealed`.
    """

    keys: tuple[SigningKey, ...] = ()
    timestamp_url: str | None = None
    elsewhere: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.keys and self.elsewhere:
            raise UsageError("the keys that sign a bundle are either here or elsewhere")
        if self.timestamp_url is not None and not self.fingerprints:
            raise UsageError("a time stamp is taken over the signature, and there is no key")
        if len(set(self.fingerprints)) != len(self.fingerprints):
            raise UsageError("the same key was given twice", "Give each --sign KEY once.")

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Fingerprints of the keys, in the order given; audit.json names them."""
        return tuple(key.fingerprint for key in self.keys) or self.elsewhere

    def without_keys(self) -> Signing:
        """What a worker gets: it names the same signers and holds no key."""
        return Signing((), self.timestamp_url, self.fingerprints)


UNSIGNED = Signing()


def verify_command(bundle: str, signers: tuple[str, ...]) -> str:
    """The command that checks a bundle; a signed one is checked with the signer's public key."""
    key = ["--key", "signing.pub.pem"] if signers else []
    return shlex.join(["forensics", "verify", bundle, *key])


def seal_lines(bundle: Path, signers: tuple[str, ...], timestamp_failure: str | None) -> list[str]:
    """What is said at the end of an audit about its seal."""
    lines = [f"Signed with the key {name}" for name in signers]
    if timestamp_failure is not None:
        lines.append(
            f"Incomplete: the bundle is signed but NOT time-stamped: {timestamp_failure}. Its "
            "dates stay claims; run the audit again when the authority answers."
        )
    return [*lines, f"Check it with: {verify_command(str(bundle), signers)}"]

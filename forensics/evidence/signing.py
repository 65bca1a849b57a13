"""Signing: what an audit is asked to seal with, and the names of the files that come of it.

Keys are held in memory only, never recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from forensics.evidence.keys import SigningKey

FOLDER: Final = "signatures/"
ENVELOPE: Final = "signatures/bundle.dsse.json"
STAMP: Final = "signatures/bundle.dsse.json.tsr"
SIGNERS: Final = "signatures/signer.pem"
SIGNATURE_FILES: Final = (ENVELOPE, STAMP, SIGNERS)


@dataclass(frozen=True)
class Signing:
    """Keys that sign the bundle (the first also signs Content Credentials), and a time authority.

    ``timestamp_url`` is the http(s) address of an RFC 3161 authority, None for no token.
    """

    keys: tuple[SigningKey, ...] = ()
    timestamp_url: str | None = None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Fingerprints of the keys, in the order given; audit.json names them."""
        return tuple(key.fingerprint for key in self.keys)


UNSIGNED = Signing()

"""Trust: what the reader of a bundle brings along. Nothing found inside a bundle adds to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from forensics.errors import UsageError
from forensics.evidence.keys import fingerprint, load_public
from forensics.evidence.token import load_roots
from forensics.evidence.validity import Validity, read_validity


@dataclass(frozen=True)
class Trust:
    """Pinned keys, how many of them must have signed, and pinned time-stamp authorities.

    ``validity`` says, by fingerprint, from when until when a pinned key counts;
    ``anchors_pem`` holds the root certificates that may vouch for Content Credentials.
    """

    keys: tuple[Ed25519PublicKey, ...] = ()
    threshold: int = 1
    tsa_roots: tuple[x509.Certificate, ...] = ()
    anchors_pem: str | None = None
    validity: Mapping[str, Validity] = field(default_factory=dict)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        return tuple(fingerprint(key) for key in self.keys)


NOBODY = Trust()


def load_trust(
    keys: Sequence[Path],
    threshold: int = 1,
    tsa_roots: Sequence[Path] = (),
    anchors: Sequence[Path] = (),
) -> Trust:
    """Read the files that a reader pins; UsageError when they are not what they should be.

    One key given twice counts once, and only while both files say that it does.  ``threshold`` is 1
    to the number of different keys.
    """
    found: dict[str, Ed25519PublicKey] = {}
    validity: dict[str, Validity] = {}
    for path in keys:
        key = load_public(path)
        name = fingerprint(key)
        own = read_validity(path.read_bytes(), path.name)
        found[name], validity[name] = key, own.narrowed(validity.get(name, Validity()))
    if threshold < 1 or threshold > max(1, len(found)):
        raise UsageError(
            f"--threshold {threshold} does not fit {len(found)} different pinned key(s)",
            "It is the number of the --key files whose signature must be there.",
        )
    roots = load_roots(anchors, "Give root certificates that may vouch for credentials.")
    pem = "".join(root.public_bytes(Encoding.PEM).decode("ascii") for root in roots)
    return Trust(tuple(found.values()), threshold, load_roots(tsa_roots), pem or None, validity)

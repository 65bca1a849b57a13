"""Certificates: a chain for a signing key that Content Credentials accept, root to leaf.

It says only that whoever made the root made the leaf: no authority stands behind it, and a reader
must hold the root from elsewhere.  The root's private key is thrown away when the leaf is signed,
so it can vouch for nothing else.  Source: C2PA 2.2, 14.5.1 (X.509 v3, digitalSignature, extended
key usage, authority key identifier, leaf no CA).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# c2pa-kp-claimSigning. It alone is refused by readers whose trust settings do not list it, hence
# emailProtection beside it.
CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
LIFETIME = timedelta(days=3652)
_CLOCK_SKEW = timedelta(minutes=10)


@dataclass(frozen=True)
class Certificates:
    """A leaf for the signing key and the root that issued it, as PEM."""

    leaf_pem: bytes
    root_pem: bytes

    @property
    def chain_pem(self) -> bytes:
        """Leaf first, then the root."""
        return self.leaf_pem + self.root_pem


def make_certificates(public: Ed25519PublicKey, name: str, now: datetime) -> Certificates:
    """A new root and a leaf for ``public``, both valid for `LIFETIME` from ``now`` (with zone).

    ``name`` is the organisation that readers of the credentials show.
    """
    root_key = Ed25519PrivateKey.generate()
    root_name = _name(name, f"{name} root"[:64])
    leaf_name = _name(name, name[:64])
    root = (
        _start(root_name, root_name, root_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, None)
    )
    leaf = (
        _start(leaf_name, root_name, public, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
        .sign(root_key, None)
    )
    return Certificates(leaf.public_bytes(Encoding.PEM), root.public_bytes(Encoding.PEM))


def _name(organisation: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _start(
    subject: x509.Name, issuer: x509.Name, public: Ed25519PublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + LIFETIME)
    )


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )

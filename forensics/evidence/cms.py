"""CMS: whether a time-stamp token is signed by the certificate that it carries.

It says nothing about who that is: anybody can make such a certificate.  It finds changes to the
token where no authority is pinned.  Source: RFC 5652 (5.3, 5.4), RFC 5035 (ESSCertIDv2), RFC 3161.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from forensics.evidence.der import INTEGER, OCTETS, OID, SEQUENCE, SET, Item, parse

_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")
_TST_INFO: Final = bytes.fromhex("2a864886f70d0109100104")
_CONTENT_TYPE: Final = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST: Final = bytes.fromhex("2a864886f70d010904")
_SIGNING_CERTIFICATE: Final = bytes.fromhex("2a864886f70d010910020c")
_SIGNING_CERTIFICATE_V2: Final = bytes.fromhex("2a864886f70d010910022f")
_HASHES: Final[Mapping[bytes, hashes.HashAlgorithm]] = {
    bytes.fromhex("608648016503040201"): hashes.SHA256(),
    bytes.fromhex("608648016503040202"): hashes.SHA384(),
    bytes.fromhex("608648016503040203"): hashes.SHA512(),
}
_RSA: Final = bytes.fromhex("2a864886f70d010101")
_SIGNATURES: Final[Mapping[bytes, str]] = {
    _RSA: "rsa",
    bytes.fromhex("2a864886f70d01010b"): "sha256-rsa",
    bytes.fromhex("2a864886f70d01010c"): "sha384-rsa",
    bytes.fromhex("2a864886f70d01010d"): "sha512-rsa",
    bytes.fromhex("2a8648ce3d040302"): "sha256-ec",
    bytes.fromhex("2a8648ce3d040303"): "sha384-ec",
    bytes.fromhex("2a8648ce3d040304"): "sha512-ec",
    bytes.fromhex("2b6570"): "ed25519",
}


class CmsError(ValueError):
    """A token whose parts do not belong together."""


@dataclass(frozen=True)
class _Signer:
    """The one SignerInfo, taken apart."""

    issuer_der: bytes
    serial_der: bytes
    digest_oid: bytes
    attributes: Mapping[bytes, Item]
    signed_bytes: bytes
    signature_oid: bytes
    signature: bytes


def own_certificate(response: bytes) -> x509.Certificate | None:
    """The certificate in a TimeStampResp (DER) that signed it; None when it carries none.

    CmsError when the signature does not hold, the parts do not belong together, or an algorithm is
    none of RSA (PKCS #1 v1.5), ECDSA and Ed25519 with SHA-256, SHA-384 or SHA-512.
    """
    try:
        content, certificates, signer = _take_apart(response)
        leaf = _leaf(certificates, signer)
        if leaf is None:
            return None
        _check(content, signer, leaf)
    except CmsError:
        raise
    except (ValueError, IndexError) as error:  # also where parts are missing
        raise CmsError(f"is not strict DER: {error}") from None
    except (UnsupportedAlgorithm, TypeError) as error:
        raise CmsError(f"uses an algorithm that is not known here ({error})") from None
    return leaf


def _take_apart(response: bytes) -> tuple[bytes, list[bytes], _Signer]:
    outer = parse(response).expect(SEQUENCE).children()
    if len(outer) != 2:
        raise CmsError("holds no token")
    kind, wrapped = outer[1].expect(SEQUENCE).children()
    if kind.expect(OID).content != _SIGNED_DATA:
        raise CmsError("is no signed data")
    parts = wrapped.expect(0xA0).children()[0].expect(SEQUENCE).children()
    # 3 because the content is no plain data (RFC 5652, 5.1).
    if parts[0].expect(INTEGER).content != b"\x03":
        raise CmsError("has another version of signed data")
    digest_oids = [item.children()[0].content for item in parts[1].expect(SET).children()]
    inner_kind, inner = parts[2].expect(SEQUENCE).children()
    if inner_kind.expect(OID).content != _TST_INFO:
        raise CmsError("holds something other than a time stamp")
    content = inner.expect(0xA0).children()[0].expect(OCTETS).content
    if len(parts) > 5 or (len(parts) == 5 and parts[3].tag != 0xA0):
        raise CmsError("carries something other than certificates")
    certificates = [item.raw for part in parts[3:-1] for item in part.children()]
    signers = parts[-1].expect(SET).children()
    if len(signers) != 1:
        raise CmsError(f"has {len(signers)} signers instead of one")
    signer = _signer(signers[0])
    if digest_oids != [signer.digest_oid]:
        raise CmsError("names another digest than its signer")
    return content, certificates, signer


def _signer(item: Item) -> _Signer:
    version, sid, digest, attributes, algorithm, signature, *_ = item.expect(SEQUENCE).children()
    if version.expect(INTEGER).content != b"\x01":
        raise CmsError("names its signer in a way that is not known here")
    issuer, serial = sid.expect(SEQUENCE).children()
    attributes.expect(0xA0)
    found: dict[bytes, Item] = {}
    for entry in attributes.children():
        oid, values = entry.expect(SEQUENCE).children()
        if oid.content in found or len(values.expect(SET).children()) != 1:
            raise CmsError("has an attribute twice")
        found[oid.expect(OID).content] = values.children()[0]
    return _Signer(
        issuer_der=issuer.raw,
        serial_der=serial.expect(INTEGER).content,
        digest_oid=digest.expect(SEQUENCE).children()[0].expect(OID).content,
        attributes=found,
        # Signed is the set itself, not its place in the structure (RFC 5652, 5.4).
        signed_bytes=bytes([SET]) + attributes.raw[1:],
        signature_oid=algorithm.expect(SEQUENCE).children()[0].expect(OID).content,
        signature=signature.expect(OCTETS).content,
    )


def _leaf(certificates: list[bytes], signer: _Signer) -> x509.Certificate | None:
    """The certificate that the signed attributes name by its digest."""
    if not certificates:
        return None
    name, digest = _named_certificate(signer)
    for raw in certificates:
        if hashlib.new(name, raw, usedforsecurity=False).digest() == digest:
            try:
                leaf = x509.load_der_x509_certificate(raw)
            except ValueError as error:
                raise CmsError(f"carries a broken certificate ({error})") from None
            serial = int.from_bytes(signer.serial_der, "big", signed=True)
            if leaf.issuer.public_bytes() != signer.issuer_der or leaf.serial_number != serial:
                raise CmsError("names another certificate than the one that signed it")
            return leaf
    raise CmsError("carries other certificates than the one that signed it")


def _named_certificate(signer: _Signer) -> tuple[str, bytes]:
    if (second := signer.attributes.get(_SIGNING_CERTIFICATE_V2)) is not None:
        first = second.children()[0].children()[0].children()
        if first[0].tag == SEQUENCE:
            algorithm = _HASHES.get(first[0].children()[0].content)
            if algorithm is None:
                raise CmsError("names its certificate by a digest that is not known here")
            return algorithm.name, first[1].expect(OCTETS).content
        return "sha256", first[0].expect(OCTETS).content
    if (old := signer.attributes.get(_SIGNING_CERTIFICATE)) is not None:
        return "sha1", old.children()[0].children()[0].children()[0].expect(OCTETS).content
    raise CmsError("does not name the certificate that signed it")


def _check(content: bytes, signer: _Signer, leaf: x509.Certificate) -> None:
    algorithm = _HASHES.get(signer.digest_oid)
    if algorithm is None:
        raise CmsError("uses a digest that is not known here")
    kind = signer.attributes.get(_CONTENT_TYPE)
    digest = signer.attributes.get(_MESSAGE_DIGEST)
    if kind is None or digest is None or kind.expect(OID).content != _TST_INFO:
        raise CmsError("does not sign its content")
    if digest.expect(OCTETS).content != hashlib.new(algorithm.name, content).digest():
        raise CmsError("was changed: its content is not what was signed")
    try:
        _verify_signature(signer, algorithm, leaf)
    except InvalidSignature:
        raise CmsError("was changed: its signature does not hold") from None


def _verify_signature(
    signer: _Signer, digest: hashes.HashAlgorithm, leaf: x509.Certificate
) -> None:
    scheme = _SIGNATURES.get(signer.signature_oid)
    if scheme is None:
        raise CmsError("uses a signature algorithm that is not known here")
    if "-" in scheme and not scheme.startswith(digest.name):
        raise CmsError("names two digests")
    key = leaf.public_key()
    if isinstance(key, rsa.RSAPublicKey) and scheme.endswith("rsa"):
        key.verify(signer.signature, signer.signed_bytes, padding.PKCS1v15(), digest)
    elif isinstance(key, ec.EllipticCurvePublicKey) and scheme.endswith("ec"):
        key.verify(signer.signature, signer.signed_bytes, ec.ECDSA(digest))
    elif isinstance(key, ed25519.Ed25519PublicKey) and scheme == "ed25519":
        key.verify(signer.signature, signer.signed_bytes)
    else:
        raise CmsError("names another kind of signature than its key makes")

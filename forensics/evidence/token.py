"""Token: an RFC 3161 time stamp over the signed envelope, read and judged.

Three things are kept apart: the token is over these bytes; it is whole (signed by the certificate
it carries); it was issued by an authority that the reader pinned.  Only the last attests time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from forensics.errors import UsageError
from forensics.evidence.cms import CmsError, own_certificate

MAX_TOKEN_BYTES: Final = 2**18
_MAX_ROOTS_BYTES: Final = 2**20
_DIGESTS: Final = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
# What reading a certificate may raise; a certificate is parsed only where it is looked at.
_ODD_CERTIFICATE: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class TokenError(ValueError):
    """A token that does not hold; the message says why."""


@dataclass(frozen=True)
class Token:
    """A token that is over the given bytes."""

    moment: datetime
    """The authority's time, UTC."""
    whole: bool
    """Whether its signature could be checked against a certificate; False says it could not."""
    pinned: bool
    """Whether a pinned authority issued it."""


def load_roots(
    paths: Sequence[Path], hint: str = "Give the root certificate of the time-stamp authority."
) -> tuple[x509.Certificate, ...]:
    """Certificates of authorities to pin, from PEM files (roots, and issuers in between)."""
    found: list[x509.Certificate] = []
    for path in paths:
        try:
            with path.open("rb") as stream:
                raw = stream.read(_MAX_ROOTS_BYTES)
            found += x509.load_pem_x509_certificates(raw)
        except OSError as error:
            raise UsageError(f"cannot read {path.name!r}: {error.strerror}") from None
        except (ValueError, UnsupportedAlgorithm):
            raise UsageError(f"{path.name!r} holds no certificates in PEM form", hint) from None
    if found and not any(item.issuer == item.subject for item in found):
        raise UsageError(
            "none of the given certificates is a root",
            f"{hint} Those between may stand beside it.",
        )
    return tuple(dict.fromkeys(found))


def check_token(
    raw: bytes, message: bytes, roots: Sequence[x509.Certificate], nonce: int | None = None
) -> Token:
    """Judge a TimeStampResp (DER) over ``message``; TokenError when it does not hold.

    With ``roots`` its issuer must be one of them.  ImportError where rfc3161-client is absent.
    """
    import rfc3161_client as rfc3161  # needed only where there is a token

    if len(raw) > MAX_TOKEN_BYTES:
        raise TokenError(f"is larger than {MAX_TOKEN_BYTES} bytes")
    try:
        response = rfc3161.decode_timestamp_response(raw)
        if response.as_bytes() != raw:
            raise TokenError("is not in the one form of DER")
        if response.status != 0:
            raise TokenError(
                f"is no time stamp: the authority answered with status {response.status}"
            )
        info = response.tst_info
        algorithm = info.message_imprint.hash_algorithm.dotted_string
        imprint, moment, found_nonce = info.message_imprint.message, info.gen_time, info.nonce
    except (ValueError, OverflowError) as error:
        if isinstance(error, TokenError):
            raise
        raise TokenError(f"is no readable time stamp ({error})") from None
    if algorithm not in _DIGESTS:
        raise TokenError("uses a digest that is not accepted")
    if not hmac.compare_digest(imprint, hashlib.new(_DIGESTS[algorithm], message).digest()):
        raise TokenError("is over other bytes: it belongs to another signature")
    if nonce is not None and found_nonce != nonce:
        raise TokenError("answers another request")
    whole = _own_signature(raw, moment)
    if roots:
        _check_issuer(raw, message, roots)
    return Token(moment, whole or bool(roots), bool(roots))


def _own_signature(raw: bytes, moment: datetime) -> bool:
    """Whether the certificate that it carries signed it; False when it carries none."""
    try:
        leaf = own_certificate(raw)
        if leaf is None:
            return False
        in_time = leaf.not_valid_before_utc <= moment <= leaf.not_valid_after_utc
        may_stamp = _may_stamp(leaf)
    except CmsError as error:
        raise TokenError(str(error)) from None
    except _ODD_CERTIFICATE as error:
        raise TokenError(f"carries a broken certificate ({error})") from None
    if not in_time:
        raise TokenError("was issued outside the validity of its certificate")
    if not may_stamp:
        raise TokenError("is signed by a certificate that is not for time stamps")
    return True


def _may_stamp(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return usage.critical and ExtendedKeyUsageOID.TIME_STAMPING in usage.value


def _check_issuer(raw: bytes, message: bytes, pinned: Sequence[x509.Certificate]) -> None:
    import rfc3161_client as rfc3161

    roots = [item for item in pinned if item.issuer == item.subject]
    between = [item for item in pinned if item not in roots]
    response = rfc3161.decode_timestamp_response(raw)
    leaf = None
    if not response.signed_data.certificates:
        leaf = next((item for item in between if _may_stamp(item)), None)
    try:
        verifier = rfc3161.VerifierBuilder(
            tsa_certificate=leaf, intermediates=between, roots=roots
        ).build()
        verifier.verify_message(response, message)
    except (rfc3161.VerificationError, *_ODD_CERTIFICATE) as error:
        raise TokenError(
            f"was not issued by the pinned authority, or was changed ({str(error)[:80]})"
        ) from None

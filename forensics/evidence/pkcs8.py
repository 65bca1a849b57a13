"""Private keys on disk: PKCS#8 under a passphrase, made slow to guess.

`cryptography` writes PKCS#8 with 2,048 rounds of PBKDF2, which a stolen file does not survive; the
same structure (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC) is written here with `ROUNDS`.  Any reader
of PKCS#8 opens it, OpenSSL's among them.  Source: RFC 8018, appendix A; RFC 5958.
"""

from __future__ import annotations

import base64
import os
from typing import Final

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

ROUNDS: Final = 600_000

_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("06082a864886f70d0209") + b"\x05\x00"
_AES256_CBC = bytes.fromhex("060960864801650304012a")


def encrypted_pem(private: Ed25519PrivateKey, passphrase: bytes, rounds: int = ROUNDS) -> bytes:
    """The key as an encrypted PKCS#8 PEM; ValueError for an empty passphrase."""
    if not passphrase:
        raise ValueError("empty passphrase")
    plain = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt, start = os.urandom(16), os.urandom(16)
    key = PBKDF2HMAC(hashes.SHA256(), 32, salt, rounds).derive(passphrase)
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    sealed = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    kdf = _sequence(_PBKDF2, _sequence(_octets(salt), _integer(rounds), _sequence(_HMAC_SHA256)))
    scheme = _sequence(_PBES2, _sequence(kdf, _sequence(_AES256_CBC, _octets(start))))
    return _pem(_sequence(scheme, _octets(sealed)))


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts))


def _octets(content: bytes) -> bytes:
    return _tagged(0x04, content)


def _integer(value: int) -> bytes:
    # One bit more than needed keeps the sign bit clear.
    return _tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _pem(der: bytes) -> bytes:
    text = base64.b64encode(der)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    name = b"ENCRYPTED PRIVATE KEY"
    return b"\n".join(
        [b"-----BEGIN " + name + b"-----", *lines, b"-----END " + name + b"-----", b""]
    )

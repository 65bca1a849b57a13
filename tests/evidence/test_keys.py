"""Keys: made under a passphrase, opened only by it, never overwritten, and told apart by name."""

from __future__ import annotations

import hashlib
import logging
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from forensics.errors import UsageError
from forensics.evidence.certificates import CLAIM_SIGNING, make_certificates
from forensics.evidence.keyfiles import KeyFiles, new_key
from forensics.evidence.keys import load_public, load_signer, read_passphrase
from forensics.evidence.pkcs8 import ROUNDS, encrypted_pem
from tests.signers import public_file, signer

PASSPHRASE = b"four words and more"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    """One key on disk; its passphrase is slow to open by intent."""
    return new_key(tmp_path_factory.mktemp("keys") / "new", PASSPHRASE, "Example Newsroom")


def test_a_new_key_opens_with_its_passphrase_and_signs(made: KeyFiles) -> None:
    key = load_signer(made.key, PASSPHRASE)
    assert key.fingerprint == made.fingerprint
    load_public(made.public).verify(key.sign(b"message"), b"message")
    assert key.chain_pem == made.chain.read_bytes()
    assert load_pem_private_key(key.pkcs8_pem(), None).public_key() == key.public


def test_the_fingerprint_is_what_openssl_gives(made: KeyFiles) -> None:
    command = ["openssl", "pkey", "-pubin", "-in", str(made.public), "-outform", "DER"]
    der = subprocess.run(command, capture_output=True, check=True).stdout
    assert hashlib.sha256(der).hexdigest() == made.fingerprint


def test_openssl_opens_the_key_and_finds_600000_rounds(made: KeyFiles, tmp_path: Path) -> None:
    (tmp_path / "pw").write_bytes(PASSPHRASE)
    command = ["openssl", "pkey", "-in", str(made.key), "-passin", f"file:{tmp_path / 'pw'}"]
    opened = subprocess.run([*command, "-pubout"], capture_output=True, check=True).stdout
    assert opened == made.public.read_bytes()
    shown = subprocess.run(
        ["openssl", "asn1parse", "-in", str(made.key)], capture_output=True, check=True
    ).stdout
    assert ROUNDS == 600_000
    assert b":0927C0" in shown
    assert b"hmacWithSHA256" in shown
    assert b"aes-256-cbc" in shown


@pytest.mark.parametrize("rounds", [1, 127, 128, 255, 256, 65_535])
def test_any_number_of_rounds_is_spelled_right(rounds: int) -> None:
    private = Ed25519PrivateKey.generate()
    pem = encrypted_pem(private, b"x", rounds)
    opened = load_pem_private_key(pem, b"x")
    assert opened.public_key() == private.public_key()


def test_only_the_owner_may_read_the_private_key(made: KeyFiles) -> None:
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.public.stat().st_mode) & 0o022 == 0


def test_nothing_is_overwritten(made: KeyFiles) -> None:
    before = made.key.read_bytes()
    with pytest.raises(UsageError, match=r"'signing.key.pem' is already in .*never overwritten"):
        new_key(made.key.parent, PASSPHRASE)
    assert made.key.read_bytes() == before


@pytest.mark.parametrize(
    ("passphrase", "name", "words"),
    [
        (b"short", "A", "at least 12 characters"),
        (b"", "A", "at least 12 characters"),
        (PASSPHRASE, " ", "1 to 55 visible characters"),
        (PASSPHRASE, "x" * 56, "1 to 55 visible characters"),
        (PASSPHRASE, "a\u202eb", "1 to 55 visible characters"),
    ],
)
def test_what_will_not_do_is_said_and_nothing_is_written(
    tmp_path: Path, passphrase: bytes, name: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        new_key(tmp_path / "keys", passphrase, name)
    assert not (tmp_path / "keys").exists()


def test_the_private_key_shows_in_no_text(made: KeyFiles) -> None:
    key = load_signer(made.key, PASSPHRASE)
    raw = key.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    assert repr(key) == "SigningKey()"
    for path in (made.key, made.public, made.chain, made.root):
        assert raw not in path.read_bytes()


# ---------------------------------------------------------------- certificates


def test_the_chain_is_what_content_credentials_need(made: KeyFiles) -> None:
    leaf, root = x509.load_pem_x509_certificates(made.chain.read_bytes())
    assert root.public_bytes(Encoding.PEM) == made.root.read_bytes()
    leaf.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert leaf.version is root.version is x509.Version.v3
    assert leaf.public_key() == load_public(made.public)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    extended = list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert extended == [CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    subject = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert issuer.key_identifier == subject.digest
    names = leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [item.value for item in names] == ["Example Newsroom"]


def test_the_chain_holds_for_ten_years_to_the_day() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    pem = make_certificates(signer().public, "A", now).leaf_pem
    leaf = x509.load_pem_x509_certificate(pem)
    assert leaf.not_valid_before_utc == now - timedelta(minutes=10)
    assert leaf.not_valid_after_utc == now + timedelta(days=3652)


def test_openssl_accepts_the_chain_strictly(made: KeyFiles) -> None:
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(made.root), str(made.chain)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith(": OK"), done.stderr


def test_a_chain_of_another_key_is_refused(made: KeyFiles, tmp_path: Path) -> None:
    other = make_certificates(signer(9).public, "B", datetime.now(UTC)).chain_pem
    (tmp_path / "signing.key.pem").write_bytes(made.key.read_bytes())
    (tmp_path / "signing.key.pem").chmod(0o600)
    assert load_signer(tmp_path / "signing.key.pem", PASSPHRASE).chain_pem is None
    (tmp_path / "signing.chain.pem").write_bytes(other)
    with pytest.raises(UsageError, match="belongs to another key"):
        load_signer(tmp_path / "signing.key.pem", PASSPHRASE)
    (tmp_path / "signing.chain.pem").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="holds no certificates"):
        load_signer(tmp_path / "signing.key.pem", PASSPHRASE)


# ---------------------------------------------------------------- what is no key


def _pem(private: object, passphrase: bytes | None) -> bytes:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return private.private_bytes(  # type: ignore[attr-defined] # any private key has it
        Encoding.PEM, PrivateFormat.PKCS8, protection
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (_pem(Ed25519PrivateKey.generate(), b"another one"), "does not open"),
        (_pem(Ed25519PrivateKey.generate(), None), "is not encrypted"),
        (_pem(generate_private_key(SECP256R1()), PASSPHRASE), "not an Ed25519 key"),
        (signer().public_pem, "no private key in PEM form"),
        (b"", "no private key in PEM form"),
        (b"\0" * (2**18 + 1), "too large"),
    ],
)
def test_a_file_that_does_not_open_is_one_message(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "some.key.pem"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        load_signer(path, PASSPHRASE)
    assert caught.value.exit_code == 2
    assert PASSPHRASE.decode() not in f"{caught.value} {caught.value.hint}"


def test_a_wrong_and_an_empty_passphrase_are_told_apart(made: KeyFiles, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not open 'signing.key.pem'"):
        load_signer(made.key, b"four words and mare")
    with pytest.raises(UsageError, match="is empty"):
        load_signer(made.key, b"")
    with pytest.raises(UsageError, match="cannot read the signing key"):
        load_signer(tmp_path / "absent.key.pem", PASSPHRASE)


def test_a_key_that_others_can_read_is_a_warning(
    made: KeyFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "open.key.pem"
    path.write_bytes(made.key.read_bytes())
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        load_signer(path, PASSPHRASE)
    assert "open.key.pem can be read by other users" in caplog.text


def test_a_certificate_may_be_pinned_in_place_of_its_key(made: KeyFiles) -> None:
    assert load_public(made.chain) == load_public(made.public)


def test_what_is_no_public_key_is_said(made: KeyFiles, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a private key"):
        load_public(made.key)
    with pytest.raises(UsageError, match="cannot read the public key"):
        load_public(tmp_path / "absent.pem")
    path = public_file(signer(), tmp_path)
    path.write_bytes(path.read_bytes().replace(b"PUBLIC", b"PUBIC"))
    with pytest.raises(UsageError, match="is no public key"):
        load_public(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"secret words", b"secret words"), (b"a b \n", b"a b "), (b"a\r\n", b"a"), (b" x", b" x")],
)
def test_a_passphrase_file_holds_one_line(tmp_path: Path, content: bytes, expected: bytes) -> None:
    path = tmp_path / "pw"
    path.write_bytes(content)
    assert read_passphrase(path) == expected


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb\n", b"x" * 1025])
def test_a_passphrase_file_of_another_shape_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pw"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="one line of at most 1024 bytes"):
        read_passphrase(path)

"""A site for each test, and a folder to capture into."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

pytest.importorskip("yt_dlp", reason="extra 'capture' is not installed")

from forensics.capture.clip import Captured, Limits, one
from forensics.capture.targets import Reach
from forensics.evidence.captured import read_record
from tests.capture.server import Site, serve

LOCAL = Reach(loopback=True)
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "schema" / "capture.schema.json"


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as served:
        yield served


@pytest.fixture(scope="session")
def clip(two_people: Path) -> bytes:
    return two_people.read_bytes()


def take(url: str, folder: Path, limits: Limits | None = None, reach: Reach = LOCAL) -> Captured:
    """One clip into ``folder``, from this machine's own site."""
    return one(url, lambda stem: folder, limits=limits, reach=reach)


def check_whole(captured: Captured, body: bytes) -> None:
    """The clip is the served bytes, and its record is valid and says so."""
    assert captured.path.read_bytes() == body
    raw = captured.record_path.read_bytes()
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(json.loads(raw))
    assert read_record(raw) == captured.record
    main = captured.record.files[0]
    assert main.sha256 == hashlib.sha256(body).hexdigest()
    assert main.sha512 == hashlib.sha512(body).hexdigest()
    assert (main.bytes, main.name) == (len(body), captured.path.name)
    info = captured.path.with_name(captured.record.info_file).read_bytes()
    assert hashlib.sha256(info).hexdigest() == captured.record.info_sha256


def left(folder: Path) -> list[str]:
    """Names of everything that lies in ``folder``, also hidden."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1 in one PEM file, signed by itself."""
    import ipaddress
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "site.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path

"""A time-stamp authority for tests: `openssl ts` behind an HTTP server on the loopback address.

Replies hold the leaf certificate alone: with two, OpenSSL 3.0 writes a set in an order that strict
DER readers refuse.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CONFIG = """\
[tsa]
default_tsa = t
[t]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = {digest}
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = {ess}
"""


@dataclass(frozen=True)
class Authority:
    """A root, a leaf for time stamps, and the configuration of `openssl ts`."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def reply(self, query: bytes) -> bytes:
        """The TimeStampResp for a TimeStampReq, both DER."""
        (self.folder / "query.tsq").write_bytes(query)
        subprocess.run(
            ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq",
             "-out", "reply.tsr"],
            cwd=self.folder, check=True, capture_output=True,
        )  # fmt: skip
        return (self.folder / "reply.tsr").read_bytes()


def make_authority(
    folder: Path,
    *,
    name: str = "Test TSA",
    leaf_ends: datetime | None = None,
    rsa_leaf: bool = False,
    digest: str = "sha256",
    ess: str = "sha256",
) -> Authority:
    """A new authority; ``leaf_ends`` lets its leaf's validity end then (default: in ten years).

    ``digest`` is the one it signs with, ``ess`` the one by which its tokens name the leaf.
    """
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    ends = leaf_ends or now + timedelta(days=3650)
    root_key = ec.generate_private_key(ec.SECP256R1())
    leaf_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
        rsa.generate_private_key(65537, 2048)
        if rsa_leaf
        else ec.generate_private_key(ec.SECP256R1())
    )
    root_name, leaf_name = _name(f"{name} root"), _name(f"{name} leaf")
    ca = x509.BasicConstraints(ca=True, path_length=None)
    starts = min(now, ends) - timedelta(days=2)
    root = (
        _builder(root_name, root_name, root_key, starts, now + timedelta(days=7300))
        .add_extension(ca, critical=True)
        .sign(root_key, hashes.SHA256())
    )
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    leaf = (
        _builder(leaf_name, root_name, leaf_key, starts, ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(root_key, hashes.SHA256())
    )
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "tsa.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    (folder / "tsa.key").write_bytes(
        leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder, digest=digest, ess=ess))
    return Authority(folder)


@contextmanager
def serving(authority: Authority, fault: str = "") -> Iterator[str]:
    """The authority's URL while the block runs.

    ``fault`` makes it misbehave: ``status`` (503), ``garbage``, ``huge``, ``slow``, ``redirect``,
    ``other`` (a reply to another query).
    """
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            if fault == "status":
                self.send_error(503)
                return
            if fault == "redirect":
                self.send_response(302)
                self.send_header("Location", "file:///etc/hostname")
                self.end_headers()
                return
            body = {"garbage": b"<html>no</html>", "huge": b"\0" * 3_000_000}.get(fault)
            if fault == "other":
                query = subprocess.run(
                    ["openssl", "ts", "-query", "-digest", "00" * 32, "-sha256", "-cert"],
                    check=True,
                    capture_output=True,
                ).stdout
            if fault == "slow":
                stop.wait(20)
            self._send(authority.reply(query) if body is None else body)

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:  # the client stopped reading, as it should
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsr"
    finally:
        stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    starts: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
    )

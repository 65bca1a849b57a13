"""``verify --anchors``: a file of roots that must vouch for what the bundle's media carry."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from forensics.cli.app import app
from forensics.errors import UsageError
from forensics.evidence.certificates import make_certificates
from forensics.evidence.trust import load_trust
from tests.bundles import make_bundle


@pytest.fixture
def root(tmp_path: Path) -> Path:
    public = Ed25519PrivateKey.generate().public_key()
    path = tmp_path / "root.pem"
    path.write_bytes(make_certificates(public, "Newsroom", datetime.now(UTC)).root_pem)
    return path


def test_media_that_nobody_signed_do_not_pass(tmp_path: Path, root: Path) -> None:
    bundle = make_bundle(tmp_path, side=16)
    done = CliRunner().invoke(app, ["verify", str(bundle), "--anchors", str(root)])
    assert done.exit_code == 4
    assert "credentials  failed" in done.stderr
    assert "the given anchors do not vouch for the restored medium" in done.stderr


def test_several_files_become_one_list(root: Path) -> None:
    trust = load_trust((), anchors=[root, root])
    assert trust.anchors_pem is not None
    assert trust.anchors_pem.count("BEGIN CERTIFICATE") == 1


def test_what_holds_no_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "root.pem"
    path.write_text("nothing of the kind", encoding="utf-8")
    with pytest.raises(UsageError, match="holds no certificates in PEM form") as found:
        load_trust((), anchors=[path])
    assert found.value.hint == "Give root certificates that may vouch for credentials."

"""A signed audit from end to end: its authority fails, its passphrase is recorded nowhere."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

import forensics
from forensics.evidence.keyfiles import KeyFiles, new_key
from tests.tsa import make_authority, serving

PASSPHRASE = "zyxwv-unlikely-words-2026"  # noqa: S105 - of keys that only tests use


@dataclass(frozen=True)
class Run:
    """One audit of a plain picture, signed, with an authority that answers 503."""

    folder: Path
    key: KeyFiles
    tsa_root: Path
    exit_code: int
    said: str

    @property
    def bundle(self) -> Path:
        return self.folder / "out"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("signed")
    key = new_key(folder / "keys", PASSPHRASE.encode(), "Example Newsroom")
    (folder / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    (folder / "passphrase").chmod(0o600)
    Image.radial_gradient("L").convert("RGB").resize((96, 64)).save(folder / "picture.png")
    authority = make_authority(folder / "tsa")
    with serving(authority, "status") as url:
        command = [sys.executable, "-m", "forensics", "audit", "picture.png", "-o", "out", "-v"]
        command += ["--sign", str(key.key), "--passphrase-file", "passphrase", "--timestamp", url]
        command += ["--format", "html"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return Run(folder, key, authority.root, done.returncode, done.stdout + done.stderr)


def test_a_time_stamp_that_failed_is_exit_3_and_said(run: Run) -> None:
    assert run.exit_code == 3, run.said
    assert "Incomplete: the bundle is signed but NOT time-stamped: 127.0.0.1 answered" in run.said
    assert f"Signed with the key {run.key.fingerprint}" in run.said
    assert "Check it with: forensics verify" in run.said
    assert "--key signing.pub.pem" in run.said


def test_the_bundle_stands_signed_and_is_not_called_attested(run: Run) -> None:
    result = forensics.verify(run.bundle, run.key.public)
    assert (result.exit_code, result.verdict) == (0, "intact_signer_known")
    assert result.answers()["time"] == "no: its dates are its maker's claim"
    gated = forensics.verify(run.bundle, run.key.public, tsa_root=run.tsa_root)
    assert gated.exit_code == 1


def test_the_report_and_the_record_name_the_key(run: Run) -> None:
    assert forensics.load(run.bundle).run.signers == (run.key.fingerprint,)
    report = (run.bundle / "data" / "report" / "report.html").read_text(encoding="utf-8")
    assert run.key.fingerprint in report
    assert "--key signing.pub.pem" in report


def test_the_passphrase_and_the_key_are_nowhere(run: Run) -> None:
    secrets = [PASSPHRASE.encode(), run.key.key.read_bytes().splitlines()[2]]
    assert PASSPHRASE not in run.said
    files = [path for path in run.bundle.rglob("*") if path.is_file()]
    assert len(files) > 15
    found = [path.name for path in files for secret in secrets if secret in path.read_bytes()]
    assert found == []

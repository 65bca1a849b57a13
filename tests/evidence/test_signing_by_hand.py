"""docs/signing.md's checks without this tool: its lines run and say what it claims."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forensics.evidence.signing import Signing
from tests.bundles import make_bundle, rebag
from tests.signers import public_file, signer
from tests.tsa import make_authority, serving


def _block(repo_root: Path, heading: str, language: str, number: int = 0) -> str:
    text = (repo_root / "docs" / "signing.md").read_text(encoding="utf-8")
    section = text[text.index(f"## {heading}") :]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)[number]


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a signed and stamped bundle, the public key and the authority's root."""
    folder = tmp_path_factory.mktemp("by-hand")
    authority = make_authority(folder / "tsa")
    with serving(authority) as url:
        signing = Signing((signer(1), signer(2)), url)
        made = make_bundle(folder, side=16, no_faces=True, signing=signing, start=datetime.now(UTC))
    made.rename(folder / "bundle")
    shutil.copyfile(authority.root, folder / "tsa-root.pem")
    public_file(signer(1), folder)
    public_file(signer(3), folder, "stranger.pem")
    return folder


@pytest.fixture
def folder(stamped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stamped, tmp_path / "folder"))


def _check(folder: Path, repo_root: Path, key: str = "signing.pub.pem") -> tuple[int, str]:
    code = _block(repo_root, "Checking a signature without this tool", "python")
    assert code.count("\n") <= 23
    (folder / "check.py").write_text(code, encoding="utf-8")
    # -I: nothing of this project can be imported by accident.
    command = [sys.executable, "-I", "check.py", "bundle", key]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_standalone_check_accepts_a_signed_bundle(folder: Path, repo_root: Path) -> None:
    code, said = _check(folder, repo_root)
    assert (code, said) == (0, f"signed by {signer(1).fingerprint}\n")


def test_it_needs_nothing_but_cryptography(repo_root: Path) -> None:
    code = _block(repo_root, "Checking a signature without this tool", "python")
    imports = re.findall(r"^(?:import|from) (.*)$", code, re.MULTILINE)
    assert imports == [
        "base64, hashlib, json, sys",
        "pathlib import Path",
        "cryptography.hazmat.primitives import serialization as s",
    ]


def test_it_refuses_another_key_a_changed_file_and_a_changed_envelope(
    folder: Path, repo_root: Path
) -> None:
    code, said = _check(folder, repo_root, "stranger.pem")
    assert (code, said) == (1, "not signed by this key\n")
    report = folder / "bundle" / "data" / "report" / "report.html"
    before = report.read_bytes()
    report.write_bytes(before + b" ")
    assert _check(folder, repo_root) == (1, "changed: bundle/data/report/report.html\n")
    rebag(folder / "bundle")
    assert _check(folder, repo_root)[0] == 1
    report.write_bytes(before)
    rebag(folder / "bundle")
    assert _check(folder, repo_root)[0] == 0
    envelope = folder / "bundle" / "signatures" / "bundle.dsse.json"
    raw = bytearray(envelope.read_bytes())
    raw[40] = ord("A") if raw[40] != ord("A") else ord("B")
    envelope.write_bytes(raw)
    assert "InvalidSignature" in _check(folder, repo_root)[1]


def test_it_names_an_original_that_is_not_included(folder: Path, repo_root: Path) -> None:
    (folder / "bundle" / "data" / "original" / "two_people.mp4").unlink()
    code, said = _check(folder, repo_root)
    assert code == 0
    assert said.startswith("not included: data/original/two_people.mp4 ")


def test_openssl_checks_the_time_stamp_as_documented(folder: Path, repo_root: Path) -> None:
    script = _block(repo_root, "Time stamps", "sh", 1)
    assert script.startswith("openssl ts -verify")
    shutil.copyfile(folder / "tsa-root.pem", folder / "bundle" / "tsa-root.pem")
    command = ["bash", "-e", "-c", script]
    done = subprocess.run(
        command, cwd=folder / "bundle", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "Verification: OK\n"), done.stderr


def test_openssl_prints_the_fingerprint_as_documented(folder: Path, repo_root: Path) -> None:
    command = "openssl pkey -pubin -in signing.pub.pem -outform DER | sha256sum"
    assert command in (repo_root / "docs" / "signing.md").read_text(encoding="utf-8")
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, check=True)
    assert done.stdout.decode().split()[0] == signer(1).fingerprint


def test_the_examples_of_the_documents_verify_with_a_key(repo_root: Path) -> None:
    text = (repo_root / "docs" / "signing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|python)\n(.*?)```", text, re.DOTALL)
    commands = [
        line for block in blocks for line in block.splitlines() if "forensics verify" in line
    ]
    assert len(commands) >= 2
    assert all("--key" in line for line in commands)

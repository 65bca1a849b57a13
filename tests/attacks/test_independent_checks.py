"""Independent checks: other tools accept the same bundle, and notice when it is changed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks.audited import Sealed
from tests.attacks.ledger import Note
from tests.credentials.parts import own_reader

TITLE = "independent checks of one bundle"
RESTORED, REPORT = "data/restored/clip.mp4", "data/report/report.pdf"


def tool(name: str) -> str:
    """The program, or a skip that is listed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str | Path, cwd: Path) -> tuple[bool, str]:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def bag(sealed: Sealed, bundle: Path, repo_root: Path) -> tuple[bool, str]:
    return run(sys.executable, "-m", "bagit", "--validate", bundle, cwd=bundle)


def sums(sealed: Sealed, bundle: Path, repo_root: Path) -> tuple[bool, str]:
    script = "\n".join(
        f"{kind}sum --check --strict --quiet {name}manifest-{kind}.txt || exit 1"
        for kind in ("sha256", "sha512")
        for name in ("tag", "")
    )
    return run("sh", "-c", script, cwd=bundle)


def stamp(sealed: Sealed, bundle: Path, repo_root: Path) -> tuple[bool, str]:
    data = "signatures/bundle.dsse.json"
    words = ("ts", "-verify", "-in", f"{data}.tsr", "-data", data)
    return run(tool("openssl"), *words, "-CAfile", sealed.authority.root, cwd=bundle)


def envelope(sealed: Sealed, bundle: Path, repo_root: Path) -> tuple[bool, str]:
    """The lines of docs/signing.md, outside this project."""
    text = (repo_root / "docs" / "signing.md").read_text("utf-8")
    section = text[text.index("## Checking a signature without this tool") :]
    code = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    return run(sys.executable, "-I", "-c", code, bundle, sealed.key_file, cwd=bundle)


def credentials(sealed: Sealed, bundle: Path, repo_root: Path) -> tuple[bool, str]:
    state, document = own_reader(bundle / RESTORED, "video/mp4", sealed.credentials_root_pem)
    labels = [a["label"] for a in document["manifests"][document["active_manifest"]]["assertions"]]
    return state == "Trusted" and "c2pa.actions.v2" in labels, f"{state} {labels}"


def framehash(sealed: Sealed, bundle: Path, repo_root: Path) -> tuple[bool, str]:
    ffmpeg = tool("ffmpeg")
    said = ""
    for kind, path in (("original", "data/original/clip.mp4"), ("restored", RESTORED)):
        words = [ffmpeg, "-v", "error", "-nostdin", "-noautorotate", "-copyts", "-i", path]
        words += ["-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base", "-1"]
        passed, printed = run(*words, "-f", "framehash", "-hash", "sha256", "-", cwd=bundle)
        kept = (bundle / "data" / "frames" / f"{kind}.framehash").read_text("utf-8")
        ours, theirs = (_hashes(text) for text in (kept, printed))
        if not passed or not ours or ours != theirs:
            return False, f"{said}{kind}: {ours} is not {theirs}"
        said += f"{kind}: {len(ours)} frames equal; "
    return True, said


def _hashes(text: str) -> list[str]:
    """Frames without durations: the tool guesses those of uneven clips, ours are the file's."""
    frames = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    return [",".join(part.strip() for n, part in enumerate(parts) if n != 3) for parts in frames]


def inventory(sealed: Sealed, bundle: Path, repo_root: Path) -> tuple[bool, str]:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (bundle / "data" / "models" / "models.cdx.json").read_text("utf-8")
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return fault is None, repr(fault)


def document(sealed: Sealed, bundle: Path, repo_root: Path) -> tuple[bool, str]:
    return run(tool("qpdf"), "--check", REPORT, cwd=bundle)


def dsse_library(sealed: Sealed, bundle: Path, repo_root: Path) -> tuple[bool, str]:
    import json

    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    raw = json.loads((bundle / "signatures" / "bundle.dsse.json").read_bytes())
    pinned = SSlibKey.from_crypto(sealed.key.public, keyid=sealed.key.fingerprint)
    try:
        found = Envelope.from_dict(raw).verify([pinned], 1)
    except VerificationError as error:
        return False, str(error)
    return len(found) == 1, str(sorted(found))


Check = Callable[[Sealed, Path, Path], tuple[bool, str]]
CHECKS: dict[str, tuple[Check, str]] = {
    "bagit.py --validate": (bag, RESTORED),
    "sha256sum and sha512sum -c": (sums, RESTORED),
    "openssl ts -verify": (stamp, "signatures/bundle.dsse.json"),
    "DSSE, lines of docs/signing.md": (envelope, "signatures/bundle.dsse.json"),
    "DSSE, securesystemslib": (dsse_library, "signatures/bundle.dsse.json"),
    "c2pa-python's reader": (credentials, RESTORED),
    "ffmpeg framehash": (framehash, "data/frames/restored.framehash"),
    "CycloneDX 1.6 validator": (inventory, "data/models/models.cdx.json"),
    "qpdf --check": (document, REPORT),
}


@pytest.mark.parametrize("name", CHECKS)
def test_an_independent_tool_accepts_the_bundle_and_not_a_changed_one(
    name: str, sealed: Sealed, repo_root: Path, tmp_path: Path, note: Note
) -> None:
    check, touched = CHECKS[name]
    passed, said = check(sealed, sealed.bundle, repo_root)
    note(TITLE, name, "accepts it", passed, 1)
    assert passed, said
    changed = Path(shutil.copytree(sealed.bundle, tmp_path / "changed"))
    _damage(changed / touched)
    accepted, _ = check(sealed, changed, repo_root)
    note(TITLE, name, "refuses it with one place changed", not accepted, 1)
    assert not accepted


def _damage(path: Path) -> None:
    """Change what the tool at hand is there to notice."""
    raw = path.read_bytes()
    if path.suffix == ".pdf":
        raw = raw.replace(b"startxref", b"startxfer")
    elif path.suffix == ".mp4":
        at = raw.index(b"mdat") + 200
        raw = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
    elif path.name == "models.cdx.json":
        raw = raw.replace(b'"machine-learning-model"', b'"magic"', 1)
    elif path.suffix == ".framehash":
        raw = raw[:-3] + bytes([raw[-3] ^ 1]) + raw[-2:]
    else:
        at = raw.index(b'"payload":"') + 40
        raw = raw[:at] + (b"A" if raw[at : at + 1] != b"A" else b"B") + raw[at + 1 :]
    assert raw != path.read_bytes()
    path.write_bytes(raw)

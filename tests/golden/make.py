"""Golden: makes a bundle to keep, by the real command with the real networks.

``python -m tests.golden.make FOLDER`` audits a drawn clip (it shows a red square, nobody), signs
and stamps it, and leaves the archive with what a reader pins.  The private keys are thrown away.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from forensics.evidence.keyfiles import new_key
from tests.clips import Spec, make_clip
from tests.tsa import make_authority, serving

NAME = "drawn_square-audit"
PINS = {"signing.pub.pem": "signing.pub.pem", "signing.root.pem": "credentials-root.pem"}


def make(folder: Path) -> None:
    """Write ``NAME.zip``, the public key and both roots into ``folder``."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        passphrase = secrets.token_hex(16)
        (work / "passphrase").write_text(passphrase + "\n", "ascii")
        (work / "passphrase").chmod(0o600)
        new_key(work / "keys", passphrase.encode("ascii"), "Golden bundle, not for use")
        authority = make_authority(work / "tsa", name="Golden TSA, not for use")
        clip = make_clip(work / "drawn_square.mp4", Spec(pts=tuple(range(0, 5 * 512, 512))))
        with serving(authority) as url:
            command = [sys.executable, "-m", "forensics", "audit", clip.name, "--out", NAME]
            command += [
                "--private",
                "--zip",
                "--format",
                "html",
                "--case",
                "golden",
                "--purpose",
                "kept for tests",
            ]
            command += ["--sign", "keys/signing.key.pem", "--passphrase-file", "passphrase"]
            here = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
            environment = {"PATH": "/usr/bin:/bin", "HOME": temporary, **here}
            subprocess.run([*command, "--timestamp", url], cwd=work, env=environment, check=True)
        shutil.copyfile(work / f"{NAME}.zip", folder / f"{NAME}.zip")
        for made, kept in PINS.items():
            shutil.copyfile(work / "keys" / made, folder / kept)
        shutil.copyfile(authority.root, folder / "tsa-root.pem")


if __name__ == "__main__":
    make(Path(sys.argv[1]))

"""``forensics keys``: signing keys for bundles and Content Credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forensics.cli.output import Output

keys_app = typer.Typer(
    help="Keys that sign bundles, for evidence that others can tie to you.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@keys_app.callback()
def _keys() -> None:
    """Keys that sign bundles, for evidence that others can tie to you."""


@keys_app.command()
def new(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the new key's files.")],
    name: Annotated[
        str | None,
        typer.Option(help="Organisation shown in Content Credentials. Seen by every reader."),
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="File that holds the passphrase. [default: asked for]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:
    """Make an Ed25519 signing key and the certificates that Content Credentials need.

    Writes signing.key.pem (private, under your passphrase; keep it), signing.pub.pem (give it to
    whoever checks your bundles), signing.chain.pem and signing.root.pem. Overwrites nothing.
    """
    from forensics.cli.passphrase import passphrase_of
    from forensics.evidence.keyfiles import DEFAULT_NAME, check_target, new_key

    check_target(out)
    passphrase = passphrase_of("the new key (12 characters or more)", passphrase_file, again=True)
    made = new_key(out, passphrase, DEFAULT_NAME if name is None else name)
    Output(as_json).result(
        {
            "fingerprint": made.fingerprint,
            "key": str(made.key),
            "public": str(made.public),
            "chain": str(made.chain),
            "root": str(made.root),
        },
        [
            f"Fingerprint (SHA-256 of the public key): {made.fingerprint}",
            f"Private key: {made.key} - keep it and its passphrase apart from each other; a lost "
            "passphrase cannot be recovered.",
            f"Public key: {made.public} - give it to those who will check your bundles, by a way "
            "that they trust, and publish the fingerprint where only you can write.",
            f"Root certificate: {made.root} - readers of Content Credentials pin it.",
            f"Sign an audit: forensics audit CLIP --sign {made.key}",
            f"Check a bundle: forensics verify BUNDLE --key {made.public}",
        ],
    )

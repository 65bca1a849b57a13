"""Passphrases: from a prompt that shows nothing, or a file; never from argv or the environment."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.errors import UsageError

if TYPE_CHECKING:
    from forensics.evidence.signing import Signing

_HINT = "Give --passphrase-file FILE, a file that holds the passphrase and nothing else."


def ask(what: str, again: bool = False) -> bytes:
    """Ask on the terminal, twice with ``again``; UsageError where there is no terminal."""
    if not sys.stdin.isatty():
        raise UsageError(f"there is no terminal to ask for the passphrase of {what}", _HINT)
    try:
        first = getpass.getpass(f"Passphrase of {what}: ")
        if again and getpass.getpass("The same once more: ") != first:
            raise UsageError("the two passphrases differ", "Run the command again.")
    except EOFError:
        raise UsageError(f"no passphrase was given for {what}", _HINT) from None
    return first.encode(errors="surrogateescape")


def passphrase_of(what: str, file: Path | None, again: bool = False) -> bytes:
    """From ``file``, or asked when it is None."""
    from forensics.evidence.keys import read_passphrase

    return read_passphrase(file) if file is not None else ask(what, again)


def signing_from(keys: Sequence[Path], files: Sequence[Path], timestamp: str | None) -> Signing:
    """Open the keys that an audit signs with, before any work is done.

    ``files`` holds one passphrase file for all keys, one for each in their order, or none: then
    every passphrase is asked for.  UsageError for all that does not fit.
    """
    from forensics.evidence.keys import load_signer
    from forensics.evidence.signing import Signing
    from forensics.evidence.timestamp import check_url

    if timestamp is not None:
        check_url(timestamp)
    if not keys:
        if files or timestamp is not None:
            raise UsageError(
                f"{'--passphrase-file' if files else '--timestamp'} needs --sign KEY",
                "A time stamp is taken over the signature. Make a key: forensics keys new --out "
                "DIR.",
            )
        return Signing()
    if len(files) not in {0, 1, len(keys)}:
        raise UsageError(
            f"{len(keys)} keys and {len(files)} passphrase files",
            "Give one --passphrase-file for all keys, or one for each in the order of --sign.",
        )
    per_key: list[Path | None] = [*files] or [None]
    if len(per_key) < len(keys):
        per_key *= len(keys)
    opened = tuple(
        load_signer(path, passphrase_of(repr(path.name), file))
        for path, file in zip(keys, per_key, strict=True)
    )
    return Signing(opened, timestamp)

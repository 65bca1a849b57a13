"""An address as the SOURCE of ``audit``: captured beside the bundle, then audited as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from forensics.capture.targets import is_url
from forensics.errors import UsageError


def check_offline(source: str, timestamp: str | None, offline: bool) -> None:
    """Raise `UsageError` where ``--offline`` stands beside something that needs a connection."""
    if not offline:
        return
    if is_url(source):
        raise UsageError(
            f"{source!r} is an address, and --offline opens no connection",
            "Capture it where there is a network, and audit the file.",
        )
    if timestamp is not None:
        raise UsageError(
            "--timestamp asks an authority, and --offline opens no connection",
            "Leave one of the two away.",
        )


def web_source(
    source: str, out: Path | None, say: Callable[[str], None], refuse: str | None = None
) -> Path:
    """The path to audit; an address is captured into ``OUT-capture`` or ``STEM-capture`` first.

    ``refuse`` names an option that works on a file that is there.  Raises `UsageError` for it, and
    what `forensics.capture.clip.capture` raises.
    """
    if not is_url(source):
        return Path(source)
    if refuse is not None:
        raise UsageError(
            f"{refuse} needs a file, and {source!r} is an address",
            "Capture it with 'forensics capture', then give the file.",
        )
    from forensics.capture.clip import one

    say(f"Capturing {source}")

    def place(stem: str) -> Path:
        bundle = Path.cwd() / f"{stem}-audit" if out is None else out.resolve()
        return bundle.with_name(f"{bundle.name.removesuffix('-audit')}-capture")

    captured = one(source, place)
    for line in captured.lines():
        say(line)
    return captured.path

"""Incoming: a bundle that a node sends back, written into OUT only when it came whole.

Promise: what a node says about names is not believed: nothing is written outside the item's own
folder.  Every file is held against the bundle's manifests before the bundle gets its name.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import BinaryIO

from forensics.batch.results import TAG_MANIFEST
from forensics.errors import IntegrityError
from forensics.evidence.names import decode_path, name_fault
from forensics.record_batch import ItemResult

SUFFIX = ".incoming"
_MANIFESTS = ("manifest-sha256.txt", TAG_MANIFEST)


class Incoming:
    """The bundle of one attempt at ``out``, until `settle` or `drop`."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._staging = out.with_name(out.name + SUFFIX)
        shutil.rmtree(self._staging, ignore_errors=True)
        self._digests: dict[str, str] = {}
        self._open: tuple[str, BinaryIO, hashlib._Hash] | None = None

    def write(self, path: str, data: bytes) -> None:
        """A piece of a file; `IntegrityError` for a name that leads elsewhere or comes twice."""
        if self._open is None or self._open[0] != path:
            self._close()
            parts = path.split("/")
            if parts[0] != self._out.name or len(parts) < 2:
                raise IntegrityError(f"a node sent {path[:200]!r}, which is not of this item")
            fault = next((f for part in parts if (f := name_fault(part))), None)
            if fault is not None or path in self._digests:
                raise IntegrityError(f"a node sent {path[:200]!r}: {fault or 'it came twice'}")
            target = self._staging.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            self._open = (path, target.open("xb"), hashlib.sha256())
        _, stream, digest = self._open
        stream.write(data)
        digest.update(data)

    def settle(self, result: ItemResult) -> None:
        """Check the bundle and move it to its place; `IntegrityError` when it is not whole."""
        self._close()
        root = self._staging / self._out.name
        expected: dict[str, str] = {}
        try:
            for name in _MANIFESTS:
                for line in (root / name).read_text("utf-8").splitlines():
                    digest, _, path = line.partition("  ")
                    expected[decode_path(path)] = digest
        except (OSError, UnicodeDecodeError) as error:
            raise IntegrityError("a bundle came back without its manifests") from error
        came = {path.partition("/")[2]: digest for path, digest in self._digests.items()}
        tag = came.pop(TAG_MANIFEST, None)
        came.pop("tagmanifest-sha512.txt", None)
        if tag != result.bundle_sha256:
            raise IntegrityError("a bundle came back that is not the one the node spoke of")
        if came != expected:
            odd = sorted(set(came.items()) ^ set(expected.items()))[0][0]
            raise IntegrityError(f"a bundle came back damaged: {odd[:200]!r}")
        clear(self._out)
        root.rename(self._out)
        shutil.rmtree(self._staging, ignore_errors=True)

    def drop(self) -> None:
        """Remove what came."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
        shutil.rmtree(self._staging, ignore_errors=True)

    def _close(self) -> None:
        if self._open is not None:
            path, stream, digest = self._open
            stream.close()
            self._digests[path] = digest.hexdigest()
            self._open = None


def clear(out: Path) -> None:
    """Remove what an earlier, unfinished attempt left at ``out``; nothing that is no audit.

    `IntegrityError` when something else stands there.
    """
    from forensics.evidence.bundle import MARKER
    from forensics.evidence.bundle import SUFFIX as UNFINISHED

    unfinished = out.with_name(out.name + UNFINISHED)
    if (unfinished / MARKER).is_file():
        shutil.rmtree(unfinished)
    if not out.exists():
        return
    if not (out / "bagit.txt").is_file() and any(out.iterdir()):
        raise IntegrityError(f"{str(out)!r} is in the way and is no bundle", "Move it away.")
    shutil.rmtree(out)

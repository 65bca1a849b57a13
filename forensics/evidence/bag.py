"""The bag: BagIt 1.0 tag files over a finished payload, in one canonical spelling.

Two digests are taken in one read of each file.  Manifests are lower-case hex, sorted by path,
LF, UTF-8; `verify` refuses any other spelling, since in an unsigned bag a digest written in
capitals would otherwise be a change that nobody sees.  Source: RFC 8493.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from forensics.errors import InputError
from forensics.evidence.names import encode_path, name_fault

ALGORITHMS = ("sha256", "sha512")
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
INFO_FIRST = ("External-Identifier", "Bagging-Date", "Payload-Oxum", "Bag-Software-Agent")
_CHUNK = 2**20


@dataclass(frozen=True)
class Digests:
    """SHA-256 and SHA-512 (lower-case hex) and size of one file, from one read."""

    sha256: str
    sha512: str
    size: int

    def get(self, algorithm: str) -> str:
        return self.sha512 if algorithm == "sha512" else self.sha256


def digest_stream(stream: BinaryIO) -> Digests:
    """Digests of everything from the stream's position to its end."""
    sha256, sha512, size = hashlib.sha256(), hashlib.sha512(), 0
    while chunk := stream.read(_CHUNK):
        sha256.update(chunk)
        sha512.update(chunk)
        size += len(chunk)
    return Digests(sha256.hexdigest(), sha512.hexdigest(), size)


def digest_file(path: Path) -> Digests:
    """Digests of a file; OSError when it cannot be read."""
    with path.open("rb") as stream:
        return digest_stream(stream)


def manifest_bytes(digests: Mapping[str, Digests], algorithm: str) -> bytes:
    """The canonical manifest of ``path -> digests`` for one algorithm."""
    lines = (f"{digests[path].get(algorithm)}  {encode_path(path)}\n" for path in sorted(digests))
    return "".join(lines).encode()


def info_bytes(info: Mapping[str, str]) -> bytes:
    """bag-info.txt: our four labels first, the others sorted; line breaks become spaces."""
    labels = [name for name in INFO_FIRST if name in info]
    labels += sorted(set(info) - set(INFO_FIRST))
    return "".join(f"{name}: {' '.join(info[name].split())}\n" for name in labels).encode()


def payload_files(root: Path) -> list[str]:
    """Paths of the payload relative to the bag, sorted; empty folders are removed on the way.

    A bag cannot list an empty folder, so one that stayed could be taken away unseen.
    InputError for anything that is no regular file or has an unsafe name.
    """
    found: list[str] = []
    for folder, folders, files in os.walk(root / "data", topdown=False):
        here = Path(folder)
        for name in files + folders:
            path = here / name
            relative = path.relative_to(root).as_posix()
            if path.is_symlink() or (name in files and not path.is_file()):
                raise InputError(f"{relative!r} is not a regular file; a bundle holds only those.")
            if fault := name_fault(name):
                raise InputError(f"The name {relative!r} {fault}; a bundle must not hold it.")
            if name in files:
                found.append(relative)
        if here != root / "data" and not any(here.iterdir()):
            here.rmdir()
    return sorted(found)


def write_bag(root: Path, info: Mapping[str, str]) -> dict[str, Digests]:
    """Write the six tag files over ``root/data``; returns the payload's digests by path."""
    payload = {path: digest_file(root / path) for path in payload_files(root)}
    oxum = f"{sum(item.size for item in payload.values())}.{len(payload)}"
    tags = {"bagit.txt": DECLARATION, "bag-info.txt": info_bytes({**info, "Payload-Oxum": oxum})}
    for algorithm in ALGORITHMS:
        tags[f"manifest-{algorithm}.txt"] = manifest_bytes(payload, algorithm)
    _write_all(root, tags.items())
    tag_digests = {name: digest_file(root / name) for name in tags}
    _write_all(
        root,
        (
            (f"tagmanifest-{algorithm}.txt", manifest_bytes(tag_digests, algorithm))
            for algorithm in ALGORITHMS
        ),
    )
    return payload


def _write_all(root: Path, files: Iterable[tuple[str, bytes]]) -> None:
    for name, content in files:
        with (root / name).open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())

"""Checks that the original and the restored medium are the ones that audit.json names.

A folder of pictures has the digest of its list: ``DIGEST  NAME`` lines in frame order, as
``sha256sum`` prints them.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from forensics.evidence.bag import Digests, digest_file
from forensics.evidence.names import safe_names
from forensics.evidence.tree import Tree
from forensics.records import Audit, FrameLine, Restored

ORIGINAL = "data/original/"
RESTORED = "data/restored/"


def media_faults(
    tree: Tree, audit: Audit, frames: Sequence[FrameLine], digests: Mapping[str, Digests]
) -> tuple[list[str], str]:
    """Faults of the restored medium and the original, and a sentence on what was compared.

    ``frames`` is needed for folders alone. PermissionError when a file could not be hashed, so
    that nothing can be said about it.
    """
    faults, said = _restored_faults(tree, audit, frames, digests)
    more, sentence = _original_faults(tree, audit, frames, digests)
    return faults + more, "; ".join([said, sentence])


def _restored_faults(
    tree: Tree, audit: Audit, frames: Sequence[FrameLine], digests: Mapping[str, Digests]
) -> tuple[list[str], str]:
    files = tree.under(RESTORED)
    if audit.restored is None:
        said = "nothing was restored"
        if audit.pair is not None:
            said = "the restoration is not included (its SHA-256 is in audit.json)"
        return [f"{path!r} is in no record" for path in files], said
    path = f"data/{audit.restored.file}"
    if path + "/" == RESTORED:
        return _folder_faults(audit.restored, files, frames, digests)
    faults = [f"{p!r} is in no record" for p in files if p != path and not _sidecar(audit, p)]
    if not tree.has(path):
        faults.append(f"the restored file {audit.restored.file!r} is missing")
    else:
        found = _digest(digests, path)
        if (found.sha256, found.size) != (audit.restored.sha256, audit.restored.bytes):
            faults.append("the restored file is not the one that audit.json names")
    return faults, "the restored file is the recorded one"


def _sidecar(audit: Audit, path: str) -> bool:
    """Whether a stream's record names this file as what became of the stream."""
    name = PurePosixPath(path).name
    streams = (*audit.source.audio, *audit.source.other_streams)
    return any(
        s.outcome == "sidecar" and s.reason is not None and s.reason.endswith(" " + name)
        for s in streams
    )


def _folder_faults(
    restored: Restored,
    files: Sequence[str],
    frames: Sequence[FrameLine],
    digests: Mapping[str, Digests],
) -> tuple[list[str], str]:
    if len(files) != restored.frames:
        return [f"{len(files)} restored pictures are there, audit.json counts them otherwise"], ""
    ordered = _in_frame_order(files, frames)
    if ordered is None:
        return [], "the restored pictures are covered by the manifests alone"
    listed = [(_digest(digests, path), PurePosixPath(path).name) for path in ordered]
    if list_sha256(listed) != restored.sha256:
        return ["the restored pictures are not the ones that audit.json names"], ""
    return [], f"the {len(files)} restored pictures are the recorded ones"


def _in_frame_order(files: Sequence[str], frames: Sequence[FrameLine]) -> list[str] | None:
    """The pictures by frame, None where names alone do not tell it."""
    left = set(files)
    ordered = []
    for line in frames:
        if line.outcome != "restored" or line.name is None:
            continue
        stem = PurePosixPath(line.name).stem
        names = (f"{RESTORED}{stem}.png", f"{RESTORED}{stem}-{line.frame:06d}.png")
        path = next((name for name in names if name in left), None)
        if path is None:
            return None
        left.remove(path)
        ordered.append(path)
    return None if left else ordered


def _original_faults(
    tree: Tree, audit: Audit, frames: Sequence[FrameLine], digests: Mapping[str, Digests]
) -> tuple[list[str], str]:
    source = audit.source
    files = tree.under(ORIGINAL)
    if not files:
        return [], "the original is not included (its SHA-256 is in audit.json)"
    if source.kind == "frames":
        raw_names = [line.name for line in frames if line.name is not None]
        paths = [ORIGINAL + name for name in safe_names(raw_names)]
        if sorted(paths) != files:
            return [], f"the {len(files)} original pictures are covered by the manifests alone"
        listed = [
            (_digest(digests, path), name) for path, name in zip(paths, raw_names, strict=True)
        ]
        if list_sha256(listed) != source.sha256:
            return ["the original pictures are not the ones that audit.json names"], ""
        return [], f"the {len(files)} original pictures are the recorded ones"
    if len(files) != 1:
        return [f"data/original/ holds {len(files)} files instead of one"], ""
    found = _digest(digests, files[0])
    if (found.sha256, found.sha512, found.size) != (source.sha256, source.sha512, source.bytes):
        return ["the original is not the file that audit.json names"], ""
    return [], "the original is the recorded one"


def given_faults(path: Path, audit: Audit) -> list[str]:
    """Whether a file given beside the bundle is the one it was made from; OSError as it comes."""
    found = digest_file(path)
    if (found.sha256, found.size) == (audit.source.sha256, audit.source.bytes):
        return []
    return ["the file given is not the original that audit.json names (its SHA-256 differs)"]


def frame_hash_faults(tree: Tree, audit: Audit) -> list[str]:
    """Where the frame hash files list other numbers of frames; the hashes need a decoder."""
    expected = [("original", audit.source.frames)] if audit.source.kind == "video" else []
    if audit.pair is not None:
        if audit.pair.kind == "video":
            expected.append(("restored", audit.pair.frames))
    elif audit.restored is not None:
        expected.append(("restored", audit.restored.frames))
    faults = []
    for kind, frames in expected:
        path = f"data/frames/{kind}.framehash"
        if not tree.has(path):
            faults.append(f"frames/{kind}.framehash is missing")
        elif (listed := _listed_frames(tree, path)) != frames:
            faults.append(f"frames/{kind}.framehash lists {listed} frames, audit.json {frames}")
    return faults


def _listed_frames(tree: Tree, path: str) -> int:
    """Frames of a framehash file; one that could not be decoded is a ``#lost`` line."""
    with tree.open(path) as stream:
        count = 0
        while line := stream.readline(4096):
            count += not line.startswith(b"#") or line.startswith(b"#lost ")
        return count


def list_sha256(listed: Sequence[tuple[Digests, str]]) -> str:
    """SHA-256 of the lines ``SHA256  NAME`` of several files."""
    lines = (f"{digests.sha256}  {name}\n" for digests, name in listed)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _digest(digests: Mapping[str, Digests], path: str) -> Digests:
    if path not in digests:
        raise PermissionError(errno.EACCES, "it has no digest here", path)
    return digests[path]

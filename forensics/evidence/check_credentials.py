"""Checks the Content Credentials of both media: as the audit recorded them, and against anchors.

What they say of themselves proves nothing about the picture; what is checked is that they say today
what was recorded.  Certificates expire and lists change, so findings about signers and time stamps
may differ without a fault.  Reading happens in a child process (`forensics.credentials`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from forensics.credentials.read import Medium, gather, read_media
from forensics.errors import EnvironmentLacks
from forensics.evidence.tree import Tree
from forensics.evidence.verification import Step, judged
from forensics.record_credentials import Credentials
from forensics.records import Audit

SIDECAR: Final = ".c2pa"
MAX_SIDECAR_BYTES: Final = 64 * 2**20
_CHANGING: Final = ("signingCredential.", "timeStamp.")
"""Findings that depend on the day and on who looks, not on the file."""


@dataclass(frozen=True)
class _Side:
    """The restored medium, one that was given, or the original: its files and what is recorded."""

    what: str
    files: tuple[str, ...]
    recorded: Credentials | None


def credentials_step(step: str, tree: Tree, audit: Audit, anchors_pem: str | None) -> Step:
    """Step "credentials".

    Failed (altered) where they are not what was recorded, or where ``anchors_pem`` is given and
    vouches not for what the restored medium carries; a crossed gate (1) where the original's own
    credentials do not pass with these anchors; not checked (5) where they cannot be read here.
    """
    sides = _sides(tree, audit, anchors_pem is not None)
    if not sides:
        return Step(step, "not_included", "none were looked for or written in this run")
    try:
        found = [_read(tree, side.files, anchors_pem) for side in sides]
    except EnvironmentLacks as error:
        needed = anchors_pem is not None or any(_carries(side) for side in sides)
        return Step(step, "not_checked", error.message, 5 if needed else 0)
    faults: list[str] = []
    unread: list[str] = []
    gates: list[str] = []
    for side, one in zip(sides, found, strict=True):
        _compare(side, one, faults, unread)
        if anchors_pem is not None:
            _judge(side, one, faults, gates)
    if faults:
        return judged(step, faults, "")
    if unread:
        return Step(step, "not_checked", "; ".join(unread), 5)
    words = {side.what: _words(side.what, one) for side, one in zip(sides, found, strict=True)}
    about_input = words.get("original", "")
    if gates:
        return Step(step, "failed", "; ".join(gates), 1, about_input)
    return Step(step, "passed", "; ".join(words.values()), about_input=about_input)


def _sides(tree: Tree, audit: Audit, anchored: bool) -> list[_Side]:
    restored = audit.restored.credentials if audit.restored is not None else None
    if audit.pair is not None:  # it is an input too, and was never signed here
        restored = audit.pair.credentials
    looked = audit.source.credentials is not None
    sides = []
    if audit.restored is not None and (restored is not None or looked or anchored):
        files = tree.under("data/restored/")
        if tree.has(path := f"data/{audit.restored.file}"):
            files = [path]
        media = tuple(path for path in files if not path.endswith(SIDECAR))
        sides.append(_Side("restored" if audit.pair is None else "given", media, restored))
    originals = tuple(tree.under("data/original/"))
    if originals and (looked or anchored):
        sides.append(_Side("original", originals, audit.source.credentials))
    return [side for side in sides if side.files]


def _carries(side: _Side) -> bool:
    return side.recorded is not None and side.recorded.outcome == "found"


def _read(tree: Tree, files: Sequence[str], anchors_pem: str | None) -> Credentials:
    found: list[Credentials] = []
    for start in range(0, len(files), 32):
        with _opened(tree, files[start : start + 32]) as media:
            found += read_media(media, anchors_pem)
    names = [PurePosixPath(path).name for path in files]
    return gather(list(zip(names, found, strict=True)))


@contextmanager
def _opened(tree: Tree, files: Sequence[str]) -> Iterator[list[Medium]]:
    with ExitStack() as stack:
        media = []
        for path in files:
            sidecar = None
            if tree.has(path + SIDECAR):
                sidecar = tree.read(path + SIDECAR, MAX_SIDECAR_BYTES)
            file = stack.enter_context(tree.open(path))
            media.append(Medium(path, _real(file, stack), sidecar))
        yield media


def _real(file: BinaryIO, stack: ExitStack) -> BinaryIO:
    """A file that the system knows: members of a ZIP are copied out first, by name of nobody."""
    try:
        file.fileno()
    except (OSError, AttributeError):
        copy = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        shutil.copyfileobj(file, copy)
        copy.seek(0)
        return copy
    return file


def _compare(side: _Side, found: Credentials, faults: list[str], unread: list[str]) -> None:
    recorded = side.recorded or Credentials(outcome="none")
    if recorded.outcome == "unreadable":
        return  # nothing to hold it against: the reader failed then
    if found.outcome == "unreadable" and found.reader is None:
        unread.append(f"the {side.what} medium could not be read: {found.reason}")
        return
    differing = list(_differences(recorded, found))
    if not differing:
        return
    text = f"the credentials of the {side.what} medium are not the recorded ones: "
    text += ", ".join(differing)
    if found.reader != recorded.reader and recorded.reader is not None:
        unread.append(f"{text} (read with {found.reader}, recorded with {recorded.reader})")
    else:
        faults.append(text)


def _differences(recorded: Credentials, found: Credentials) -> Iterator[str]:
    if found.outcome != recorded.outcome:
        yield f"{found.outcome} instead of {recorded.outcome}"
        return
    if found.manifest != recorded.manifest or found.files_with != recorded.files_with:
        yield "another manifest"
    if found.signer != recorded.signer:
        yield f"signed by {found.signer!r} instead of {recorded.signer!r}"
    now, then = _lasting(found), _lasting(recorded)
    if now != then:
        yield f"other failures ({', '.join(sorted(now ^ then))})"
    elif (found.state == "Invalid") != (recorded.state == "Invalid") and not _changed(found):
        yield f"{found.state} instead of {recorded.state}"


def _lasting(credentials: Credentials) -> set[str]:
    codes = {failure.code for failure in credentials.failures}
    return {code for code in codes if not code.startswith(_CHANGING)}


def _changed(found: Credentials) -> bool:
    return any(failure.code.startswith(_CHANGING) for failure in found.failures)


def _judge(side: _Side, found: Credentials, faults: list[str], gates: list[str]) -> None:
    """Hold what was found against the anchors that the reader gave."""
    if side.what == "restored" and found.state != "Trusted":
        state = found.state or "no credentials"
        faults.append(f"the given anchors do not vouch for the restored medium ({state})")
    if side.what != "restored" and found.outcome == "found":
        name = "original" if side.what == "original" else "restoration that was given"
        if found.state != "Trusted":
            gates.append(f"the given anchors do not vouch for the {name} ({found.state})")
        elif found.failures:
            codes = ", ".join(sorted({failure.code for failure in found.failures}))
            gates.append(f"the {name}'s own credentials have failures ({codes})")


def _words(what: str, found: Credentials) -> str:
    if found.outcome == "none":
        return f"{what}: none"
    if found.outcome == "unreadable":
        return f"{what}: not readable ({found.reason})"
    text = f"{what}: {found.state}, signed by {found.signer or 'an unnamed signer'}"
    if not found.anchored:
        text += " (signer not checked)"
    if found.failures:
        codes = sorted({failure.code for failure in found.failures})
        text += f", with failures as recorded ({', '.join(codes)})"
    return text

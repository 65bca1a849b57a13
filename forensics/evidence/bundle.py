"""The bundle writer: everything goes into ``OUT.incomplete/`` and becomes ``OUT/`` when sealed.

Promise: a folder called OUT is either what was there before or a complete, sealed bundle.  What
an interrupted run leaves behind is named and marked as unfinished.  Nothing that is not an audit
is ever deleted.
"""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import forensics
from forensics.errors import UsageError
from forensics.evidence.bag import Digests, write_bag
from forensics.evidence.journal import NAME as JOURNAL
from forensics.evidence.journal import Identity, Journal, faces_in
from forensics.evidence.signing import UNSIGNED, Signing

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

SUFFIX = ".incomplete"
MARKER = "INCOMPLETE.txt"
KEPT = "kept"
"""Folder of the staging folder for faces that an interrupted run restored."""
RESTORED_FACES = "restored_faces"
_MARKER_TEXT = """This folder is NOT a finished audit.

An audit is being written here, or one was interrupted. Nothing in it is sealed and nothing in it
should be relied on. A finished audit has no such file and passes 'forensics verify'.
The same audit with --resume continues it; with --force it starts over and replaces this folder.
"""


class BundleWriter:
    """Writes one bundle. Use `create`, put files under `data`, then `seal` (or `abort`)."""

    def __init__(
        self,
        out: Path,
        staging: Path,
        lock: BinaryIO,
        notes: tuple[str, ...],
        journal: Journal | None = None,
    ) -> None:
        self._out = out
        self._root = staging
        self._lock: BinaryIO | None = lock
        self._notes = notes
        self._sealed = False
        self.journal = journal
        """What makes the run resumable; None for one that nobody will resume."""
        self.timestamp_failure: str | None = None
        """Why the sealed bundle has no time stamp although one was asked for."""

    @classmethod
    def create(cls, out: Path, force: bool, identity: Identity | None = None) -> BundleWriter:
        """Start a bundle that will stand at ``out``; with an ``identity`` it can be resumed.

        UsageError when ``out`` holds something and ``force`` is not given, when it is a file, when
        another run is writing there now, or when an interrupted run left restored faces and
        ``force`` is not given.  Any other leftover is replaced; `notes` says so.
        """
        out = out.resolve()
        _check_target(out, force)
        staging = out.with_name(out.name + SUFFIX)
        notes: list[str] = []
        if staging.exists() or staging.is_symlink():
            _clear_leftover(staging, force)
            notes.append(
                f"The unfinished folder {staging.name!r} of an earlier, interrupted run "
                "was replaced."
            )
            log.info("replaced the leftover %s", staging)
        try:
            (staging / "data").mkdir(parents=True)
            lock = (staging / MARKER).open("wb")
        except OSError as error:
            raise _cannot_write(out, error) from error
        _take_lock(lock)
        try:
            lock.write(_MARKER_TEXT.encode())
            lock.flush()
            begun = None if identity is None else Journal.begin(staging / JOURNAL, identity, force)
        except OSError as error:  # a full disk: an unmarked folder must not stay
            with suppress(OSError):
                lock.close()  # tries to write once more
            shutil.rmtree(staging)
            raise _cannot_write(out, error) from error
        return cls(out, staging, lock, tuple(notes), begun)

    @classmethod
    def resume(cls, out: Path, identity: Identity, force: bool = False) -> BundleWriter:
        """Take up what an interrupted run left: its restored faces are kept, the rest is redone.

        UsageError when there is nothing to take up, when it is being written now, or when settings
        or versions differ; IntegrityError when the source differs.  Nothing is changed then.
        """
        out = out.resolve()
        staging = out.with_name(out.name + SUFFIX)
        if staging.is_symlink() or not (staging / MARKER).is_file():
            done = " It holds a finished audit." if out.is_dir() and _is_audit(out) else ""
            raise UsageError(
                f"There is no interrupted audit of {str(out)!r} to resume.{done}",
                "Run it without --resume.",
            )
        lock = (staging / MARKER).open("r+b")
        try:
            _take_lock(lock)
            journal = Journal.resume(staging / JOURNAL, identity)
        except BaseException:
            lock.close()
            raise
        try:
            _check_target(out, force or journal.force)
            _keep_faces(staging)
        except BaseException:
            journal.close()
            lock.close()
            raise
        note = (
            f"Resuming the interrupted audit in {staging.name!r}: {len(journal.kept)} restored "
            "face(s) are kept where they still fit, everything else is done again."
        )
        return cls(out, staging, lock, (note,), journal)

    @property
    def out(self) -> Path:
        """Where the bundle will stand when it is sealed (absolute)."""
        return self._out

    @property
    def root(self) -> Path:
        """The bundle's folder as it is now: the staging folder, after `seal` the final one."""
        return self._out if self._sealed else self._root

    @property
    def data(self) -> Path:
        """The payload folder of `root`."""
        return self.root / "data"

    def kept_face(self, name: str) -> Path:
        """Where a face that an interrupted run restored would lie."""
        return self._root / KEPT / name

    @property
    def resumable(self) -> bool:
        """Whether it is worth keeping what is here: faces that need not be restored again."""
        return self.journal is not None and self.journal.faces > 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know about the folder, one sentence each."""
        return self._notes

    def path(self, *parts: str) -> Path:
        """A path under `data` whose folder exists; ``path("restored", name)``."""
        if any(part in {"", ".", ".."} or "/" in part or "\\" in part for part in parts):
            raise ValueError(f"not plain names: {parts!r}")
        target = self.data.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def seal(self, info: Mapping[str, str], signing: Signing = UNSIGNED) -> dict[str, Digests]:
        """Write tag files and signatures, move the bundle to `out`; returns the payload's digests.

        ``info`` goes into bag-info.txt and should hold ``External-Identifier`` (the run id).
        ``Bagging-Date`` is today (UTC) unless given.  An old audit at `out` is deleted only after
        the new one stands; an old folder that is no audit is kept beside it (see `notes`).
        ``signing`` must hold the keys that audit.json names; see also `timestamp_failure`.
        """
        if self._lock is None:
            raise RuntimeError("this bundle was already sealed or aborted")
        full = {
            "Bagging-Date": datetime.now(UTC).date().isoformat(),
            "Bag-Software-Agent": f"restoration-forensics {forensics.__version__}",
            **info,
        }
        payload = write_bag(self._root, full)
        if signing.keys:
            # Here alone: verify reads this module's names and needs no HTTP client.
            from forensics.evidence.sealing import write_signatures

            self.timestamp_failure = write_signatures(self._root, payload, signing)
        self._release()
        shutil.rmtree(self._root / KEPT, ignore_errors=True)
        (self._root / JOURNAL).unlink(missing_ok=True)
        (self._root / MARKER).unlink()
        self._move_into_place()
        self._sealed = True
        return payload

    def abort(self, keep: bool = True) -> None:
        """Stop. What was written stays, named and marked as unfinished, or goes (``keep=False``).

        Does nothing after `seal`, so it can stand in a ``finally``.
        """
        if self._sealed or self._lock is None:
            return
        self._release()
        if not keep:
            shutil.rmtree(self._root)

    def _release(self) -> None:
        if self.journal is not None:
            # On a full disk a line may be waiting that cannot be written.
            with suppress(OSError):
                self.journal.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _move_into_place(self) -> None:
        if not self._out.exists():
            self._root.rename(self._out)
            return
        disposable = _is_empty(self._out) or _is_audit(self._out)
        old = _free_name(self._out)
        self._out.rename(old)
        try:
            self._root.rename(self._out)
        except OSError:
            old.rename(self._out)
            raise
        if disposable:
            shutil.rmtree(old)
        else:
            self._notes += (
                f"What was in {self._out.name!r} was no audit; it is now {old.name!r}.",
            )


def _cannot_write(out: Path, error: OSError) -> UsageError:
    return UsageError(
        f"Cannot write to {str(out.parent)!r}: {error.strerror}.",
        "Choose another folder with --out.",
    )


def _check_target(out: Path, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{str(out)!r} is a file, not a folder.", "Choose a folder with --out.")
    here = Path.cwd()
    if out in {here, *here.parents} or out == Path.home():
        raise UsageError(
            f"{str(out)!r} is the folder you work in, your home, or above it.",
            "Choose a new folder with --out.",
        )
    if out.exists() and not force and not _is_empty(out):
        raise UsageError(
            f"The folder {str(out)!r} is not empty.",
            "Choose another with --out, or replace what is there with --force.",
        )


def _keep_faces(staging: Path) -> None:
    """Put restored faces aside and remove the rest of the payload; may be interrupted anywhere."""
    kept = staging / KEPT
    kept.mkdir(exist_ok=True)
    restored = staging / "data" / RESTORED_FACES
    if restored.is_dir() and not restored.is_symlink():
        for picture in sorted(restored.iterdir()):
            picture.replace(kept / picture.name)
    for path in staging.iterdir():
        if path.name in {MARKER, JOURNAL, KEPT}:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:  # tag files of a run that was interrupted while it was sealed
            path.unlink()
    (staging / "data").mkdir()


def _clear_leftover(staging: Path, force: bool) -> None:
    """Remove what an interrupted run left; UsageError when it is alive, not ours, or of worth."""
    ours = staging.is_dir() and not staging.is_symlink()
    if ours and not (_is_empty(staging) or (staging / MARKER).is_file() or _is_audit(staging)):
        ours = False
    if not ours:
        raise UsageError(
            f"{str(staging)!r} is in the way and was not made by an audit.",
            "Move it away, or choose another folder with --out.",
        )
    marker = staging / MARKER
    if marker.is_file():
        with marker.open("rb") as stream:
            _take_lock(stream)
    if not force and (faces := faces_in(staging / JOURNAL)):
        raise UsageError(
            f"An interrupted audit with {faces} restored face(s) stands in {str(staging)!r}.",
            "Continue it with --resume, or start over with --force.",
        )
    shutil.rmtree(staging)


def _take_lock(stream: BinaryIO) -> None:
    """Hold the marker as long as the writer lives; UsageError when another run holds it."""
    if sys.platform == "win32":
        return  # an open file cannot be deleted there, so rmtree above fails by itself
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(
            "Another audit is writing to this folder now.",
            "Wait for it to end, or choose another folder with --out.",
        ) from None
    except OSError as error:  # some network file systems have no locks
        log.debug("no lock on %s: %s", stream.name, error)


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _is_audit(folder: Path) -> bool:
    """Only such a folder is ever deleted as a whole."""
    return (folder / "bagit.txt").is_file() and (folder / "data" / "audit.json").is_file()


def _free_name(out: Path) -> Path:
    number = 1
    while (candidate := out.with_name(f"{out.name}.old-{number}")).exists():
        number += 1
    return candidate

"""Replay, run: checks the bundle, restores again from its source, and compares as it goes.

The bundle is only read; what must lie on disk lies in a temporary folder that is gone afterwards.
With ``faces`` the first N faces (by frame, then person) are restored again from the recorded
points, and nothing behind their last frame is decoded; without it finding and following people is
repeated too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forensics.assembly import find_flags, flags_by_face
from forensics.config import Settings
from forensics.engines import Engines, load_engines
from forensics.errors import EnvironmentLacks, InputError, UsageError
from forensics.evidence import strict
from forensics.evidence.archive_tree import open_tree
from forensics.evidence.lines import AUDIT, parse_audit
from forensics.evidence.names import readable_name
from forensics.evidence.tree import Tree
from forensics.evidence.verification import Verification
from forensics.evidence.verify import verify
from forensics.media.probe import Media, probe
from forensics.media.reader import DecodedFrame
from forensics.media.written import Written
from forensics.pipeline import follow_people, restore_and_measure
from forensics.progress import Progress
from forensics.records import Audit
from forensics.replay.compare import Enough, Key, ReplaySink
from forensics.replay.environment import changed_fields
from forensics.replay.outcome import Replay, Tally
from forensics.replay.recorded import (
    check_networks,
    faces_of,
    frames_of,
    recorded_following,
    settings_of,
    source_file,
)

Say = Callable[[str], None]
ENVIRONMENT = "data/run/environment.json"


class _Unwritten:
    """A `forensics.media.writer.Writer` that compares a single picture and writes nothing."""

    def __init__(self, sink: ReplaySink, audit: Audit) -> None:
        self._sink = sink
        one = audit.source.kind == "image" and audit.restored is not None
        self._file = audit.restored.file if one and audit.restored is not None else None

    def write(self, decoded: DecodedFrame, rgb_u8: NDArray[np.uint8]) -> None:
        """Hold a restored picture against the bundle's; a clip is lossy and held by digest."""
        if self._file is not None:
            self._sink.compare(self._file, decoded.frame, None, rgb_u8)

    def close(self) -> Written:
        raise AssertionError("a replay writes no medium")

    def abort(self) -> None:
        """Nothing was written."""


def replay(
    bundle: Path,
    *,
    faces: int | None = None,
    original: Path | None = None,
    device: str | None = None,
    progress: Progress,
    say: Say,
) -> Replay:
    """Restore again from a bundle's source and compare.

    Raises `UsageError` (2) without a source or where the audit restored nothing, `InputError` (3)
    for what is no bundle or cannot be read to its end, `IntegrityError` (4) for another source or
    network, `EnvironmentLacks` (5).
    """
    if faces is not None and faces < 1:
        raise UsageError("--faces: at least one", "Leave it out to replay the whole bundle.")
    checked = verify(bundle, original=original)
    _refuse_unreadable(checked)
    tree = open_tree(bundle)
    audit = parse_audit(tree.read(AUDIT, strict.MAX_DOCUMENT_BYTES))
    _refuse_unrestored(audit)
    settings = settings_of(audit, device)
    with tempfile.TemporaryDirectory(prefix="forensics-replay-") as name:
        path = source_file(tree, audit, original, Path(name))
        engines = load_engines(settings)
        notes = check_networks(audit, engines.models)
        say(f"Replaying {readable_name(bundle.name)}: {audit.totals.faces} recorded face(s).")
        tally = Tally()
        last = _last_face(tree, faces)
        sink = ReplaySink(tree, frames_of(tree), faces_of(tree), tally, last)
        media = probe(path)
        if last is None:
            _whole(media, engines, settings, audit, sink, progress)
            scope = "the whole source, from finding people to every flag"
        else:
            _part(media, engines, settings, audit, sink, progress, tree)
            scope = (
                f"the first {tally.faces} of {audit.totals.faces} face(s) by frame and person, "
                "from the recorded points; finding and following people was not repeated"
            )
        changes = changed_fields(_environment(tree))
    return Replay(checked.bundle, checked.verdict, tally.level(), tally, scope, changes, notes)


def _refuse_unreadable(checked: Verification) -> None:
    if checked.verdict == "incomplete":
        raise InputError(checked.first_line, "Replay needs a complete bundle.")
    if checked.verdict == "could_not_check":
        raise EnvironmentLacks(checked.first_line)


def _refuse_unrestored(audit: Audit) -> None:
    """A run that restored nothing has nothing to restore again."""
    if audit.mode == "restore":
        return
    what = "held somebody else's restoration against its source"
    if audit.mode == "restored_only":
        what = "looked at a restored clip without its original"
    raise UsageError(
        f"nothing was restored in this audit, so nothing can be restored again: it {what}",
        f"To repeat what it measured: {audit.reproduce.get('audit', 'run the same audit again')}",
    )


def _last_face(tree: Tree, faces: int | None) -> Key | None:
    """Frame and person of the Nth recorded face; None for all of the bundle."""
    if faces is None:
        return None
    last: Key | None = None
    for line in islice(faces_of(tree), faces):
        last = (line.frame, line.person)
    if last is None:
        raise UsageError("--faces: this bundle records no face", "Leave it out.")
    return last


def _whole(
    media: Media,
    engines: Engines,
    settings: Settings,
    audit: Audit,
    sink: ReplaySink,
    progress: Progress,
) -> None:
    following = follow_people(media, engines, sink, progress)
    writer = _Unwritten(sink, audit)
    restore_and_measure(media, following, engines, settings, writer, sink, progress)
    facts = sink.gathered.facts
    size = (media.source.display_width, media.source.display_height)
    sink.finish(flags_by_face(find_flags(facts, size), facts))


def _part(
    media: Media,
    engines: Engines,
    settings: Settings,
    audit: Audit,
    sink: ReplaySink,
    progress: Progress,
    tree: Tree,
) -> None:
    writer = _Unwritten(sink, audit)
    following = recorded_following(tree)
    with suppress(Enough):
        restore_and_measure(media, following, engines, settings, writer, sink, progress)
    sink.finish(None)


def _environment(tree: Tree) -> dict[str, object]:
    raw = tree.read(ENVIRONMENT, strict.MAX_LINE_BYTES)
    try:
        found = strict.loads(raw, strict.MAX_LINE_BYTES)
    except strict.StrictJsonError as error:
        raise InputError(f"{ENVIRONMENT} is damaged: {error}") from error
    return found if isinstance(found, dict) else {}

"""Capture, clip: one address from the web to files with their record, or nothing.

Promise: files appear under their own names only when they came whole, were hashed while they were
written and again from the disk; the clip itself appears last.  Loads yt_dlp only when called.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from forensics import __version__
from forensics.capture.redaction import plain
from forensics.capture.targets import PUBLIC, Reach, check_given
from forensics.errors import EnvironmentLacks, InputError, IntegrityError, UsageError
from forensics.evidence.names import safe_name
from forensics.record_capture import RECORD_SUFFIX, Capture, Choice, Exchange

if TYPE_CHECKING:
    from forensics.capture.extraction import Entry, Extraction
    from forensics.capture.line import Net
    from forensics.capture.transfer import Transferred

MAX_BYTES = 4 * 2**30
MAX_SECONDS = 3600.0
INFO_SUFFIX = ".info.json"
Advance = Callable[[int, int | None], None]
Place = Callable[[str], Path]
"""The folder for a clip with this stem."""


@dataclass(frozen=True)
class Limits:
    """What one clip may cost: bytes of a file, seconds for everything about it."""

    max_bytes: int = MAX_BYTES
    max_seconds: float = MAX_SECONDS


@dataclass(frozen=True)
class Captured:
    """A clip that was captured."""

    path: Path
    record_path: Path
    record: Capture

    @property
    def exit_code(self) -> int:
        """3 when there is reason to doubt that this is the file that the site serves."""
        return 3 if self.record.doubts else 0

    def lines(self) -> list[str]:
        """For a person."""
        files = [
            f"{f.role}: {self.path.with_name(f.name)} ({f.bytes} bytes, SHA-256 {f.sha256})"
            for f in self.record.files
        ]
        return [
            f"Captured from {self.record.url_final}",
            *files,
            *(f"Note: {note}" for note in self.record.notes),
            *(f"In doubt: {doubt}" for doubt in self.record.doubts),
            f"Record: {self.record_path}",
        ]


@dataclass(frozen=True)
class Lost:
    """A clip of a list that could not be captured; nothing of it was kept."""

    index: int
    title: str
    reason: str
    hint: str
    exit_code: int = 3

    def lines(self) -> list[str]:
        """For a person."""
        return [f"Not captured: clip {self.index} of the list ({self.title}): {self.reason}"]


def check_extra() -> None:
    """Raise `EnvironmentLacks` where the extra is not installed."""
    if find_spec("yt_dlp") is None:
        raise EnvironmentLacks(
            "yt-dlp is not installed, so nothing can be captured from the web",
            "Install it with: pip install 'restoration-forensics[capture]'",
        )


def capture(
    url: str,
    place: Place,
    *,
    limits: Limits | None = None,
    playlist: bool = False,
    advance: Advance = lambda received, stated: None,
    reach: Reach = PUBLIC,
) -> Iterator[Captured | Lost]:
    """Capture the clip at ``url``, or with ``playlist`` every clip of a list, one after the other.

    ``place`` gives the folder for a clip's stem; a file that is there already is never replaced.
    The limits hold for each clip; one of a list that cannot be captured is `Lost` and the others
    go on.  ``reach`` is for tests.  Raises `UsageError`, `InputError`, `IntegrityError` or
    `EnvironmentLacks`; clips given before are whole and stay.
    """
    check_given(url)
    check_extra()
    from forensics.capture.extraction import Extraction
    from forensics.capture.line import Net

    allowed = limits or Limits()
    net = Net(reach, allowed.max_seconds)
    try:
        extraction = Extraction(net, playlist)
        for entry in extraction.entries(url):
            if entry.playlist is not None and entry.playlist.index > 1:
                net.begin(allowed.max_seconds)
            try:
                whole = extraction.whole(entry)
                yield _capture_one(url, whole, net, extraction, place, allowed, advance)
            except (InputError, UsageError) as error:  # also: its file is there already
                if entry.playlist is None:
                    raise
                yield Lost(entry.playlist.index, entry.title, error.message, error.hint)
    finally:
        net.close()


def _capture_one(
    url: str,
    entry: Entry,
    net: Net,
    extraction: Extraction,
    place: Place,
    limits: Limits,
    advance: Advance,
) -> Captured:
    from forensics.capture.extraction import choose
    from forensics.capture.transfer import transfer

    taken = choose(entry)
    stem = _stem(entry)
    folder = place(stem)
    name = f"{stem}.{taken.video.ext}"
    sound = f"{stem}.audio.{taken.audio.ext}" if taken.audio else None
    begun = Begun(url, entry, taken.choice, net.started_utc, tuple(net.exchanges), limits)
    targets = [n for n in (name, sound, name + INFO_SUFFIX, name + RECORD_SUFFIX) if n]
    _check_free(folder, targets)
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".capture-", suffix=".incomplete", dir=folder))
    try:
        args = (limits.max_bytes, advance)
        got = [transfer(net, extraction, taken.video, staging / name, "video", *args)]
        if taken.audio and sound:
            got.append(transfer(net, extraction, taken.audio, staging / sound, "audio", *args))
        info, removed = extraction.info_json(entry)
        (staging / (name + INFO_SUFFIX)).write_bytes(info)
        record = _record(begun, net, got, (name + INFO_SUFFIX, info, removed))
        (staging / (name + RECORD_SUFFIX)).write_bytes(record_bytes(record))
        _check_free(folder, targets)
        # The clip itself last: where it stands, everything about it stands.
        for part in reversed(targets):
            (staging / part).rename(folder / part)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if made:
            with suppress(OSError):  # what was captured is in it
                folder.rmdir()
    captured = Captured(folder / name, folder / (name + RECORD_SUFFIX), record)
    check_captured(captured)
    return captured


@dataclass(frozen=True)
class Begun:
    """What is known of a capture before its files are fetched."""

    url: str
    entry: Entry
    choice: Choice
    started_utc: str
    pages: tuple[Exchange, ...]
    limits: Limits


def _record(
    begun: Begun, net: Net, got: Sequence[Transferred], info: tuple[str, bytes, int]
) -> Capture:
    """The record; ``info``: name, bytes and removed values of what the extractor found."""
    facts, files = begun.entry.info, tuple(g.file for g in got)
    return Capture(
        version=__version__,
        yt_dlp=_yt_dlp_version(),
        python=platform.python_version(),
        url=begun.url,
        url_final=files[0].url,
        started_utc=begun.started_utc,
        ended_utc=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        extractor=str(facts.get("extractor_key") or facts.get("extractor") or "unknown"),
        page_url=_text(facts.get("webpage_url"), net),
        title=_text(facts.get("title"), net),
        media_id=_text(facts.get("id"), net),
        playlist=begun.entry.playlist,
        choice=begun.choice,
        files=files,
        pages=begun.pages,
        info_file=info[0],
        info_sha256=hashlib.sha256(info[1]).hexdigest(),
        removed=info[2],
        max_bytes=begun.limits.max_bytes,
        max_seconds=begun.limits.max_seconds,
        notes=(*(n for g in got for n in g.notes), *_refused(net)),
        doubts=tuple(d for g in got for d in g.doubts),
    )


def record_bytes(record: Capture) -> bytes:
    """A record as it is written."""
    document = record.model_dump(mode="json", by_alias=True)
    return (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def check_captured(captured: Captured) -> None:
    """Hash every file again from the disk; `IntegrityError` when one is not what was received."""
    for file in captured.record.files:
        path = captured.path.with_name(file.name)
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != file.sha256:
            raise IntegrityError(
                f"{str(path)!r} is not what was received: something changed it on the disk",
                "Capture it again, to a place where nothing else writes.",
            )


def _stem(entry: Entry) -> str:
    """A name for the clip: its title and its id, safe on every system."""
    title, media_id = entry.title, plain(str(entry.info.get("id") or ""))
    raw = title if not media_id or media_id == title else f"{title} [{media_id}]"
    # Room for the longest suffix; a dot at the end would be cut by `safe_name` of the whole.
    return safe_name(raw.encode()[:110].decode(errors="ignore"))


def _check_free(folder: Path, names: list[str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is a file, not a folder", "Choose another with --out.")
    for name in names:
        if (folder / name).exists() or (folder / name).is_symlink():
            raise UsageError(
                f"{str(folder / name)!r} is there already and is not replaced",
                "Choose another folder with --out.",
            )


def _refused(net: Net) -> tuple[str, ...]:
    """Addresses that the site named and that were not asked, while the clip was found without."""
    return () if net.refusal is None else (f"Not asked: {net.refusal.message}",)


def _text(value: object, net: Net) -> str | None:
    return None if value is None else net.redaction.text(str(value))


def _yt_dlp_version() -> str:
    from yt_dlp.version import __version__ as version

    return str(version)


def one(url: str, place: Place, *, limits: Limits | None = None, reach: Reach = PUBLIC) -> Captured:
    """Capture the single clip at ``url``; see `capture`."""
    for captured in capture(url, place, limits=limits, reach=reach):
        if isinstance(captured, Lost):
            raise InputError(captured.reason, captured.hint)
        return captured
    raise InputError(f"no video was found at {url!r}")

"""Models, ledger: what was fetched from where, and which licences were agreed to, per model.

Loads no torch.  One small file per model in the models folder; an agreement holds for the words it
was given to, so a changed notice is asked for again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from forensics import __version__
from forensics.config import models_dir
from forensics.errors import IntegrityError
from forensics.models.converted import write_whole
from forensics.models.official import Official


@dataclass(frozen=True)
class Note:
    """What is known of one model's file here. None: it did not happen."""

    fetched_utc: str | None = None
    fetched_from: str | None = None
    fetched_sha256: str | None = None
    agreed_utc: str | None = None
    agreed_notice_sha256: str | None = None
    agreed_with_version: str | None = None


def note_path(name: str) -> Path:
    """Where the note of a model is kept."""
    return models_dir() / "notes" / f"{name}.json"


def read_note(name: str) -> Note:
    """The note of a model; an empty one where there is none.

    Raises `IntegrityError` for a note that cannot be read: it was not written here.
    """
    if not note_path(name).is_file():
        return Note()
    try:
        document = json.loads(note_path(name).read_text("utf-8"))
        return Note(**document)
    except (ValueError, TypeError) as error:
        raise IntegrityError(
            f"the note {note_path(name)} cannot be read: {error}",
            "Remove it; the licence is then asked for again.",
        ) from error


def agreed(row: Official) -> bool:
    """Whether the licence of this row was agreed to here, in the words it has now."""
    return not row.non_commercial or read_note(row.name).agreed_notice_sha256 == row.notice_sha256


def record_agreement(row: Official) -> None:
    """Keep that the licence of this row was agreed to, and when."""
    agreement = replace(
        read_note(row.name),
        agreed_utc=_now(),
        agreed_notice_sha256=row.notice_sha256,
        agreed_with_version=__version__,
    )
    _write(row.name, agreement)


def record_fetch(row: Official, url: str) -> None:
    """Keep that the file of this row came from ``url`` (without user names and passwords)."""
    fetched = replace(
        read_note(row.name), fetched_utc=_now(), fetched_from=url, fetched_sha256=row.sha256
    )
    _write(row.name, fetched)


def _write(name: str, note: Note) -> None:
    write_whole(note_path(name), json.dumps(asdict(note), indent=1).encode() + b"\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

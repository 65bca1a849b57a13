"""Acquisition: where the source came from, who handed it over and why, and what it said of itself.

Integrity is claimed since this moment only.  Times of a file system and tags of a container are
claims of whoever held the file; nothing here vouches for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, JsonValue

from forensics.evidence.names import readable_name
from forensics.record_base import Record
from forensics.record_capture import CaptureNote
from forensics.record_credentials import Credentials

ACQUISITION_SCHEMA: Final = "restoration-forensics/acquisition/1"
MAX_FILES: Final = 10_000
CLAIM: Final = (
    "Integrity is claimed from this moment on. What happened to the source before is not known "
    "here; times of the file system and tags are claims of whoever held it."
)


class FileTimes(Record):
    """One file of the source before it was read, as its file system describes it."""

    name: str
    bytes: int
    modified_utc: str
    changed_utc: str = Field(description="last change of its entry; not its creation")


class Hashed(Record):
    """Digests of the whole source at one moment; of its list of files for a folder."""

    sha256: str
    sha512: str
    bytes: int


class OtherAcquired(Record):
    """Somebody else's restoration, as it was taken in beside its source."""

    given: str | None = Field(description="as given; its name alone in a private run")
    file: str
    kind: Literal["video", "image", "frames"]
    before: Hashed
    after: Hashed = Field(description="hashed again once everything was read")
    files: tuple[FileTimes, ...]
    files_left_out: int = 0
    container: dict[str, JsonValue] | None = None
    container_missing: str | None = None
    credentials: Credentials | None = None
    kept: bool = Field(description="the bytes are in data/restored/")


class Acquisition(Record):
    """data/run/acquisition.json."""

    schema_: Literal["restoration-forensics/acquisition/1"] = Field(
        default="restoration-forensics/acquisition/1", alias="schema"
    )
    claim: str = CLAIM
    method: Literal["read from this machine's file system"] = "read from this machine's file system"
    acquired_utc: str
    given: str | None = Field(description="the source as given; its name alone in a private run")
    file: str
    kind: Literal["video", "image", "frames"]
    before: Hashed
    after: Hashed = Field(description="hashed again once everything was read")
    files: tuple[FileTimes, ...]
    files_left_out: int = Field(default=0, description="of a folder with very many")
    container: dict[str, JsonValue] | None = Field(
        default=None, description="what the headers of a video state, unchecked"
    )
    container_missing: str | None = Field(default=None, description="why there is none")
    credentials: Credentials | None = None
    capture: CaptureNote | None = Field(
        default=None, description="the record of its capture from the web lay beside the file"
    )
    operator: str | None = None
    case: str | None = None
    purpose: str | None = None
    kept: bool = Field(description="the bytes are in data/original/")
    other: OtherAcquired | None = Field(
        default=None, description="the restoration that was held against the source"
    )


def file_times(paths: Sequence[Path]) -> tuple[FileTimes, ...]:
    """Sizes and times of the first `MAX_FILES` files; taken before anything is read."""
    found = []
    for path in paths[:MAX_FILES]:
        status = path.stat()
        found.append(
            FileTimes(
                name=readable_name(path.name),
                bytes=status.st_size,
                modified_utc=_utc(status.st_mtime),
                changed_utc=_utc(status.st_ctime),
            )
        )
    return tuple(found)


def _utc(seconds: float) -> str:
    """A time of a file system; files may claim years that a calendar does not have."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return f"{seconds:.3f} s since 1970"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Records, media: what was examined, what was written, and what became of every stream."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from forensics.record_base import Record
from forensics.record_capture import CaptureNote
from forensics.record_credentials import Credentials


class Stream(Record):
    """Another stream of the source, and what became of it."""

    index: int
    kind: str
    codec: str
    packets: int | None = None
    packets_sha256: str | None = None
    outcome: Literal["copied", "sidecar", "dropped"]
    reason: str | None = None


class Source(Record):
    """What was examined."""

    file: str
    sha256: str
    sha512: str
    bytes: int
    kind: Literal["video", "image", "frames"]
    width: int = Field(description="as coded, before rotation and square pixels")
    height: int
    sar: str = Field(description="sample aspect ratio, like 1:1")
    rotation: int = Field(description="degrees clockwise applied to show it upright")
    display_width: int = Field(description="after rotation and square pixels")
    display_height: int
    frames: int
    duration_s: float | None
    time_base: str | None = Field(description="like 1/12800")
    vfr: bool
    audio: tuple[Stream, ...] = ()
    other_streams: tuple[Stream, ...] = ()
    container: str | None = None
    codec: str | None = None
    pix_fmt: str | None = None
    colour: dict[str, str] = Field(default={})
    assumptions: tuple[str, ...] = Field(
        default=(), description="what the file does not say and was assumed"
    )
    note: str | None = Field(default=None, description="what the maker says about the file")
    declared: str | None = Field(
        default=None,
        description="what its own tags say of a network that drew in it (of a folder: the first "
        "picture that says so); a word, no proof",
    )
    credentials: Credentials | None = Field(
        default=None, description="Content Credentials in it; None where nobody looked"
    )
    capture: CaptureNote | None = Field(
        default=None, description="where it was captured from; None for a file without that record"
    )


class Restored(Record):
    """What was written."""

    file: str
    sha256: str
    bytes: int
    width: int
    height: int
    frames: int
    codec: str | None = None
    encoder: dict[str, str] = Field(default={})
    credentials: Credentials | None = Field(
        default=None, description="Content Credentials written into it; None where none were"
    )


class Artefact(Record):
    """An output format and whether it was made."""

    file: str
    outcome: Literal["written", "skipped", "failed"]
    reason: str | None = None
    renderer: dict[str, str] = Field(
        default={}, description="versions that decide its bytes; empty in older bundles"
    )


class Comparison(Record):
    """The side-by-side videos of one person, and whether they were made."""

    file: str
    person: int = Field(ge=0)
    frames: int = Field(ge=0)
    outcome: Literal["written", "skipped", "failed"]
    reason: str | None = None
    viewer: str | None = Field(
        default=None,
        description="the small clip for the viewer of a report: footage, restored face and map; "
        "its frames are those of the person, in order; None in older bundles",
    )
    rate: str | None = Field(default=None, description="frames a second of both clips, like 25/1")

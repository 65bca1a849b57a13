"""Records, capture: where a clip from the web came from, and what was asked, answered and kept."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, JsonValue

from forensics.record_base import Record

CAPTURE_SCHEMA: Final = "restoration-forensics/capture/1"
RECORD_SUFFIX: Final = ".capture.json"
CAPTURE_CLOCK_FIELDS: Final = ("started_utc", "ended_utc")
CLAIM: Final = (
    "These bytes were served at this address to this machine at this time. Who made them, whether "
    "the site altered them, and what others are served is not known here."
)


class Certificate(Record):
    """What the server showed for itself: its leaf certificate and the session it opened."""

    subject: str
    issuer: str
    not_before_utc: str
    not_after_utc: str
    sha256: str = Field(description="of the certificate in DER")
    tls: str = Field(description="protocol of the session, like TLSv1.3")
    cipher: str


class Exchange(Record):
    """One request and its answer; a redirect is one of its own."""

    url: str = Field(description="values that look like secrets are replaced by REMOVED")
    method: str
    status: int
    address: str = Field(description="address and port this machine was connected to")
    certificate: Certificate | None = Field(default=None, description="None for plain http")
    headers: tuple[tuple[str, str], ...] = Field(
        default=(), description="of the answer, in order; cookies are replaced by REMOVED"
    )


class CapturedFile(Record):
    """One file as it was served, whole, and how it came."""

    role: Literal["video", "audio"]
    name: str
    sha256: str
    sha512: str
    bytes: int = Field(ge=0)
    bytes_stated: int | None = Field(description="Content-Length; None where none was stated")
    url: str = Field(description="the last of the chain, that answered with the file")
    content_type: str | None = None
    format_id: str
    started_utc: str
    ended_utc: str
    chain: tuple[Exchange, ...] = Field(description="every answer from first request to the file")
    asked_again: Exchange | None = Field(
        default=None, description="the same address asked once more when the file had come"
    )


class Choice(Record):
    """The format that was taken, and why."""

    format_id: str
    why: str
    offered: int = Field(ge=0, description="formats that the site offered")
    protocol: str
    ext: str
    width: int | None = None
    height: int | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    facts: dict[str, JsonValue] = Field(default={}, description="as the extractor states them")


class Playlist(Record):
    """The list an entry was taken from."""

    title: str | None
    index: int = Field(ge=1)
    entries: int = Field(ge=1)


class Capture(Record):
    """NAME.capture.json: the record of one capture, beside its file."""

    schema_: Literal["restoration-forensics/capture/1"] = Field(
        default="restoration-forensics/capture/1", alias="schema"
    )
    claim: str = CLAIM
    version: str = Field(description="of this software")
    yt_dlp: str
    python: str
    url: str = Field(description="as it was given")
    url_final: str = Field(description="where the video came from in the end")
    started_utc: str
    ended_utc: str
    extractor: str
    page_url: str | None = None
    title: str | None = None
    media_id: str | None = None
    playlist: Playlist | None = None
    choice: Choice
    files: tuple[CapturedFile, ...] = Field(min_length=1, description="the video first")
    pages: tuple[Exchange, ...] = Field(description="what was asked to find the file")
    info_file: str = Field(description="what the extractor found, without cookies and tokens")
    info_sha256: str
    removed: int = Field(ge=0, description="values replaced by REMOVED in that file")
    max_bytes: int
    max_seconds: float
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = Field(
        default=(), description="why the file may not be what the site meant to serve; exit 3"
    )


class CaptureNote(Record):
    """Where a source came from, in audit.json and acquisition.json."""

    url: str
    url_final: str
    captured_utc: str = Field(description="when the file had come")
    sha256: str = Field(description="of the captured file, when it was written")
    record: str = Field(description="file of the bundle that holds the whole record")
    record_sha256: str
    doubts: tuple[str, ...] = ()


def capture_note(record: Capture, record_sha256: str, place: str) -> CaptureNote:
    """The short form of a record whose bytes have the digest ``record_sha256``."""
    return CaptureNote(
        url=record.url,
        url_final=record.url_final,
        captured_utc=record.files[0].ended_utc,
        sha256=record.files[0].sha256,
        record=place,
        record_sha256=record_sha256,
        doubts=record.doubts,
    )

"""Records, credentials: what Content Credentials (C2PA) a file carried when it was looked at."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from forensics.record_base import Record

CredentialState = Literal["Trusted", "Valid", "Invalid"]


class CredentialFailure(Record):
    """A check that the credentials of a file, or of what it was made from, did not pass."""

    code: str = Field(description="C2PA status code, like assertion.dataHash.mismatch")
    place: str = Field(description="this file, or which of its ingredients")
    words: str = Field(default="", description="the reader's explanation")


class Credentials(Record):
    """Content Credentials of one medium, read without a network.

    ``none``: it carries none, which says nothing about it.  ``unreadable``: they could not be read,
    with the reason.  Where several files were read (a folder), the figures are of all of them and
    the other fields of the first that carries credentials.
    """

    outcome: Literal["found", "none", "unreadable"]
    reason: str | None = Field(default=None, description="why they could not be read")
    state: CredentialState | None = Field(
        default=None, description="the reader's word; worst of several files"
    )
    anchored: bool = Field(
        default=False, description="signers were compared with given trust anchors"
    )
    manifest: str | None = Field(default=None, description="label of the active manifest")
    manifests: int = 0
    signer: str | None = Field(default=None, description="name in the signing certificate")
    signed_utc: str | None = Field(default=None, description="by a time stamp inside, if any")
    generator: str | None = Field(default=None, description="software that made the claim")
    actions: tuple[str, ...] = ()
    source_types: tuple[str, ...] = Field(
        default=(), description="IPTC digital source types that its actions claim"
    )
    failures: tuple[CredentialFailure, ...] = ()
    files: int = Field(default=1, description="files that were read")
    files_with: int = Field(default=0, description="files that carry credentials")
    file: str | None = Field(default=None, description="the file these fields are of, in a folder")
    sidecar: str | None = Field(
        default=None, description="file in the bundle that holds them, where they are not embedded"
    )
    reader: str | None = Field(default=None, description="library and version that read them")

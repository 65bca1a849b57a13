"""Credentials: what page 1 says of the Content Credentials of the source and of what was restored.

A failure always shows, also one of an ingredient under a file that is itself in order; that none
were found is said in their place.  Nothing here calls a picture genuine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from forensics.record_credentials import Credentials
from forensics.records import Audit

NAME: Final = "Content Credentials of the source"
OTHER: Final = "Content Credentials of the restoration that was given"
ALONE: Final = "Content Credentials of the clip"
NOT_PROOF: Final = (
    "Credentials say who signed a file and what that signer claims; they do not say that the"
    " picture is right."
)
_MOST: Final = 5


@dataclass(frozen=True)
class CredentialNote:
    """A paragraph for the head of the report; ``failing`` ones are set apart."""

    text: str
    failing: bool


def credential_notes(audit: Audit) -> tuple[CredentialNote, ...]:
    """What to say, in order; empty for a run that did not look."""
    if audit.source.credentials is None:
        return ()
    alone = audit.mode == "restored_only"
    notes = list(source_notes(audit.source.credentials, ALONE if alone else NAME))
    if audit.pair is not None and audit.pair.credentials is not None:
        notes += source_notes(audit.pair.credentials, OTHER)
    restored = audit.restored.credentials if audit.restored is not None else None
    if restored is not None:
        notes.append(_restored_note(restored))
    return tuple(notes)


def source_notes(found: Credentials, name: str = NAME) -> tuple[CredentialNote, ...]:
    """What to say of a medium's own; the terminal says the same before anything is restored."""
    failing = (CredentialNote(_failures(found), failing=True),) if found.failures else ()
    return (_source_note(found, name), *failing)


def _source_note(found: Credentials, name: str) -> CredentialNote:
    if found.outcome == "none":
        which = "" if found.files == 1 else f" in any of {found.files:,} files"
        return CredentialNote(f"{name}: none found{which}.", False)
    if found.outcome == "unreadable":
        return CredentialNote(f"{name}: could not be read ({_ended(found.reason)}).", False)
    who = f"signed by \u201c{found.signer}\u201d" if found.signer else "signed by an unnamed signer"
    if found.state == "Invalid":
        head = f"{name}: present and NOT VALID, {who}."
    elif found.state == "Trusted":
        head = f"{name}: {_whole(found)}, {who}, whom the given list of signers names."
    else:
        head = f"{name}: {_whole(found)}, {who}; who that is was not checked."
    parts = [head]
    if found.files > 1:
        parts.append(f"{found.files_with:,} of {found.files:,} files carry some.")
    if found.reason:
        parts.append(f"{_ended(found.reason)}.")
    if found.source_types:
        parts.append(f"They claim the source type {', '.join(found.source_types)}.")
    parts.append(NOT_PROOF)
    return CredentialNote(" ".join(parts), failing=found.state == "Invalid")


def _whole(found: Credentials) -> str:
    if found.failures:
        return "present, unbroken in this file, not in what it was made from"
    return "present and unbroken"


def _failures(found: Credentials) -> str:
    shown = [
        f"{failure.code} ({failure.place}{': ' + failure.words if failure.words else ''})"
        for failure in found.failures[:_MOST]
    ]
    more = len(found.failures) - _MOST
    tail = f"; and {more} more in audit.json" if more > 0 else ""
    return (
        f"Failed checks of these credentials: {'; '.join(shown)}{tail}. What they say of the parts"
        " named here cannot be relied on."
    )


def _restored_note(restored: Credentials) -> CredentialNote:
    who = f" by \u201c{restored.signer}\u201d" if restored.signer else ""
    where = f" in {restored.sidecar}" if restored.sidecar else ""
    return CredentialNote(
        f"The restored file carries Content Credentials{where}, signed{who}, which say that faces"
        " in it were drawn.",
        failing=False,
    )


def _ended(reason: str | None) -> str:
    return (reason or "no reason is recorded").rstrip(".")

"""Credentials: what page 1 says of the Content Credentials of the source and of what was restored.

A failure always shows, also one of an ingredient under a file that is itself in order; that none
were found is said in their place.  Nothing here calls a picture genuine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from forensics.record_credentials import CredentialFailure, Credentials
from forensics.records import Audit
from forensics.report.known import known
from forensics.report.language import N_, _, joined_text

NAME: Final = N_("Content Credentials of the source")
OTHER: Final = N_("Content Credentials of the restoration that was given")
ALONE: Final = N_("Content Credentials of the clip")
NOT_PROOF: Final = N_(
    "Credentials say who signed a file and what that signer claims; they do "
    "not say that the picture is right."
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
    notes = list(source_notes(audit.source.credentials, _(ALONE) if alone else _(NAME)))
    if audit.pair is not None and audit.pair.credentials is not None:
        notes += source_notes(audit.pair.credentials, _(OTHER))
    restored = audit.restored.credentials if audit.restored is not None else None
    if restored is not None:
        notes.append(_restored_note(restored))
    return tuple(notes)


def source_notes(found: Credentials, name: str | None = None) -> tuple[CredentialNote, ...]:
    """What to say of a medium's own; the terminal says the same before anything is restored."""
    failing = (CredentialNote(_failures(found), failing=True),) if found.failures else ()
    return (_source_note(found, name or _(NAME)), *failing)


def _source_note(found: Credentials, name: str) -> CredentialNote:
    if found.outcome == "none":
        which = (
            "" if found.files == 1 else _(" in any of {files:,} files").format(files=found.files)
        )
        return CredentialNote(_("{name}: none found{which}.").format(name=name, which=which), False)
    if found.outcome == "unreadable":
        return CredentialNote(
            _("{name}: could not be read ({reason}).").format(
                name=name, reason=_ended(found.reason)
            ),
            False,
        )
    who = (
        _("signed by \u201c{signer}\u201d").format(signer=found.signer)
        if found.signer
        else _("signed by an unnamed signer")
    )
    if found.state == "Invalid":
        head = _("{name}: present and NOT VALID, {who}.").format(name=name, who=who)
    elif found.state == "Trusted":
        head = _("{name}: {found}, {who}, whom the given list of signers names.").format(
            name=name, found=_whole(found), who=who
        )
    else:
        head = _("{name}: {found}, {who}; who that is was not checked.").format(
            name=name, found=_whole(found), who=who
        )
    parts = [head]
    if found.files > 1:
        parts.append(
            _("{files_with:,} of {files:,} files carry some.").format(
                files_with=found.files_with, files=found.files
            )
        )
    if found.reason:
        parts.append(joined_text("", (_ended(found.reason), ".")))
    if found.source_types:
        parts.append(
            _("They claim the source type {source_types}.").format(
                source_types=", ".join(found.source_types)
            )
        )
    parts.append(_(NOT_PROOF))
    return CredentialNote(joined_text(" ", parts), failing=found.state == "Invalid")


def _whole(found: Credentials) -> str:
    if found.failures:
        return _("present, unbroken in this file, not in what it was made from")
    return _("present and unbroken")


def _failures(found: Credentials) -> str:
    shown = [joined_text("", (*_failed(failure), ")")) for failure in found.failures[:_MOST]]
    more = len(found.failures) - _MOST
    tail = _("; and {more} more in audit.json").format(more=more) if more > 0 else ""
    return _(
        "Failed checks of these credentials: {shown}{tail}. What they say of the "
        "parts named here cannot be relied on."
    ).format(shown=joined_text("; ", shown), tail=tail)


def _failed(failure: CredentialFailure) -> tuple[str, ...]:
    head = f"{failure.code} ({failure.place}"
    return (head, ": ", known(failure.words)) if failure.words else (head,)


def _restored_note(restored: Credentials) -> CredentialNote:
    who = _(" by \u201c{signer}\u201d").format(signer=restored.signer) if restored.signer else ""
    where = _(" in {sidecar}").format(sidecar=restored.sidecar) if restored.sidecar else ""
    return CredentialNote(
        _(
            "The restored file carries Content Credentials{where}, signed{who}, "
            "which say that faces in it were drawn."
        ).format(where=where, who=who),
        failing=False,
    )


def _ended(reason: str | None) -> str:
    return known(reason.rstrip(".")) if reason else _("no reason is recorded")

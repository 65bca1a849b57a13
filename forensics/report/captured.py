"""Report, captured: where a source came from, for the table of facts about it."""

from __future__ import annotations

from forensics.records import Source
from forensics.report.known import known
from forensics.report.language import _, joined_text, when


def capture_facts(source: Source) -> tuple[tuple[str, str], ...]:
    """Labels and values; none for a source without a capture record."""
    note = source.capture
    if note is None:
        return ()
    facts = [(_("captured from"), note.url)]
    if note.url_final != note.url:
        facts.append((_("which led to"), note.url_final))
    facts += [
        (_("captured at (this machine's clock, not attested)"), when(note.captured_utc)),
        (
            _("record of the capture"),
            f"{note.record}, sha256 {note.record_sha256}",
        ),
        (_("doubts about the capture"), joined_text("; ", map(known, note.doubts))),
    ]
    return tuple(facts)

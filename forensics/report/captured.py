"""Report, captured: where a source came from, for the table of facts about it."""

from __future__ import annotations

from forensics.records import Source


def capture_facts(source: Source) -> tuple[tuple[str, str], ...]:
    """Labels and values; none for a source without a capture record."""
    note = source.capture
    if note is None:
        return ()
    facts = [("captured from", note.url)]
    if note.url_final != note.url:
        facts.append(("which led to", note.url_final))
    facts += [
        ("captured at (this machine's clock, not attested)", note.captured_utc),
        ("record of the capture", f"{note.record}, sha256 {note.record_sha256}"),
        ("doubts about the capture", "; ".join(note.doubts)),
    ]
    return tuple(facts)

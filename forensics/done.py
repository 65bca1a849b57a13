"""Done: a finished audit as the command and the caller get it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from forensics.evidence.signing import seal_lines
from forensics.records import Audit
from forensics.report.other_words import NOTHING_RESTORED, TWICE, WITHOUT_ORIGINAL
from forensics.report.words import DEMONSTRATION_SENTENCE, people_sentence


@dataclass(frozen=True)
class Done:
    """A finished audit: its record, where it stands, what the command exits with."""

    audit: Audit
    bundle: Path
    exit_code: int
    notes: tuple[str, ...] = ()
    timestamp_failure: str | None = None
    """Why there is no time stamp although one was asked for; exit 3."""

    def lines(self) -> list[str]:
        """One sentence per person, the report's address, the verify command."""

        first = (WITHOUT_ORIGINAL, NOTHING_RESTORED, DEMONSTRATION_SENTENCE, TWICE)
        lines = [s for s in first if s in self.audit.limits]
        lines += self.notes
        lines += [person.summary for person in self.audit.people]
        if not self.audit.people:
            lines.append(people_sentence(0))
        lines += [f"Incomplete: {failure}" for failure in self.audit.run.failures]
        for artefact in self.audit.reports:
            if artefact.outcome == "written":
                lines.append(f"Report: {(self.bundle / 'data' / artefact.file).as_uri()}")
            else:
                lines.append(f"{artefact.file}: {artefact.outcome} ({artefact.reason})")
        lines += seal_lines(self.bundle, self.audit.run.signers, self.timestamp_failure)
        return lines

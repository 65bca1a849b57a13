"""Said: what a batch tells at its end, on the terminal."""

from __future__ import annotations

import shlex
from pathlib import Path

from forensics.record_batch import BatchSummary
from forensics.report.batch_words import bands_sentence, counts_sentence, item_line
from forensics.report.words import DEMONSTRATION_SENTENCE

_MOST = 20


def end_lines(out: Path, summary: BatchSummary) -> list[str]:
    """Counts, what failed, where the roll-up is, how to check it."""
    lines = [s for s in (DEMONSTRATION_SENTENCE,) if s in summary.limits]
    lines += [counts_sentence(summary.counts), bands_sentence(summary.bands)]
    bad = [i for i in summary.items if i.outcome != "duplicate" and not i.complete]
    lines += [f"Incomplete: {item_line(item)}" for item in bad[:_MOST]]
    if len(bad) > _MOST:
        lines.append(f"Incomplete: and {len(bad) - _MOST} more; see batch.csv")
    if summary.run.stopped:
        lines.append(summary.run.stopped)
    for file in summary.files:
        if file.file == "batch.html" and file.outcome == "written":
            lines.append(f"Roll-up: {(out / file.file).as_uri()}")
        elif file.outcome != "written":
            lines.append(f"{file.file}: {file.outcome} ({file.reason})")
    lines += [f"Signed with the key {name}" for name in summary.run.signers]
    if summary.run.signers:
        lines.append(
            "The restored media carry no Content Credentials: in a batch the key stays out of "
            "the workers."
        )
    key = ["--key", "signing.pub.pem"] if summary.run.signers else []
    return [*lines, f"Check it with: {shlex.join(['forensics', 'verify', str(out), *key])}"]

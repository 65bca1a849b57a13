"""Batch verification: what was found of a roll-up and its bundles, its words and exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from forensics.evidence.verification import Seal, Step, Verdict, conclude
from forensics.record_batch import BatchSummary

BATCH_VERIFICATION_SCHEMA = "restoration-forensics/batch-verification/1"
_SHOWN = 20


@dataclass(frozen=True)
class BundleCheck:
    """The verdict on one bundle of a batch; ``said`` is its first line or what is wrong."""

    name: str
    verdict: Verdict
    exit_code: int
    said: str


@dataclass(frozen=True)
class BatchVerification:
    """The outcome of all checks of a batch."""

    batch: str
    verdict: Verdict
    exit_code: int
    first_line: str
    steps: tuple[Step, ...]
    bundles: tuple[BundleCheck, ...]
    seal: Seal | None
    state: str
    """What the roll-up says of its own completeness; not a matter of integrity."""

    def document(self) -> dict[str, object]:
        """As JSON, for ``--json``."""
        return {
            "schema": BATCH_VERIFICATION_SCHEMA,
            "batch": self.batch,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "first_line": self.first_line,
            "steps": [step.document() for step in self.steps],
            "bundles": [
                {"bundle": b.name, "verdict": b.verdict, "exit_code": b.exit_code, "said": b.said}
                for b in self.bundles
            ],
            "signers": list(self.seal.signers) if self.seal is not None else None,
            "time_utc": self.seal.moment_utc if self.seal is not None else None,
            "state": self.state,
        }

    def lines(self) -> tuple[str, ...]:
        """For a reader: the first line, one line per check, bundles that are not in order."""
        text = [self.first_line, *(step.line() for step in self.steps)]
        bad = [b for b in self.bundles if b.exit_code]
        counts = Counter(b.verdict for b in self.bundles)
        told = ", ".join(f"{counts[v]} {v.replace('_', ' ')}" for v in sorted(counts))
        text.append(f"  {'bundles':<12} {len(self.bundles)}: {told or 'none'}")
        text += [f"    {b.name}: {b.said}" for b in bad[:_SHOWN]]
        if len(bad) > _SHOWN:
            text.append(f"    and {len(bad) - _SHOWN} more")
        if self.seal is not None:
            text.append(f"  Is the signer known?       {self.seal.signer_answer()}")
            text.append(f"  Is the time attested?      {self.seal.time_answer()}")
        if self.state:
            text.append(f"  What was audited?          {self.state}")
        return tuple(text)


def conclude_batch(
    name: str,
    steps: Sequence[Step],
    bundles: Sequence[BundleCheck],
    seal: Seal | None,
    summary: BatchSummary | None,
) -> BatchVerification:
    """The verdict of roll-up and bundles together; the gravest decides.

    Some bundles that could not be judged are an incomplete batch (3), not an intact one.
    """
    gravest = [
        Step(f"bundle {b.name}", "failed", b.said, 3 if b.exit_code == 5 else b.exit_code)
        for b in bundles
        if b.exit_code
    ]
    found = conclude(name, [*steps, *gravest], None, seal)
    said = found.first_line.split(" checks ran; ", 1)[1].replace("BUNDLE", "BATCH")
    intact = sum(b.exit_code in {0, 1} for b in bundles)
    first = f"{name}: roll-up and {intact} of {len(bundles)} bundles intact; {said}"
    if found.exit_code == 0:
        first = f"{name}: roll-up and all {len(bundles)} bundles checked; {said}"
    return BatchVerification(
        batch=name,
        verdict=found.verdict,
        exit_code=found.exit_code,
        first_line=first,
        steps=tuple(steps),
        bundles=tuple(bundles),
        seal=seal,
        state="" if summary is None else _state(summary),
    )


def _state(summary: BatchSummary) -> str:
    counts = summary.counts
    parts = [f"{counts.items} item(s)", f"{counts.done} audited"]
    for number, words in (
        (counts.unscorable, "could not be judged"),
        (counts.failed, "failed"),
        (counts.duplicate, "the same as another"),
        (counts.not_run, "not run"),
        (counts.incomplete, "incomplete"),
    ):
        if number:
            parts.append(f"{number} {words}")
    return ", ".join(parts)

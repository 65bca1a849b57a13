"""Verification: what was checked, what was found, and the words and exit code for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

VERIFICATION_SCHEMA = "restoration-forensics/verification/1"

Status = Literal["passed", "failed", "not_included", "not_checked"]
Verdict = Literal["intact_unsigned", "altered", "incomplete", "could_not_check"]

UNSIGNED = "this bundle is unsigned; anyone could have made it"
_SHOWN = 5


@dataclass(frozen=True)
class Step:
    """One check. ``exit_code`` is what it alone would mean: 0, 3, 4 or 5."""

    name: str
    status: Status
    reason: str = ""
    exit_code: int = 0


@dataclass(frozen=True)
class Verification:
    """The outcome of all checks of one bundle."""

    bundle: str
    verdict: Verdict
    exit_code: int
    first_line: str
    steps: tuple[Step, ...]
    totals: Mapping[str, int] | None
    """Counts recomputed from the lines, None where they could not be read."""

    def document(self) -> dict[str, object]:
        """As JSON, for ``--json``."""
        return {
            "schema": VERIFICATION_SCHEMA,
            "bundle": self.bundle,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "first_line": self.first_line,
            "steps": [
                {"name": step.name, "status": step.status, "reason": step.reason}
                for step in self.steps
            ],
            "totals": dict(self.totals) if self.totals is not None else None,
        }

    def lines(self) -> tuple[str, ...]:
        """For a reader: the first line, one line per check, and five questions kept apart."""
        text = [self.first_line]
        for step in self.steps:
            status = step.status.replace("_", " ")
            text.append(f"  {step.name:<12} {status:<12} {step.reason}".rstrip())
        intact = {
            "intact_unsigned": "yes: every file is what the bundle says it is",
            "altered": "no",
            "incomplete": "not decided: this is no complete bundle",
            "could_not_check": "not decided: a required check could not run here",
        }[self.verdict]
        included = {step.name for step in self.steps}
        signer = "no: the bundle is unsigned" if "signature" in included else "not decided"
        attested = "no: its dates are its maker's claim" if "time" in included else "not decided"
        text += [
            f"  Is it intact?              {intact}",
            f"  Is the signer known?       {signer}",
            f"  Is the time attested?      {attested}",
            "  Was the input good?        not judged here; see the report",
            "  Is the method reliable?    not judged here; see the limits in the report",
        ]
        return tuple(text)


def passed(name: str, reason: str) -> Step:
    return Step(name, "passed", reason)


def judged(name: str, faults: list[str], reason: str) -> Step:
    """Passed with ``reason``, or failed (altered) with the faults."""
    if not faults:
        return passed(name, reason)
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return Step(name, "failed", "; ".join(faults[:_SHOWN]) + more, 4)


def conclude(bundle: str, steps: list[Step], totals: Mapping[str, int] | None) -> Verification:
    """The verdict of all steps together: altered outranks could-not-check and incomplete."""
    codes = {step.exit_code for step in steps}
    code = next((code for code in (4, 5, 3) if code in codes), 0)
    ran = sum(step.status in {"passed", "failed"} for step in steps)
    bad = [step.name for step in steps if step.exit_code == code] if code else []
    verdict: Verdict
    if code == 4:
        verdict = "altered"
        said = f"ALTERED: {', '.join(bad)} failed; do not rely on it"
    elif code == 5:
        verdict = "could_not_check"
        said = f"COULD NOT BE CHECKED here: {', '.join(bad)} did not run"
    elif code == 3:
        verdict = "incomplete"
        said = "NOT A COMPLETE BUNDLE: " + next(s.reason for s in steps if s.exit_code == 3)
    else:
        verdict = "intact_unsigned"
        said = "intact, but unsigned: anyone could have made it"
    counts = f" ({_counts(totals)})" if totals and not code else ""
    first = f"{bundle}: {ran} checks ran; {said}{counts}."
    return Verification(bundle, verdict, code, first, tuple(steps), totals)


def _counts(totals: Mapping[str, int]) -> str:
    text = f"{totals['frames']} frames, {totals['people']} people, {totals['faces']} faces"
    lost = [
        f"{words}: {totals[key]}"
        for key, words in (
            ("frames_failed", "failed frames"),
            ("faces_failed", "failed faces"),
            ("faces_skipped", "skipped faces"),
        )
        if totals[key]
    ]
    return ", ".join([text, *lost])

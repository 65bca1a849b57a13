"""Verification: what was checked, what was found, and the words and exit code for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from forensics.errors import EnvironmentLacks, InputError, IntegrityError

VERIFICATION_SCHEMA = "restoration-forensics/verification/1"

Status = Literal["passed", "failed", "not_included", "not_checked"]
Depth = Literal["plain", "deep"]
Verdict = Literal[
    "intact_signer_known",
    "intact_signer_unchecked",
    "intact_unsigned",
    "altered",
    "incomplete",
    "could_not_check",
]
SignerState = Literal["unsigned", "unchecked", "known"]
TimeState = Literal["not_attested", "issuer_unchecked", "attested"]

UNSIGNED = "this bundle is unsigned; anyone could have made it"
_SHOWN = 5


@dataclass(frozen=True)
class Step:
    """One check. ``exit_code`` is what it alone would mean: 0, 1 (a gate), 3, 4 or 5.

    ``about_input`` is what it says of the original's own credentials.
    """

    name: str
    status: Status
    reason: str = ""
    exit_code: int = 0
    about_input: str = ""

    def document(self) -> dict[str, str]:
        """As JSON."""
        return {"name": self.name, "status": self.status, "reason": self.reason}

    def line(self) -> str:
        """For a reader."""
        status = self.status.replace("_", " ")
        return f"  {self.name:<12} {status:<12} {self.reason}".rstrip()


@dataclass(frozen=True)
class Seal:
    """Who signed and when, as far as it was checked; None in its place: not decided."""

    signer: SignerState
    signers: tuple[str, ...] = ()
    """Fingerprints of all who signed."""
    known: tuple[str, ...] = ()
    """Those whose keys the reader pinned."""
    time: TimeState = "not_attested"
    moment_utc: str | None = None

    def at(self, time: TimeState, moment_utc: str) -> Seal:
        """The same seal with a time stamp."""
        return replace(self, time=time, moment_utc=moment_utc)

    def without(self, lapsed: Iterable[str]) -> Seal:
        """The same seal, known by the keys that counted at the time alone."""
        gone = set(lapsed)
        return replace(self, known=tuple(name for name in self.known if name not in gone))

    def signer_answer(self) -> str:
        """Answer to "Is the signer known?"."""
        if self.signer == "unsigned":
            return "no: the bundle is unsigned"
        if self.signer == "unchecked":
            return (
                f"not checked: the key {', '.join(self.signers)} signed it; whose it is, only a "
                "key that you hold from elsewhere can tell (--key)"
            )
        return f"yes: signed with the given key {', '.join(self.known)}"

    def time_answer(self) -> str:
        """Answer to "Is the time attested?"."""
        if self.time == "attested":
            return f"yes: the signature existed at {self.moment_utc}"
        if self.time == "issuer_unchecked":
            return f"not checked: a token names {self.moment_utc}; give --tsa-root to check it"
        return "no: its dates are its maker's claim"


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
    seal: Seal | None = None
    """Who signed and when; None when that was not decided."""
    depth: Depth = "plain"
    """Whether media were also decoded and reports drawn again."""

    def document(self) -> dict[str, object]:
        """As JSON, for ``--json``."""
        return {
            "schema": VERIFICATION_SCHEMA,
            "bundle": self.bundle,
            "depth": self.depth,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "first_line": self.first_line,
            "steps": [step.document() for step in self.steps],
            "totals": dict(self.totals) if self.totals is not None else None,
            "signers": list(self.seal.signers) if self.seal is not None else None,
            "time_utc": self.seal.moment_utc if self.seal is not None else None,
            "questions": self.answers(),
        }

    def answers(self) -> dict[str, str]:
        """Five answers that must not be mixed up: none follows from another."""
        intact = {
            "altered": "no",
            "incomplete": "not decided: this is no complete bundle",
            "could_not_check": "not decided: a required check could not run here",
        }.get(self.verdict, "yes: every file is what the bundle says it is")
        said = next((step.about_input for step in self.steps if step.about_input), "")
        credentials = f"; Content Credentials of the {said}" if said else ""
        return {
            "intact": intact,
            "signer": self.seal.signer_answer() if self.seal is not None else "not decided",
            "time": self.seal.time_answer() if self.seal is not None else "not decided",
            "input": f"not judged here; see the report{credentials}",
            "method": "not judged here; see the limits in the report",
        }

    def lines(self) -> tuple[str, ...]:
        """For a reader: the first line, one line per check, and five questions kept apart."""
        text = [self.first_line, *(step.line() for step in self.steps)]
        answers = self.answers()
        text += [
            f"  Is it intact?              {answers['intact']}",
            f"  Is the signer known?       {answers['signer']}",
            f"  Is the time attested?      {answers['time']}",
            f"  Was the input good?        {answers['input']}",
            f"  Is the method reliable?    {answers['method']}",
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


def conclude(
    bundle: str,
    steps: list[Step],
    totals: Mapping[str, int] | None,
    seal: Seal | None = None,
    depth: Depth = "plain",
) -> Verification:
    """The verdict of all steps together: altered outranks could-not-check, incomplete and gates."""
    codes = {step.exit_code for step in steps}
    code = next((code for code in (4, 5, 3, 1) if code in codes), 0)
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
        verdict, said = _intact(seal)
        if code == 1:
            said += f"; NOT MET: {', '.join(bad)}"
    counts = f" ({_counts(totals)})" if totals and code in {0, 1} else ""
    first = f"{bundle}: {depth} check: {ran} checks ran; {said}{counts}."
    return Verification(bundle, verdict, code, first, tuple(steps), totals, seal, depth)


def _intact(seal: Seal | None) -> tuple[Verdict, str]:
    if seal is None or seal.signer == "unsigned":
        return "intact_unsigned", "intact, but unsigned: anyone could have made it"
    if seal.signer == "unchecked":
        return (
            "intact_signer_unchecked",
            "intact, but signer not checked: anyone could have made and signed it (give --key)",
        )
    names = ", ".join(f"{name[:16]}\u2026" for name in seal.known)
    return "intact_signer_known", f"intact, signed with the given key {names}"


def _counts(totals: Mapping[str, int]) -> str:
    named = (("frames", "frame"), ("people", "person"), ("faces", "face"))
    text = ", ".join(f"{totals[many]} {one if totals[many] == 1 else many}" for many, one in named)
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


def guarded(check: Callable[[str], Step], step: str) -> Step:
    """Run one check; what stops it becomes its result."""
    try:
        return check(step)
    except IntegrityError as error:
        return Step(step, "failed", error.message, 4)
    except EnvironmentLacks as error:
        return Step(step, "not_checked", error.message, 5)
    except InputError as error:
        return Step(step, "failed", error.message, 3)
    except FileNotFoundError as error:
        return Step(step, "failed", f"{error.filename!r} is missing", 4)
    except OSError as error:
        return Step(step, "not_checked", f"a file cannot be read ({error.strerror})", 3)
    except ImportError as error:
        return Step(step, "not_checked", f"a library is missing here ({error.name})", 5)

"""The three steps of verify that speak of the seal: signature, statement, time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from forensics.errors import ForensicsError
from forensics.evidence import strict
from forensics.evidence.bag import Digests
from forensics.evidence.check_signature import (
    SignatureCheck,
    check_signature,
    check_unsigned,
    signed,
    statement_faults,
)
from forensics.evidence.check_token import check_time, parse_moment
from forensics.evidence.events import Chain
from forensics.evidence.lines import AUDIT, parse_audit
from forensics.evidence.signing import STAMP
from forensics.evidence.tree import Tree
from forensics.evidence.trust import Trust
from forensics.evidence.validity import validity_faults
from forensics.evidence.verification import UNSIGNED, Seal, SignerState, Step, TimeState, judged
from forensics.records import Audit

NO_STAMP = "no time stamp; the dates are its maker's claim"
LOST_STAMP = (
    "audit.json says that a time stamp was asked for and none is there: the authority failed at "
    "sealing, or it was taken away; the dates are its maker's claim"
)


class SealSteps:
    """Runs the steps in order; `seal` then says who signed and when, as far as it was checked."""

    def __init__(self, tree: Tree, trust: Trust) -> None:
        self._tree = tree
        self._trust = trust
        self._check: SignatureCheck | None = None
        self.seal: Seal | None = None

    def signature(self, step: str) -> Step:
        """The envelope, verified before anything in it is parsed."""
        named = self._named()
        if not signed(self._tree):
            self.seal = Seal("unsigned", time="not_attested")
            if faults := check_unsigned(named or (), self._trust):
                return judged(step, faults, "")
            return Step(step, "not_included", UNSIGNED)
        check = self._check = check_signature(self._tree, named, self._trust)
        if check.faults:
            return judged(step, list(check.faults), "")
        state: SignerState = "known" if check.known else "unchecked"
        self.seal = Seal(state, check.fingerprints, check.known, "not_attested")
        who = ", ".join(self.seal.signers)
        said = "a key that you gave" if check.known else "signer not checked: no --key was given"
        return judged(step, [], f"signed by {who} ({said})")

    def statement(
        self,
        step: str,
        audit: Audit | None,
        digests: Mapping[str, Digests],
        chain: Chain | None,
    ) -> Step:
        """What was signed, against the bundle as it is."""
        if not signed(self._tree):
            return Step(step, "not_included", "nothing is signed")
        if self._check is None or self._check.payload is None:
            return Step(step, "not_checked", "the signature does not hold, so it was not read")
        if audit is None or chain is None:
            return Step(step, "not_checked", "the records could not be read")
        faults = statement_faults(self._check.payload, self._tree, audit, digests, chain.head)
        if faults:
            self.seal = None
        return judged(step, faults, "every signed digest, total and fact is this bundle's")

    def time(self, step: str, audit: Audit | None, chain: Chain | None) -> Step:
        """The time stamp over the envelope, and whether the pinned keys counted then."""
        found = self._stamp(step, audit, chain)
        claimed = parse_moment(chain.sealed_utc if chain is not None else None)
        if found.status == "failed" or self.seal is None or not self.seal.known:
            return found
        attested = parse_moment(self.seal.moment_utc) if self.seal.time == "attested" else None
        lapsed = validity_faults(self.seal.known, self._trust.validity, attested, claimed)
        if len(self.seal.known) - len(lapsed) >= self._trust.threshold:
            self.seal = self.seal.without(lapsed)
            return found
        self.seal = None
        faults = [f"the key {name[:16]}\u2026 {reason}" for name, reason in lapsed.items()]
        return judged(step, faults, "")

    def _stamp(self, step: str, audit: Audit | None, chain: Chain | None) -> Step:
        if not self._tree.has(STAMP):
            asked = audit is not None and audit.run.timestamp_requested
            code = 1 if self._trust.tsa_roots else 0
            return Step(step, "not_included", LOST_STAMP if asked else NO_STAMP, code)
        if self._check is None or self._check.envelope is None:
            return Step(step, "not_checked", "there is no signature that it could be over")
        ended = audit.run.ended_utc if audit is not None else None
        sealed = chain.sealed_utc if chain is not None else None
        roots = self._trust.tsa_roots
        found = check_time(self._tree, self._check.envelope, roots, ended, sealed)
        if found.faults or found.token is None:
            return judged(step, list(found.faults), "")
        moment = found.token.moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if self.seal is not None:
            state: TimeState = "attested" if found.token.pinned else "issuer_unchecked"
            self.seal = self.seal.at(state, moment)
        if found.token.pinned:
            return judged(step, [], f"attested for {moment} by the pinned authority")
        whole = "" if found.token.whole else "its signature could not be checked here, and "
        return judged(
            step,
            [],
            f"a token over this signature names {moment}; {whole}its issuer was not checked: no "
            "--tsa-root was given",
        )

    def _named(self) -> tuple[str, ...] | None:
        """The signers that audit.json names, None where it cannot be read."""
        try:
            raw = self._tree.read(AUDIT, strict.MAX_DOCUMENT_BYTES)
            return parse_audit(raw).run.signers
        except (ForensicsError, OSError):
            return None

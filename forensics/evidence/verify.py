"""Verify: checks a bundle without network, torch or GPU, and believes nothing in it.

All checks run, also after one failed.  An intact unsigned bundle is only that: whoever changes a
file can seal it again.  Source of the rules: RFC 8493 and docs/bundle.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import forensics
from forensics.errors import InputError, IntegrityError
from forensics.evidence import check_files, strict
from forensics.evidence.archive_tree import open_tree
from forensics.evidence.bag import Digests
from forensics.evidence.bundle import MARKER, SUFFIX
from forensics.evidence.check_bag import bag_faults, bag_info, check_digests
from forensics.evidence.check_counts import count_faults, seal_faults
from forensics.evidence.check_credentials import credentials_step
from forensics.evidence.check_media import frame_hash_faults, given_faults, media_faults
from forensics.evidence.check_records import run_record_faults
from forensics.evidence.check_seal import SealSteps
from forensics.evidence.events import Chain, read_chain
from forensics.evidence.lines import AUDIT, FACES, FRAMES, parse_audit, parse_lines
from forensics.evidence.names import readable_name
from forensics.evidence.survey import Survey, survey
from forensics.evidence.table import plugin_names
from forensics.evidence.tree import Tree
from forensics.evidence.trust import NOBODY, Trust
from forensics.evidence.verification import (
    Depth,
    Status,
    Step,
    Verdict,
    Verification,
    conclude,
    guarded,
    judged,
)
from forensics.records import Audit, FaceLine, FrameLine

__all__ = ["Status", "Step", "Verdict", "Verification", "verify"]

EVENTS = "data/log/events.jsonl"
RUN_RECORDS = ("data/run/environment.json", "data/run/command.json")
_SIGNS = ("bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", AUDIT)


class Deep(Protocol):
    """What decodes and renders again; evidence knows no decoder and gets it handed in."""

    def frame_hashes(self, step: str, tree: Tree, audit: Audit) -> Step: ...

    def rendering(self, step: str, tree: Tree, audit: Audit) -> Step: ...


def verify(
    bundle: Path,
    trust: Trust = NOBODY,
    *,
    original: Path | None = None,
    deep: Deep | None = None,
) -> Verification:
    """Check a bundle, folder or ZIP. Never raises for what it holds, however hostile.

    ``original`` is the file of a bundle that was made without it; ``deep`` decodes and renders.
    """
    name = readable_name(bundle.resolve().name or str(bundle))
    try:
        tree = open_tree(bundle)
    except InputError as error:
        return _unreadable(name, error.message)
    if tree.has(MARKER) or (name.endswith(SUFFIX) and not tree.has("bagit.txt")):
        return _unreadable(name, "an interrupted or running audit left it; run the audit again")
    if not any(tree.has(sign) for sign in _SIGNS) and not tree.faults:
        return _unreadable(name, "no bundle: it holds neither bagit.txt nor data/audit.json")
    return _Check(tree, trust, original, deep).run(name)


def _unreadable(name: str, reason: str) -> Verification:
    return conclude(name, [Step("names", "not_checked", reason, 3)], None)


class _Check:
    """One verification; each step leaves what the later ones need."""

    def __init__(self, tree: Tree, trust: Trust, original: Path | None, deep: Deep | None) -> None:
        self._tree, self._original, self._deep = tree, original, deep
        self._seal, self._trust = SealSteps(tree, trust), trust
        self._digests: Mapping[str, Digests] = {}
        self._audit: Audit | None = None
        self._survey: Survey | None = None
        self._chain: Chain | None = None

    def run(self, name: str) -> Verification:
        """All steps in order."""
        checks: tuple[tuple[str, Callable[[str], Step]], ...] = (
            ("names", self._names),
            ("signature", self._seal.signature),
            ("bag", self._bag),
            ("digests", self._all_digests),
            ("records", self._records),
            ("events", self._events),
            ("totals", self._totals),
            ("statement", self._statement),
            ("time", self._time),
            ("media", self._media),
            ("credentials", self._credentials),
            ("pictures", self._pictures),
            ("table", self._table),
            ("reports", self._reports),
            ("frame hashes", self._frame_hashes),
            ("rendering", self._rendering),
        )
        steps = [guarded(check, step) for step, check in checks]
        totals = self._survey.totals() if self._survey is not None else None
        depth: Depth = "plain" if self._deep is None else "deep"
        return conclude(name, steps, totals, self._seal.seal, depth)

    def _names(self, step: str) -> Step:
        if self._tree.unreadable and not self._tree.faults:
            return Step(step, "not_checked", "; ".join(self._tree.unreadable[:5]), 3)
        count = len(self._tree.files)
        return judged(step, list(self._tree.faults), f"{count} regular files with safe names")

    def _bag(self, step: str) -> Step:
        return judged(step, bag_faults(self._tree), "BagIt 1.0, complete, in canonical form")

    def _all_digests(self, step: str) -> Step:
        check = check_digests(self._tree)
        self._digests = check.found
        if check.unreadable and not check.faults:
            return Step(step, "not_checked", "; ".join(check.unreadable[:5]), 3)
        return judged(step, check.faults, f"SHA-256 and SHA-512 of {len(check.found)} files")

    def _statement(self, step: str) -> Step:
        return self._seal.statement(step, self._audit, self._digests, self._chain)

    def _time(self, step: str) -> Step:
        return self._seal.time(step, self._audit, self._chain)

    def _records(self, step: str) -> Step:
        self._audit = parse_audit(self._tree.read(AUDIT, strict.MAX_DOCUMENT_BYTES))
        self._survey = survey(self._frames(), self._faces())
        for path in RUN_RECORDS:
            try:
                strict.loads(self._tree.read(path, strict.MAX_LINE_BYTES), strict.MAX_LINE_BYTES)
            except strict.StrictJsonError as error:
                raise IntegrityError(f"{path} is damaged: {error}") from error
        lines = self._survey.frames + self._survey.faces
        faults, more = run_record_faults(self._tree, self._audit, self._digests)
        also = f", {more} records of the run agree with them" if more else ""
        return judged(
            step, faults, f"audit.json and {lines} lines are what their schemas say{also}"
        )

    def _events(self, step: str) -> Step:
        with self._tree.open(EVENTS) as stream:
            self._chain = read_chain(stream)
        return judged(
            step, list(self._chain.faults), f"{self._chain.events} events, chain unbroken"
        )

    def _totals(self, step: str) -> Step:
        if self._audit is None or self._survey is None:
            return _after_records(step)
        label = None
        if self._tree.has("bag-info.txt"):
            label = bag_info(self._tree).get("External-Identifier")
        faults = count_faults(self._audit, self._survey, label)
        if self._chain is not None:
            faults += seal_faults(self._audit, self._chain.counts)
        return judged(step, faults, "frames, faces, people and flags add up")

    def _media(self, step: str) -> Step:
        if self._audit is None:
            return _after_records(step)
        folder = self._audit.source.kind == "frames" and self._survey is not None
        frames = list(self._frames()) if folder else []
        faults, sentence = media_faults(self._tree, self._audit, frames, self._digests)
        if self._original is not None:
            faults += given_faults(self._original, self._audit)
            sentence += "; the file given is the original"
        return judged(step, faults, sentence)

    def _credentials(self, step: str) -> Step:
        if self._audit is None:
            return _after_records(step)
        return credentials_step(step, self._tree, self._audit, self._trust.anchors_pem)

    def _pictures(self, step: str) -> Step:
        if self._survey is None:
            return _after_records(step)
        alone = self._audit is not None and self._audit.mode == "restored_only"
        faults, decoded = check_files.picture_faults(
            self._tree, self._frames(), self._faces(), alone=alone
        )
        if self._audit is not None:
            people = self._survey.people
            counts = {person: found.outcomes.total() for person, found in people.items()}
            faults += check_files.comparison_faults(self._tree, self._audit, counts)
        return judged(step, faults, f"{decoded} pictures hold the recorded pixels")

    def _table(self, step: str) -> Step:
        if self._audit is None or self._survey is None:
            return _after_records(step)
        faults = check_files.table_faults(self._tree, self._faces(), plugin_names(self._audit))
        if faults and self._audit.run.version != forensics.__version__:
            return Step(step, "not_checked", f"written by version {self._audit.run.version}")
        return judged(step, faults, "faces.csv is the table of faces.jsonl")

    def _reports(self, step: str) -> Step:
        if self._audit is None:
            return _after_records(step)
        faults = check_files.report_faults(self._tree, self._audit)
        return judged(step, faults, "there as recorded")

    def _frame_hashes(self, step: str) -> Step:
        if self._audit is None:
            return _after_records(step)
        listed = bool(self._tree.under("data/frames/"))
        if listed and (faults := frame_hash_faults(self._tree, self._audit)):
            return judged(step, faults, "")
        if self._deep is not None and (listed or self._audit.source.kind != "video"):
            return self._deep.frame_hashes(step, self._tree, self._audit)
        if not listed:
            return Step(step, "not_included", "no clip was decoded, or none was written")
        return Step(step, "not_checked", "one per frame; computed again only with --deep")

    def _rendering(self, step: str) -> Step:
        if self._audit is None:
            return _after_records(step)
        if self._deep is None:
            return Step(step, "not_checked", "the reports are drawn again only with --deep")
        return self._deep.rendering(step, self._tree, self._audit)

    def _frames(self) -> Iterator[FrameLine]:
        with self._tree.open(FRAMES) as stream:
            yield from parse_lines(stream, FrameLine, "frames.jsonl")

    def _faces(self) -> Iterator[FaceLine]:
        with self._tree.open(FACES) as stream:
            yield from parse_lines(stream, FaceLine, "faces.jsonl")


def _after_records(step: str) -> Step:
    return Step(step, "not_checked", "the records could not be read")

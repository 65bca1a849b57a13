"""Verify a batch: its roll-up as one sealed record, and every bundle it speaks of.

Nothing in it is believed: what batch.json repeats of a bundle is computed again from that bundle,
sums from the items, batch.csv from batch.json, the signed statement from the folder as it is.
``journal.sqlite`` is working state, part of no seal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from forensics.errors import EnvironmentLacks, ForensicsError, InputError, IntegrityError
from forensics.evidence import strict
from forensics.evidence.bag import digest_file
from forensics.evidence.batch_facts import (
    bands_of,
    batch_exit_code,
    counts_of,
    flags_of,
    totals_of,
    with_audit,
)
from forensics.evidence.batch_seal import (
    BATCH,
    LIST,
    TAG_MANIFEST,
    VIEWS,
    build_statement,
    bundle_digests,
    list_bytes,
)
from forensics.evidence.batch_table import table_bytes
from forensics.evidence.batch_verification import BatchVerification, BundleCheck, conclude_batch
from forensics.evidence.bundle import SUFFIX
from forensics.evidence.check_seal import LOST_STAMP, NO_STAMP
from forensics.evidence.check_signature import check_signature, check_unsigned, signed
from forensics.evidence.check_token import check_time, parse_moment
from forensics.evidence.dsse import MAX_ENVELOPE_BYTES, canonical_json
from forensics.evidence.lines import load_audit
from forensics.evidence.names import name_fault, readable_name
from forensics.evidence.signing import FOLDER, STAMP
from forensics.evidence.statement import difference
from forensics.evidence.tree import Tree
from forensics.evidence.trust import NOBODY, Trust
from forensics.evidence.validity import validity_faults
from forensics.evidence.verification import UNSIGNED, Seal, Step, Verification, guarded, judged
from forensics.record_batch import BATCH_SCHEMA, BatchSummary, ItemResult

JOURNAL: Final = "journal.sqlite"
_FAMILY: Final = BATCH_SCHEMA.rpartition("/")[0] + "/"
Check = Callable[[Path], Verification]


def is_batch(folder: Path) -> bool:
    """Whether a folder is (or was to be) a batch and no bundle."""
    if (folder / "bagit.txt").exists():
        return False
    return (folder / BATCH).is_file() or (folder / JOURNAL).is_file()


def verify_batch(folder: Path, check: Check, trust: Trust = NOBODY) -> BatchVerification:
    """Check a batch; ``check`` judges one bundle. Never raises for what the folder holds."""
    name = readable_name(folder.resolve().name or str(folder))
    try:
        tree = _scan(folder)
    except OSError as error:
        step = Step("names", "not_checked", f"it cannot be listed ({error.strerror})", 3)
        return conclude_batch(name, [step], [], None, None)
    if not tree.has(BATCH):
        reason = "the batch has no roll-up yet; continue it with 'forensics batch --resume'"
        return conclude_batch(name, [Step("record", "not_checked", reason, 3)], [], None, None)
    return _BatchCheck(folder, tree, trust, check).run(name)


class _BatchCheck:
    """One verification; each step leaves what the later ones need."""

    def __init__(self, folder: Path, tree: Tree, trust: Trust, check: Check) -> None:
        self._folder, self._tree, self._trust, self._check = folder, tree, trust, check
        self._summary: BatchSummary | None = None
        self._payload: bytes | None = None
        self._envelope: bytes | None = None
        self._seal: Seal | None = None

    def run(self, name: str) -> BatchVerification:
        """All steps in order, then every bundle."""
        checks: tuple[tuple[str, Callable[[str], Step]], ...] = (
            ("record", self._record),
            ("names", self._names),
            ("digests", self._digests),
            ("signature", self._signature),
            ("statement", self._statement),
            ("time", self._time),
            ("totals", self._totals),
            ("table", self._table),
        )
        steps = [guarded(check, step) for step, check in checks]
        summary = self._summary
        items = () if summary is None else summary.items
        bundles = [self._bundle(item) for item in items if item.bundle is not None]
        return conclude_batch(name, steps, bundles, self._seal, summary)

    def _record(self, step: str) -> Step:
        raw = self._tree.read(BATCH, strict.MAX_DOCUMENT_BYTES)
        try:
            document = strict.loads(raw)
        except strict.StrictJsonError as error:
            raise IntegrityError(f"{BATCH} is damaged: {error}") from None
        schema = document.get("schema") if isinstance(document, dict) else None
        if schema != BATCH_SCHEMA:
            if isinstance(schema, str) and schema.startswith(_FAMILY):
                raise EnvironmentLacks(f"{BATCH} has the schema {schema!r:.80}, unknown here")
            raise InputError(f"{BATCH} names no schema of ours")
        try:
            self._summary = BatchSummary.model_validate_json(raw, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise IntegrityError(f"{BATCH}: {place}: {first['msg']}") from None
        return judged(step, [], f"{BATCH} is what its schema says")

    def _names(self, step: str) -> Step:
        if self._summary is None:
            return _after(step)
        faults = list(self._tree.faults)
        bundles = {item.bundle for item in self._summary.items if item.bundle is not None}
        open_ids = {i.id for i in self._summary.items if i.bundle is None}
        left = {f"{name}{SUFFIX}" for name in open_ids | set(self._summary.not_run)}
        expected = {BATCH, LIST, *VIEWS}
        faults += [
            f"{path!r} is listed nowhere"
            for path in self._tree.files
            if "/" not in path and path not in expected and not path.startswith(JOURNAL)
        ]
        known = bundles | left | set(self._summary.not_run)
        faults += [
            f"the folder {folder!r} is listed nowhere"
            for folder in self._tree.folders
            if folder not in known
        ]
        names = [item.bundle for item in self._summary.items if item.bundle is not None]
        faults += [f"the bundle's name {n!r:.80} {f}" for n in names if (f := name_fault(n))]
        faults += [f"the bundle's name {n!r:.80} is a path" for n in names if "/" in n]
        if len(bundles) != len(names):
            faults.append("two items name one bundle")
        return judged(step, faults, "only what the roll-up names is here")

    def _digests(self, step: str) -> Step:
        if self._summary is None:
            return _after(step)
        if not self._tree.has(LIST):
            return Step(step, "failed", f"{LIST} is missing", 4)
        faults = [
            f"{f.file} is missing"
            for f in self._summary.files
            if f.outcome == "written" and not self._tree.has(f.file)
        ]
        digests = self._own_digests()
        faults += [
            f"{file.file!r} is not the file that {BATCH} names"
            for file in self._summary.files
            if file.sha256 is not None and digests.get(file.file, file.sha256) != file.sha256
        ]
        if self._tree.read(LIST, strict.MAX_DOCUMENT_BYTES) != list_bytes(digests):
            faults.append(f"{LIST} does not list the files as they are")
        return judged(step, faults, f"{LIST} lists {len(digests)} digests, all as found")

    def _own_digests(self) -> dict[str, str]:
        """Of the roll-up's files as they are, and of the bundles as batch.json names them."""
        own = {
            name: digest_file(self._folder / name).sha256
            for name in (BATCH, *VIEWS)
            if self._tree.has(name)
        }
        return own if self._summary is None else own | bundle_digests(self._summary)

    def _signature(self, step: str) -> Step:
        named = None if self._summary is None else self._summary.run.signers
        if not signed(self._tree):
            self._seal = Seal("unsigned")
            if faults := check_unsigned(named or (), self._trust):
                return judged(step, [f.replace("audit.json", BATCH) for f in faults], "")
            return Step(step, "not_included", UNSIGNED.replace("bundle", "roll-up"))
        found = check_signature(self._tree, named, self._trust)
        if found.faults:
            return judged(step, [f.replace("audit.json", BATCH) for f in found.faults], "")
        self._payload, self._envelope = found.payload, found.envelope
        self._seal = Seal("known" if found.known else "unchecked", found.fingerprints, found.known)
        who = "a key that you gave" if found.known else "signer not checked: no --key was given"
        return judged(step, [], f"signed by {', '.join(found.fingerprints)} ({who})")

    def _statement(self, step: str) -> Step:
        if not signed(self._tree):
            return Step(step, "not_included", "nothing is signed")
        if self._payload is None or self._summary is None:
            return Step(step, "not_checked", "the signature does not hold, so it was not read")
        try:
            statement = strict.loads(self._payload, MAX_ENVELOPE_BYTES)
        except strict.StrictJsonError as error:
            return judged(step, [f"the statement is damaged: {error}"], "")
        faults = []
        if canonical_json(statement) != self._payload:
            faults.append("the statement is not in canonical form")
        expected = build_statement(self._summary, self._own_digests())
        if found := difference(statement, expected):
            faults.append(f"the signature is over another state of this batch: {found}")
        if faults:
            self._seal = None
        return judged(step, faults, "every signed digest and count is this batch's")

    def _time(self, step: str) -> Step:
        if self._seal is None or self._summary is None:
            return Step(step, "not_checked", "there is no signature that holds")
        ended, attested, found = self._summary.run.ended_utc, None, None
        if self._tree.has(STAMP) and self._envelope is not None:
            roots = self._trust.tsa_roots
            token = check_time(self._tree, self._envelope, roots, ended, ended)
            if token.faults or token.token is None:
                return judged(step, list(token.faults), "")
            moment = token.token.moment.isoformat(timespec="seconds")
            pinned = token.token.pinned
            attested = token.token.moment if pinned else None
            self._seal = self._seal.at("attested" if pinned else "issuer_unchecked", moment)
            said = "attested" if pinned else "named, its issuer not checked"
            found = judged(step, [], f"{said}: {moment}")
        lapsed = validity_faults(
            self._seal.known, self._trust.validity, attested, parse_moment(ended)
        )
        if self._seal.known and len(self._seal.known) - len(lapsed) < self._trust.threshold:
            self._seal = None
            return judged(step, [f"the key {n[:16]}… {why}" for n, why in lapsed.items()], "")
        self._seal = self._seal.without(lapsed)
        gate = 1 if self._trust.tsa_roots else 0
        asked = self._summary.run.timestamp_requested
        said = LOST_STAMP.replace("audit.json", BATCH) if asked else NO_STAMP
        return found or Step(step, "not_included", said, gate)

    def _totals(self, step: str) -> Step:
        summary = self._summary
        if summary is None:
            return _after(step)
        items, left = summary.items, len(summary.not_run)
        ids = [item.id for item in items] + list(summary.not_run)
        known = {item.id for item in items}
        faults = [] if len(set(ids)) == len(ids) else ["an item stands there twice"]
        faults += [
            f"{item.id!r} repeats {item.same_as!r}, which is not there"
            for item in items
            if item.outcome == "duplicate" and item.same_as not in known
        ]
        for what, told, found in (
            ("counts", summary.counts, counts_of(items, left)),
            ("totals", summary.totals, totals_of(items)),
            ("bands", summary.bands, bands_of(items)),
            ("flags", summary.flags, flags_of(items)),
        ):
            if told != found:
                faults.append(f"the {what} are not those of the items")
        pdf_failed = any(f.outcome == "failed" for f in summary.files)
        if summary.run.exit_code != (3 if pdf_failed else batch_exit_code(items, bool(left))):
            faults.append("the exit code is not that of the items")
        return judged(step, faults, "items, counts, bands and flags add up")

    def _table(self, step: str) -> Step:
        if self._summary is None:
            return _after(step)
        same = self._tree.read("batch.csv", strict.MAX_DOCUMENT_BYTES) == table_bytes(
            self._summary.items
        )
        return judged(
            step, [] if same else ["it is not the table of batch.json"], "batch.csv is batch.json's"
        )

    def _bundle(self, item: ItemResult) -> BundleCheck:
        """One bundle, and whether the roll-up says of it what it says itself."""
        name = item.bundle or ""
        path = self._folder / name
        if "/" in name or name_fault(name) or path.is_symlink() or not path.is_dir():
            return BundleCheck(name, "incomplete", 3, "the bundle is not here")
        found = self._check(path)
        if found.exit_code not in {0, 1}:
            return BundleCheck(name, found.verdict, found.exit_code, found.first_line)
        try:
            if digest_file(path / TAG_MANIFEST).sha256 != item.bundle_sha256:
                return BundleCheck(name, "altered", 4, "it is another bundle than batch.json names")
            told = with_audit(item, load_audit(path))
            sha256 = digest_file(path / "data" / "audit.json").sha256
        except (ForensicsError, OSError) as error:
            return BundleCheck(name, "could_not_check", 5, str(error))
        if told != item or sha256 != item.audit_sha256:
            return BundleCheck(name, "altered", 4, "batch.json says otherwise of it than it does")
        return BundleCheck(name, found.verdict, found.exit_code, found.first_line)


def _scan(folder: Path) -> Tree:
    """The roll-up's own files; bundles are folders that are judged apart."""
    files: dict[str, int] = {}
    folders: list[str] = []
    faults: list[str] = []
    places: Sequence[str] = ("", FOLDER)
    for place in places:
        here = folder / place
        if place and (here.is_symlink() or not here.is_dir()):
            continue
        with os.scandir(here) as listing:
            for entry in sorted(listing, key=lambda entry: entry.name):
                path = f"{place}{entry.name}"
                if entry.is_file(follow_symlinks=False):
                    files[path] = entry.stat(follow_symlinks=False).st_size
                elif entry.is_dir(follow_symlinks=False) and not place:
                    if f"{path}/" != FOLDER:
                        folders.append(path)
                else:
                    faults.append(f"{path!r} is no regular file")
    return Tree(folder, files, tuple(folders), tuple(faults), ())


def _after(step: str) -> Step:
    return Step(step, "not_checked", f"{BATCH} could not be read")

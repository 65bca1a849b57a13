"""Records, batch: one item to audit, what came of it, and the roll-up of all (batch.json).

`BatchItem` is what a worker gets; `ItemResult` what it gives back, and a line of the roll-up;
`BatchSummary` is batch.json, whose JSON Schema is generated into ``docs/schema/``.  Every item that
was planned has exactly one result, or the summary says that it was not run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field

from forensics.record_base import Record
from forensics.records import Band, FlagCode, Mode, Totals

BATCH_SCHEMA = "restoration-forensics/batch/1"

ItemOutcome = Literal["done", "unscorable", "failed", "duplicate"]
"""done: a bundle stands.  unscorable: the item was read and nothing in it can be judged (no face of
it has a band, or a pair could not be laid on each other).  failed: no bundle.  duplicate: the same
bytes with the same settings are another item, which was done once."""
ITEM_OUTCOMES: tuple[ItemOutcome, ...] = ("done", "unscorable", "failed", "duplicate")
SourceKind = Literal["video", "image", "frames"]


@dataclass(frozen=True)
class BatchItem:
    """One source to audit, or one pair.  Picklable; paths are absolute.

    ``id`` is the name of the bundle's folder: a safe file name, different from all others of the
    batch.  ``named`` is the source as the roll-up shows it, ``restored_named`` likewise.
    """

    id: str
    source: Path
    restored: Path | None
    named: str
    restored_named: str | None = None


class ItemPerson(Record):
    """A person of an item, as its audit describes them."""

    id: int
    faces: int
    faces_restored: int
    faces_failed: int
    band: Band
    bands: dict[Band, int] = Field(description="faces by band")
    probability: float | None = None
    flags: tuple[FlagCode, ...]
    interocular_px_range: tuple[float, float]
    summary: str


class ItemResult(Record):
    """What came of one item. `exit_code` is what ``forensics audit`` would have ended with."""

    id: str
    source: str = Field(description="the source as it was named; its file name with --private")
    restored: str | None = Field(default=None, description="somebody else's restoration, of a pair")
    outcome: ItemOutcome
    exit_code: int
    reason: str | None = Field(default=None, description="why not done, for a reader")
    hint: str | None = Field(default=None, description="what to do about it")
    error: str | None = Field(default=None, description="class and message, for a developer")
    seconds: float = Field(ge=0, description="from its start to its end, all attempts together")
    attempts: int = Field(default=1, ge=0, description="starts; 0 for a duplicate")
    same_as: str | None = Field(default=None, description="id of the item that was done instead")
    bundle: str | None = Field(default=None, description="folder beside batch.json")
    bundle_sha256: str | None = Field(
        default=None, description="of tagmanifest-sha256.txt, hence of every file of the bundle"
    )
    audit_sha256: str | None = Field(default=None, description="of data/audit.json")
    run: str | None = Field(default=None, description="id of the audit")
    mode: Mode | None = Field(
        default=None, description="restored here, or a pair held together; None without a bundle"
    )
    kind: SourceKind | None = None
    source_sha256: str | None = None
    complete: bool = Field(description="a bundle stands and nothing in it failed")
    failures: tuple[str, ...] = Field(default=(), description="what failed within the audit")
    timestamp_failure: str | None = Field(
        default=None, description="why a bundle has no time stamp although one was asked for"
    )
    totals: Totals | None = None
    people: tuple[ItemPerson, ...] = ()
    flags: tuple[FlagCode, ...] = Field(default=(), description="every flag of the audit, once")


class BatchCounts(Record):
    """Items by outcome; they add up to ``items``."""

    items: int
    done: int
    unscorable: int
    failed: int
    duplicate: int
    not_run: int
    incomplete: int = Field(description="of those with a bundle: part of the work failed")


class BatchTotals(Record):
    """Sums over all bundles; duplicates count once."""

    frames: int
    faces: int
    faces_restored: int
    faces_skipped: int
    faces_failed: int
    people: int
    seconds: float = Field(description="of work, over all workers")


class BatchRun(Record):
    """Who ran what, when. Clock fields may differ between two equal batches."""

    id: str
    tool: str = "restoration-forensics"
    version: str
    schema_version: str = BATCH_SCHEMA
    started_utc: str
    ended_utc: str
    seconds: float = Field(description="from the first start to the roll-up, pauses included")
    starts: int = Field(ge=1, description="how often the batch was started or resumed")
    runner: str
    workers: int
    complete: bool = Field(description="every item has a result, none failed or was incomplete")
    exit_code: int
    stopped: str | None = Field(default=None, description="why items were left for later")
    case: str | None = None
    operator: str | None = None
    purpose: str | None = None
    signers: tuple[str, ...] = ()
    timestamp_requested: bool = False


class BatchFile(Record):
    """A file of the roll-up beside batch.json: written, or why not."""

    file: str
    outcome: Literal["written", "skipped", "failed"]
    sha256: str | None = Field(
        default=None, description="absent for views of batch.json, which are made after it"
    )
    rows: int | None = None
    reason: str | None = None


class BatchSummary(Record):
    """The roll-up: batch.json. batch.html, batch.pdf and batch.csv are views of it."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        populate_by_name=True,
        protected_namespaces=(),
    )

    schema_: Literal["restoration-forensics/batch/1"] = Field(
        default="restoration-forensics/batch/1", alias="schema"
    )
    run: BatchRun
    settings: dict[str, str | int | float | bool | None]
    counts: BatchCounts
    totals: BatchTotals
    bands: dict[Band, int] = Field(description="people by band")
    flags: dict[FlagCode, int] = Field(description="items that have the flag")
    items: tuple[ItemResult, ...] = Field(description="in the order of the plan")
    not_run: tuple[str, ...] = Field(default=(), description="ids of items that are still to do")
    notes: tuple[str, ...] = Field(default=(), description="what planning and running left out")
    limits: tuple[str, ...]
    files: tuple[BatchFile, ...] = ()


BATCH_CLOCK_FIELDS: tuple[str, ...] = (
    "run.id",
    "run.started_utc",
    "run.ended_utc",
    "run.seconds",
    "totals.seconds",
    "items.run",
    "items.seconds",
    "items.attempts",
    "items.bundle_sha256",
    "items.audit_sha256",
    "files.sha256",
)
"""Fields of batch.json that may differ between two equal batches."""

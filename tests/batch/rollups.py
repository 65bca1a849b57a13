"""Roll-ups: whole batches of drawn bundles, one of them with hostile texts."""

from __future__ import annotations

from pathlib import Path

from forensics.batch.driver import Job, begin, run_batch
from forensics.batch.plan import BatchPlan, Planned
from forensics.config import Settings
from forensics.evidence.signing import Signing
from forensics.progress import Silent
from forensics.record_batch import BatchItem, BatchSummary
from tests.batch import stand_ins
from tests.bundles import make_bundle

HOSTILE = "=cmd|'/c calc'!A1 <script>alert(1)</script>\u202e"


def make_batch(folder: Path, signing: Signing | None = None) -> Path:
    """A batch of three bundles (one of them hostile), one failure and one duplicate."""
    names = Signing(elsewhere=signing.fingerprints) if signing else Signing()
    bundles = {
        "a": make_bundle(folder / "a", side=16, failed=False, signing=names),
        "h": make_bundle(folder / "h", side=16, hostile=True, signing=names),
        "n": make_bundle(folder / "n", side=16, no_faces=True, failed=False, signing=names),
    }
    runner = stand_ins.Drawn(lambda name: bundles[name], faults=frozenset({"bad"}))
    items = [
        Planned(stand_ins.item("a")),
        Planned(BatchItem("h", Path("/x"), None, HOSTILE)),
        Planned(stand_ins.item("n")),
        Planned(BatchItem("bad", Path("/y"), None, f"+{HOSTILE}")),
        Planned(stand_ins.item("same"), "a"),
    ]
    job = Job(folder / "out", Settings(format="html"), signing or Signing(), runner)
    run_batch(
        begin(BatchPlan(tuple(items), (f"{HOSTILE}: 1",)), job), job, Silent(), lambda _: None
    )
    return job.out


def summary_of(out: Path) -> BatchSummary:
    """What batch.json holds."""
    return BatchSummary.model_validate_json((out / "batch.json").read_bytes(), strict=True)

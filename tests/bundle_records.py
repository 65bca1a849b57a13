"""The records below data/run and data/models of the synthetic bundles, by the real writers."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.evidence.acquisition import Acquisition, FileTimes, Hashed
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.environment import command_record, environment_record
from forensics.evidence.inventory import inventory
from forensics.evidence.lines import write_json
from forensics.evidence.predicate import build_predicate
from forensics.records import Audit

CARD = {
    "architecture": {"class": "drawn.Network"},
    "commit": "0" * 40,
    "data": {"people": 2, "photos": 3, "sets": [{"name": "drawn", "licence": "CC0"}]},
    "figures": {"large": {"gain_db": {"median": 0.25}, "bar_met": False}, "note": "drawn"},
    "limits": ["It is drawn."],
}


def write_run_records(writer: BundleWriter, audit: Audit, argv: Sequence[str]) -> None:
    """Write all records of a run as `forensics.provenance` does, for a private run."""
    environment = environment_record(private=True)
    write_json(writer.path("run", "environment.json"), environment)
    command = command_record(argv, audit.settings, private=True)
    write_json(writer.path("run", "command.json"), command)
    acquisition = drawn_acquisition(audit).model_dump(mode="json", by_alias=True)
    write_json(writer.path("run", "acquisition.json"), acquisition)
    cards = {model.role: CARD for model in audit.models}
    bill = inventory(audit, cards, {"numpy": "2.4.0"}, [("device", "drawn CPU", None)])
    write_json(writer.path("models", "models.cdx.json"), bill)
    tool, lock = {"version": audit.run.version}, {"file": "core.txt", "sha256": "1" * 64}
    predicate = build_predicate(writer.data, audit, {"threads": 1}, tool, lock)
    write_json(writer.path("run", "predicate.json"), predicate.model_dump(by_alias=True))


def drawn_acquisition(audit: Audit) -> Acquisition:
    source, run = audit.source, audit.run
    whole = Hashed(sha256=source.sha256, sha512=source.sha512, bytes=source.bytes)
    times = FileTimes(
        name=source.file,
        bytes=source.bytes,
        modified_utc="2026-01-01T00:00:00.000Z",
        changed_utc="2026-01-01T00:00:00.000Z",
    )
    return Acquisition.model_validate(
        {
            "acquired_utc": run.started_utc,
            "given": source.file,
            "file": source.file,
            "kind": source.kind,
            "before": whole,
            "after": whole,
            "files": (times,),
            "credentials": source.credentials,
            "operator": run.operator,
            "case": run.case,
            "purpose": run.purpose,
            "kept": True,
        }
    )

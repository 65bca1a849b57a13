"""Validation of the risk: rows to figures, the record that ships, and the page.

``python -m benchmarks.validation --data ../shared/data --packs PACKS [--minutes N]`` gathers what
is missing (see `benchmarks.validation.gather`), fits on ``fit``, calibrates on ``cal``, tests on
``val``, and writes ``docs/validation/figures.json``, the figures, ``docs/validation.md`` and
``forensics/scoring/tables/calibration_embedded.json``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.validation import evaluate
from benchmarks.validation.extend import extended
from benchmarks.validation.page import FIGURES, write
from forensics.calibration.judgement import Demands, Labels
from forensics.calibration.record import as_bytes, make_record
from forensics.calibration.rows import FaceRow, read_rows
from forensics.models.load import load_embedded
from forensics.scoring.found_calibration import measured_with, shipped_path
from forensics.scoring.references import shipped_references


def gathered(work: Path) -> tuple[dict[str, Any], list[FaceRow]]:
    """What the rows were made with, and all of them with the shipped references."""
    head: dict[str, Any] = {}
    rows: list[FaceRow] = []
    for path in sorted(work.glob("*.jsonl")):
        head, _ = read_rows(path)
        rows += extended(path)
    return head, [evaluate.looked_up(row, shipped_references()) for row in rows]


def record(
    rows: list[FaceRow], head: dict[str, Any], limits: dict[str, Any], made_utc: str
) -> dict[str, Any]:
    """The embedded restorer's calibration."""
    card = load_embedded("restorer").card
    about = {
        "restorer": {
            "profile": "embedded",
            "name": card["name"],
            "version": card["version"],
            "sha256": head["restorer_sha256"],
            "noise_mode": "zero",
        },
        "networks": measured_with(head["networks"]),
        "judges": {
            "identity": {
                "name": head["judge"],
                "sha256": head["judge_sha256"],
                "pairs": limits["identity_pairs"],
            },
            "feature": {"name": limits["features_by"], "sha256": limits["features_sha256"]},
            "attribute": {"name": limits["attributes_by"], "sha256": limits["attributes_sha256"]},
        },
        "data": {"lists_sha256": head["lists_sha256"], "index_sha256": head["index_sha256"]},
    }
    own = [row for row in rows if row.restorer == "embedded"]
    document, _ = make_record(
        own, _labels(limits), about=about, demands=Demands(), made_utc=made_utc
    )
    return document


def _labels(limits: dict[str, Any]) -> Labels:
    return Labels(
        limits["identity_distance"], limits["feature_distance"], limits["attribute_change"]
    )


def figures(
    rows: list[FaceRow], document: dict[str, Any], limits: dict[str, Any], data: Path
) -> dict[str, Any]:
    """Everything the page shows, as JSON."""
    labels, demands = _labels(limits), Demands()
    own = [row for row in rows if row.restorer == "embedded"]
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        by = counts.setdefault(row.restorer, {"fit": 0, "cal": 0, "test": 0})
        by[row.group] += 1
    targets = evaluate.TARGETS
    return {
        "record": {k: v for k, v in document.items() if k not in ("range", "targets")},
        "embedded": {
            name: {k: target[k] for k in ("passed", "reason", "prevalence", "figures")}
            | {"terms": target["model"]["terms"] if target["model"] else []}
            for name, target in document["targets"].items()
        },
        "labels": limits,
        "faces": counts,
        "measures": sorted({name for row in rows for name in row.measures}),
        "all restorers": {
            t: evaluate.compared(evaluate.fold(rows, labels, t), demands) for t in targets
        },
        "without identity_drift": {
            t: evaluate.compared(
                evaluate.fold(rows, labels, t), demands, frozenset({"identity_drift"})
            )
            for t in targets
        },
        "restorer left out": evaluate.leave_out(rows, labels, "restorer", demands),
        "family left out": evaluate.leave_out(own, labels, "family", demands),
        "groups": evaluate.by_group(own, labels, evaluate.people_facts(data), demands),
    }


def main() -> None:
    """Gather, evaluate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=None, help="default: PACKS/validation")
    parser.add_argument("--minutes", type=float, default=60.0, help="for gathering; 0: none")
    parser.add_argument("--date", required=True, help="of the record, as 2026-11-23T03:00:00Z")
    args = parser.parse_args()
    work = args.work or args.packs / "validation"
    if args.minutes > 0:
        command = [sys.executable, "-m", "benchmarks.validation.gather", "--data", str(args.data)]
        command += ["--packs", str(args.packs), "--work", str(work)]
        subprocess.run([*command, "--minutes", str(args.minutes)], check=True)
    limits = json.loads((work / "labels.json").read_text("utf-8"))
    head, rows = gathered(work)
    document = record(rows, head, limits, args.date)
    found = figures(rows, document, limits, args.data)
    shipped_path("embedded").write_bytes(as_bytes(document))
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", "utf-8")
    write(found)
    for name, target in document["targets"].items():
        print(f"{name}: {'shown' if target['passed'] else 'not shown'}. {target['reason']}")


if __name__ == "__main__":
    main()

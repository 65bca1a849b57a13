"""Make ``forensics/scoring/tables/traces.json``; ``python -m training.traces --data DIR``.

``--test OUT.json`` films people of `val` instead and writes what each sample scores.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import cv2

from forensics.scoring.references import TABLES
from training.traces.fit import Row, fit, rows, scored


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--people", type=int, default=130)
    parser.add_argument("--rows", type=Path, help="where the readings are kept (JSON lines)")
    parser.add_argument("--test", type=Path)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cv2.setNumThreads(1)
    groups, seed = (("val",), 2) if args.test else (("fit", "train"), 1)
    found = _kept(args.rows) or rows(args.data, groups, args.people, seed)
    if args.rows and not args.rows.exists():
        args.rows.write_text("".join(json.dumps(r._asdict()) + "\n" for r in found), "utf-8")
    if args.test:
        args.test.write_text(json.dumps(scored(found), indent=1) + "\n", "utf-8")
        return
    made = fit(found)
    (TABLES / "traces.json").write_text(json.dumps(made, indent=1) + "\n", "utf-8")


def _kept(path: Path | None) -> list[Row]:
    if path is None or not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    main()

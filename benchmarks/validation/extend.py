"""Validation, extending: measures that came later, for faces whose restorations were kept.

``python -m benchmarks.validation.extend --packs PACKS`` films each face again, takes its kept
restoration, and writes the new measures beside the rows (``NAME.more``), so that nothing is
restored twice.  Resumable.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.validation.gather import portraits
from forensics.calibration.filmed import make
from forensics.calibration.rows import FaceRow, read_rows
from forensics.calibration.sampling import Task, known_of
from forensics.scoring.appearance import NAMES, measure_appearance


def more_of(path: Path) -> dict[str, dict[str, float]]:
    """What was added to the rows of a file, by key; a torn last line is dropped."""
    beside = path.with_suffix(".more")
    found = {}
    for line in beside.read_text("utf-8").splitlines() if beside.is_file() else ():
        try:
            raw = json.loads(line)
        except ValueError:
            break
        found[raw["key"]] = raw["measures"]
    return found


def extended(path: Path) -> list[FaceRow]:
    """The rows of a file with what was added to them."""
    more = more_of(path)
    _, rows = read_rows(path)
    return [replace(r, measures=r.measures | more.get(r.key, {})) for r in rows]


def main() -> None:
    """Add what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=None, help="default: PACKS/validation")
    args = parser.parse_args()
    work = args.work or args.packs / "validation"
    people = portraits(args.packs)
    place = {p.sha256[:16]: k for k, p in enumerate(people)}
    begun, made = time.monotonic(), 0
    for path in sorted(work.glob("*.jsonl")):
        done = more_of(path)
        lines = [json.dumps({"key": k, "measures": m}) for k, m in done.items()]
        path.with_suffix(".more").write_text("".join(f"{x}\n" for x in lines), "utf-8")
        for row in read_rows(path)[1]:
            kept = work / "faces" / path.stem / f"{row.key}.npy"
            if row.key in done or any(n in row.measures for n in NAMES) or not kept.is_file():
                continue
            photo, k = row.key.rsplit("-", 1)
            task = Task(place[photo], int(k), row.key)
            face = make(people[task.photo].truth_rgb_u8, known_of(people[task.photo], task))
            face = replace(face, restored_rgb_u8=np.ascontiguousarray(np.load(kept)))
            found = {n: float(f"{v:.6g}") for n, v in measure_appearance(face).values.items()}
            with path.with_suffix(".more").open("a", encoding="utf-8") as handle:
                handle.write(json.dumps({"key": row.key, "measures": found}) + "\n")
            made += 1
            if made % 50 == 0:
                print(f"{made} faces, {(time.monotonic() - begun) / made:.2f} s each", flush=True)
    print(f"{made} faces", flush=True)


if __name__ == "__main__":
    main()

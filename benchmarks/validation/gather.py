"""Validation, gathering: rows for every restorer, kept outside the repository, resumable.

``python -m benchmarks.validation.gather --data ../shared/data --packs PACKS [--minutes N]``

One thread, about a second a face; a run that was cut off goes on where it stopped.  The order is
by rounds, so that what is there at any moment is as even as can be.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.validation.restorers import RESTORERS
from forensics.calibration import attributes, coding, filmed
from forensics.calibration.judges import FeatureJudge, identity_limit
from forensics.calibration.naturalness import Naturalness
from forensics.calibration.rows import FaceRow, Group, RowFile
from forensics.calibration.sampling import Draws, Maker, Portrait, Task, tasks
from forensics.models.load import load_embedded
from forensics.scoring.measure import FaceInput
from forensics.scoring.scorer import Scorer
from training.appearance.teacher import MODEL, MobileFace
from training.portraits import LISTS, read_list

OWN: dict[Group, int] = {"fit": 8, "cal": 6, "test": 14}
OTHERS: dict[Group, int] = {"fit": 2, "cal": 0, "test": 2}
STRIDE = 37
LISTS_OF: dict[Group, str] = {"fit": "fit", "cal": "cal", "test": "val"}


class Judge:
    """MobileFace as a judge: never shipped, never behind `identity_drift`."""

    name = "MobileFace_Identification_V2"

    def __init__(self, data: Path) -> None:
        path = data / "models" / "mobileface" / MODEL
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self._net = MobileFace(data)

    def embed(self, crops_rgb_u8: list[np.ndarray]) -> np.ndarray:
        """See `forensics.calibration.judges.IdentityJudge`."""
        from forensics.scoring.identity import window_112

        return self._net.embed(np.stack([window_112(c) for c in crops_rgb_u8])).astype(np.float64)


class Keeping:
    """A restorer whose faces are kept beside the rows, so that a new measure needs no restoring."""

    def __init__(self, restore: Draws, folder: Path) -> None:
        self._restore, self._folder, self.key = restore, folder, ""
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, face: FaceInput) -> np.ndarray | None:
        path = self._folder / f"{self.key}.npy"
        if path.exists():
            return np.asarray(np.load(path))
        restored = self._restore(face)
        if restored is not None:
            np.save(path, restored)
        return restored


def portraits(packs: Path) -> list[Portrait]:
    """Sharp portraits of fit, cal and val people; strangers to a list are an error."""
    found = []
    for group, name in LISTS_OF.items():
        facts = json.loads((packs / f"{name}_512.json").read_text("utf-8"))
        truths = np.load(packs / f"{name}_512.npy", mmap_mode="r")
        if name != "val" and (strangers := {f["person"] for f in facts} - read_list(name)):
            raise SystemExit(f"people outside the {name} list: {sorted(strangers)}")
        found += [
            Portrait(f["person"], group, f["sha256"], np.ascontiguousarray(t))
            for f, t in zip(facts, truths, strict=True)
        ]
    return found


def plan(people: list[Portrait]) -> Iterator[tuple[str, Task]]:
    """Restorer and face, in the order that serves best when the time is short."""
    found = []
    for name in RESTORERS:
        own = name == "embedded"
        for task in tasks(people, OWN if own else OTHERS):
            rank = float(task.k) if own else 1.5 + 3 * task.k
            # Groups lie one after the other in the list of people: step through it evenly.
            found.append((rank, task.photo * STRIDE % len(people), name, task))
    found.sort(key=lambda item: item[:3])
    yield from ((name, task) for *_, name, task in found)


def labels(judge: Judge, features: FeatureJudge, packs: Path, people: list[Portrait]) -> Any:
    """Limits that make labels of distances; from train people (T1) and fit people (T2, T3)."""
    facts = json.loads((packs / "train_512.json").read_text("utf-8"))
    truths = np.load(packs / "train_512.npy", mmap_mode="r")
    limit, pairs = identity_limit(judge.embed(list(truths)), [f["person"] for f in facts])
    sharp = [p.truth_rgb_u8 for p in people if p.group == "fit"]
    return {
        "identity_distance": round(limit, 4),
        "identity_pairs": pairs,
        "feature_distance": {k: round(v, 5) for k, v in features.limits(sharp).items()},
        "feature_portraits": len(sharp),
        "attribute_change": {k: round(v, 4) for k, v in attributes.limits(sharp).items()},
        "attributes_by": attributes.NAME,
        "attributes_sha256": attributes.rulers_sha256(),
    }


def files(work: Path, made_with: dict[str, Any]) -> dict[str, RowFile]:
    """One file a restorer."""
    return {
        name: RowFile(work / f"{name.replace(' ', '_')}.jsonl", made_with | {"restorer": name})
        for name in RESTORERS
    }


def main() -> None:
    """Gather until the plan or the time is at its end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=None, help="default: PACKS/validation")
    parser.add_argument("--minutes", type=float, default=60.0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    work = args.work or args.packs / "validation"
    work.mkdir(parents=True, exist_ok=True)
    people = portraits(args.packs)
    judge, features = Judge(args.data), FeatureJudge(load_embedded("perceptual"))
    scorer = Scorer.embedded("cpu")
    sharp = [p.truth_rgb_u8 for p in people if p.group == "fit"]
    natural = Naturalness.of(sharp)
    head = {
        "judge": judge.name,
        "judge_sha256": judge.sha256,
        "networks": dict(scorer.digests),
        "restorer_sha256": load_embedded("restorer").sha256,
        "filming_sha256": _code(Path(filmed.__file__), Path(coding.__file__)),
        "lists_sha256": {n: _code(LISTS / f"{n}.txt") for n in ("fit", "cal")},
        "index_sha256": _code(args.data / "portraits" / "index.csv"),
    }
    if not (work / "labels.json").exists():
        limits = labels(judge, features, args.packs, people)
        limits |= {"features_by": features.name, "features_sha256": features.sha256}
        (work / "labels.json").write_text(json.dumps(limits, indent=1), "utf-8")
        print(limits, flush=True)
    kept = files(work, head)
    restorers = {
        name: Keeping(build(args.packs), work / "faces" / name.replace(" ", "_"))
        for name, build in RESTORERS.items()
    }
    makers = {
        name: Maker(name, restore, scorer, judge, features, natural)
        for name, restore in restorers.items()
    }
    begun, made = time.monotonic(), 0
    for name, task in plan(people):
        if task.key in kept[name].keys:
            continue
        if time.monotonic() - begun > args.minutes * 60:
            break
        restorers[name].key = task.key
        row: FaceRow | None = makers[name].row(people[task.photo], task)
        if row is not None:
            kept[name].add(row)
        made += 1
        if made % 50 == 0:
            print(f"{made} faces, {(time.monotonic() - begun) / made:.2f} s each", flush=True)
    print({name: len(file.rows) for name, file in kept.items()}, flush=True)


def _code(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


if __name__ == "__main__":
    main()

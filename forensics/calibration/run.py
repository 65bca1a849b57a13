"""Calibration, the story: read portraits > film > restore > measure and judge > fit > test > write.

Promise: rows are kept beside the file as they arise, so that a run that was cut off goes on; the
same folder, weights and version give the same record but for its clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from forensics.calibration import attributes
from forensics.calibration.document import report
from forensics.calibration.judgement import Demands, Labels
from forensics.calibration.judges import AppearanceJudge, FeatureJudge, identity_limit
from forensics.calibration.naturalness import Naturalness
from forensics.calibration.portraits import Gallery, read_gallery
from forensics.calibration.record import as_bytes, filming_sha256, make_record
from forensics.calibration.rows import GROUPS, FaceRow, Group, RowFile
from forensics.calibration.sampling import Maker, drawing, tasks
from forensics.errors import InputError
from forensics.faces.detector import Detector
from forensics.models.load import LoadedModel, load_embedded, load_official, load_third_party
from forensics.models.profiles import profile
from forensics.progress import Progress
from forensics.restore.choose import load_restorer
from forensics.restore.plugin import plugin_model
from forensics.restore.restorer import Restorer, RestorerFacts
from forensics.runtime import make_repeatable, resolve_device
from forensics.scoring.found_calibration import calibration_path, measured_with
from forensics.scoring.scorer import Scorer

Say = Callable[[str], None]
FACES = 6
"""Faces made of each portrait: one in each band of sizes."""


@dataclass(frozen=True)
class Asked:
    """What a calibration is asked to do. ``out`` None: the place where an audit looks."""

    models: str
    portraits: Path
    out: Path | None = None
    faces: int = FACES
    device: str = "auto"
    demands: Demands = field(default_factory=Demands)

    @property
    def path(self) -> Path:
        """Where the record is written."""
        return self.out or calibration_path(self.models)


@dataclass(frozen=True)
class Calibrated:
    """What came of it: the record, where it and its report lie, and the time it took."""

    document: dict[str, Any]
    path: Path
    report: Path
    seconds: float

    @property
    def shown(self) -> tuple[str, ...]:
        """Targets whose probability an audit will show."""
        return tuple(k for k, target in self.document["targets"].items() if target["passed"])


def run(asked: Asked, progress: Progress, say: Say) -> Calibrated:
    """Make the calibration of a profile's restorer from portraits.

    Raises `UsageError` for an unknown profile, `EnvironmentLacks` for weights that are not here and
    `InputError` for a folder without usable faces.  Too few people is no error: the record and its
    report say so, and no probability is given.
    """
    begun = time.monotonic()
    make_repeatable()
    device = resolve_device(asked.device)
    restorer = load_restorer(_weights(asked.models), device)
    gallery = read_gallery(
        asked.portraits, Detector.load(load_embedded("detector").state, device), progress
    )
    for name in gallery.left_out:
        say(f"Left out: {name}.")
    people = gallery.people
    say(
        f"{len(gallery.portraits)} portraits of {sum(people.values())} people: "
        + ", ".join(f"{people[g]} for {g}" for g in GROUPS)
        + "."
    )
    networks = _Networks.load(device)
    labels, judges = _labels(networks, gallery)
    about = _about(restorer.facts, networks, judges, gallery, asked)
    rows = _rows(asked, restorer, networks, gallery, about, progress, say)
    say("Fitting, calibrating, and testing on people that nothing was chosen on.")
    made_utc = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    document, _ = make_record(rows, labels, about=about, demands=asked.demands, made_utc=made_utc)
    asked.path.write_bytes(as_bytes(document))
    written = asked.path.with_suffix(".md")
    written.write_text(report(document), "utf-8")
    seconds = time.monotonic() - begun
    say(f"It took {_minutes(seconds)}.")
    return Calibrated(document, asked.path, written, seconds)


@dataclass(frozen=True)
class _Networks:
    scorer: Scorer
    judge: AppearanceJudge
    features: FeatureJudge

    @classmethod
    def load(cls, device: torch.device) -> _Networks:
        features = FeatureJudge(load_embedded("perceptual"))
        return cls(Scorer.embedded(device), AppearanceJudge(load_embedded("appearance")), features)


def _weights(name: str) -> LoadedModel:
    chosen = profile(name)
    if chosen.kind == "embedded":
        return load_embedded(chosen.restorer)
    if chosen.kind == "plugin":
        return plugin_model(chosen.restorer)
    load = load_third_party if chosen.kind == "third-party" else load_official
    return load(chosen.restorer)


def _labels(networks: _Networks, gallery: Gallery) -> tuple[Labels, dict[str, Any]]:
    """The limits of the labels, and what set them."""
    truths = [p.truth_rgb_u8 for p in gallery.portraits]
    embedded = networks.judge.embed(truths)
    judges: dict[str, Any] = {
        "identity": {"name": networks.judge.name, "sha256": networks.judge.sha256},
        "feature": {"name": networks.features.name, "sha256": networks.features.sha256},
        "attribute": {"name": attributes.NAME, "sha256": attributes.rulers_sha256()},
    }
    limit: float | None = None
    try:
        limit, pairs = identity_limit(embedded, [p.person for p in gallery.portraits])
    except ValueError as error:
        judges["identity"]["pairs"] = f"{error}"
    else:
        judges["identity"]["pairs"] = pairs
    sharp = [p.truth_rgb_u8 for p in gallery.portraits if p.group == "fit"]
    if not sharp:
        raise InputError(
            "no person of the folder falls into the group that is fitted on",
            "At least three people are needed to begin; 90 before a probability can be given.",
        )
    return Labels(limit, networks.features.limits(sharp), attributes.limits(sharp)), judges


def _about(
    facts: RestorerFacts,
    networks: _Networks,
    judges: dict[str, Any],
    gallery: Gallery,
    asked: Asked,
) -> dict[str, Any]:
    return {
        "restorer": {
            "profile": asked.models,
            "name": facts.name,
            "version": facts.version,
            "sha256": facts.sha256,
            "noise_mode": facts.noise_mode,
        },
        "networks": measured_with(networks.scorer.digests),
        "judges": judges,
        "data": {
            "portraits": len(gallery.portraits),
            "left_out": len(gallery.left_out),
            "people_sha256": gallery.sha256,
            "faces_per_portrait": asked.faces,
        },
    }


def _rows(
    asked: Asked,
    restorer: Restorer,
    networks: _Networks,
    gallery: Gallery,
    about: dict[str, Any],
    progress: Progress,
    say: Say,
) -> list[FaceRow]:
    """All rows; those of an interrupted run are kept."""
    sharp = [p.truth_rgb_u8 for p in gallery.portraits if p.group == "fit"]
    maker = Maker(
        asked.models,
        drawing(restorer),
        networks.scorer,
        networks.judge,
        networks.features,
        Naturalness.of(sharp),
    )
    made_with = about | {"filming_sha256": filming_sha256()}
    file = RowFile(asked.path.with_suffix(".rows.jsonl"), made_with)
    if file.kept:
        say(f"{file.kept} faces of an interrupted run are kept.")
    each: dict[Group, int] = dict.fromkeys(GROUPS, asked.faces)
    due = [t for t in tasks(gallery.portraits, each) if t.key not in file.keys]
    begun, failed = time.monotonic(), 0
    with progress.step("Restoring and measuring", len(due)) as step:
        for number, task in enumerate(due, 1):
            row = maker.row(gallery.portraits[task.photo], task)
            if row is None:
                failed += 1
            else:
                file.add(row)
            step.advance()
            if number == min(5, len(due)):
                each_s = (time.monotonic() - begun) / number
                say(f"{each_s:.1f} s a face; {_minutes(each_s * (len(due) - number))} to go.")
    if failed:
        say(f"{failed} faces could not be restored and are left out.")
    if not file.rows:
        raise InputError("not one face could be restored", "Try 'forensics audit' on a picture.")
    return file.rows


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"

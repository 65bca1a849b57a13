"""Acceptance: one audit of the committed clip serves many tests; variants are built on demand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from forensics.cli.app import app
from forensics.evidence.lines import iter_faces, iter_frames, load_audit
from forensics.records import Audit, FaceLine, FrameLine


@dataclass(frozen=True)
class Audited:
    """A bundle with its truth, read back."""

    source: Path
    bundle: Path
    exit_code: int
    truth: dict[str, Any]
    audit: Audit
    frames: list[FrameLine]
    faces: list[FaceLine]

    def people_names(self) -> dict[int, str]:
        """Person number -> name in the truth, by nearest eyes, by majority over frames."""
        votes: dict[int, dict[str, int]] = {}
        for face in self.faces:
            people = self.truth["frames"][face.frame - 1]["people"]
            near = min(
                (name for name, one in people.items() if one["present"]),
                key=lambda name, face=face, people=people: _distance(face, people[name]),
                default=None,
            )
            if near is not None:
                tally = votes.setdefault(face.person, {})
                tally[near] = tally.get(near, 0) + 1
        return {person: max(tally, key=lambda n: tally[n]) for person, tally in votes.items()}

    def within(self, stretch: str) -> list[FaceLine]:
        """Faces in a named stretch of the truth."""
        ranges = self.truth["stretches"][stretch]
        return [f for f in self.faces if any(a <= f.frame <= b for a, b in ranges)]


def _distance(face: FaceLine, one: dict[str, Any]) -> float:
    (x0, y0), (x1, y1) = one["landmarks_px"][0], one["landmarks_px"][1]
    mine = face.landmarks_px
    dx = (x0 + x1 - mine[0][0] - mine[1][0]) / 2
    dy = (y0 + y1 - mine[0][1] - mine[1][1]) / 2
    return float((dx * dx + dy * dy) ** 0.5)


def run(source: Path, out: Path, *options: str) -> int:
    """The command, in this process."""
    done = CliRunner().invoke(app, ["audit", str(source), "--out", str(out), "-q", *options])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code


def read(source: Path, bundle: Path, truth: Path, code: int) -> Audited:
    """Read a bundle back with its truth."""
    return Audited(
        source,
        bundle,
        code,
        json.loads(truth.read_text("utf-8")),
        load_audit(bundle),
        list(iter_frames(bundle)),
        list(iter_faces(bundle)),
    )


@pytest.fixture(scope="session")
def demo(two_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The audit of the committed clip, as ``make demo`` makes it."""
    bundle = tmp_path_factory.mktemp("demo") / "bundle"
    code = run(two_people, bundle)
    return read(two_people, bundle, two_people.with_suffix(".truth.json"), code)


@pytest.fixture(scope="session")
def variant(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Audited]:
    """Builds and audits a variant by its seed, once."""
    made: dict[int, Audited] = {}

    def make(seed: int) -> Audited:
        if seed not in made:
            from fixtures.build import build, truth, write_truth

            folder = tmp_path_factory.mktemp(f"variant{seed}")
            clip, facts = folder / "clip.mp4", folder / "truth.json"
            build(clip, seed=seed)
            write_truth(facts, truth(seed=seed))
            code = run(clip, folder / "bundle")
            made[seed] = read(clip, folder / "bundle", facts, code)
        return made[seed]

    return make

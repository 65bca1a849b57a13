"""Key faces in a real run: pictures and digests in the bundle, the same bytes after a resume."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from forensics.config import Settings
from forensics.engines import Engines
from forensics.errors import Interrupted
from forensics.evidence.verify import verify
from forensics.passes.key_faces import NOT_KEY
from tests.attacks.null_engines import NullScorer, null_engines
from tests.faults.audits import Drawing, audit, differing, moving
from tests.passes.made_probe import Steady, prober


class GatedScorer(NullScorer):
    """With the reference that other faces are held against."""

    def score(self, faces):  # type: ignore[no-untyped-def]  # as its base
        gate = {"contradiction": 2.0, "contradiction_p99": 9.0}
        return [replace(one, references=gate) for one in super().score(faces)]


@pytest.fixture(autouse=True)
def with_prober(monkeypatch: pytest.MonkeyPatch) -> None:
    def engines(settings: Settings) -> Engines:
        found = null_engines(settings)
        return replace(found, prober=prober(Steady()), scorer=GatedScorer())  # type: ignore[arg-type]

    monkeypatch.setattr("tests.faults.audits.null_engines", engines)


@pytest.mark.slow
def test_a_resumed_run_draws_the_same_other_faces(tmp_path: Path) -> None:
    source = moving(tmp_path / "clip.mp4")
    whole = audit(source, tmp_path / "whole" / "out").bundle  # the command to repeat names it

    def strike(number: int) -> None:
        if number == 7:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        audit(source, tmp_path / "out", Drawing(strike))
    done = audit(source, tmp_path / "out", resume=True)
    assert differing(whole, done.bundle) == []
    assert verify(done.bundle).exit_code == 0
    lines = [json.loads(t) for t in (whole / "data/faces.jsonl").read_text().splitlines()]
    keys = [line for line in lines if "alternatives_spread" in line["measures"]]
    assert [line["frame"] for line in keys] == [5]  # the middle of eight frames
    found = sorted(p.name for p in (whole / "data/alternatives").iterdir())
    assert found == [f"000005_00_{letter}.png" for letter in "abcd"]
    assert len(set(keys[0]["alternatives"])) == 4
    others = [line["not_measured"] for line in lines if line not in keys]
    assert {reasons["stability_input"] for reasons in others} == {NOT_KEY}

"""Wrong pairs close what would be read as a score; sources restored before are said first."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from forensics.config import Settings
from forensics.evidence.lines import iter_faces, iter_frames, load_audit
from forensics.evidence.verify import verify
from forensics.media.declaration import LINE
from forensics.records import FlagCode
from forensics.report.other_words import NOTHING_RESTORED, TWICE
from forensics.report.words import DEMONSTRATION_SENTENCE
from forensics.scoring.facts import FaceFact, FlagFinding
from forensics.scoring.measure import FaceInput, Reading
from forensics.scoring.mismatch import PAIR_LIKENESS
from forensics.scoring.thresholds import ThresholdTable
from tests.held.conftest import FRAMES, MadePair
from tests.null_audits import make_moving, make_picture, null_audit

HTML = Settings(format="html")


def test_a_wrong_pair_has_no_band_and_no_other_flag(
    pair: MadePair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlike(face: FaceInput) -> Reading:
        return Reading({PAIR_LIKENESS: -0.2})

    def flags(**_: object) -> tuple[FlagCode, ...]:
        return ("contradicts_footage", "identity_drift")

    monkeypatch.setattr("forensics.passes.redraw.measure_likeness", unlike)
    monkeypatch.setattr("forensics.passes.face_line.face_flags", flags)
    bundle = null_audit(pair.source, tmp_path / "out", HTML, pair.other)
    audit = load_audit(bundle)
    assert [flag.code for flag in audit.flags] == ["mismatched_pair"]
    assert audit.flags[0].frames == ((1, FRAMES),)
    assert audit.flags[0].measured == pytest.approx(-0.2)
    (person,) = audit.people
    assert (person.risk.band, person.flags) == ("not_calculable", ("mismatched_pair",))
    assert "is not rated, neither good nor bad" in person.summary
    for face in iter_faces(bundle):
        assert face.risk.band == "not_calculable"
        assert face.flags == ("mismatched_pair",)
        assert face.risk.probability is None
    assert {line.flags for line in iter_frames(bundle)} == {("mismatched_pair",)}
    assert verify(bundle).exit_code == 0, verify(bundle).lines()
    html = (bundle / "data" / "report" / "report.html").read_text("utf-8")
    assert "not rated, because" in html
    assert "beside what accurate pictures of this quality score" not in html


def test_the_same_pair_with_its_own_face_is_rated(held: Path) -> None:
    audit = load_audit(held)
    assert "mismatched_pair" not in {flag.code for flag in audit.flags}
    assert "is not rated" not in audit.people[0].summary


def found_traces(
    person: int, own: Sequence[FaceFact], limits: ThresholdTable
) -> FlagFinding | None:
    frames = ((own[0].frame, own[-1].frame),)
    return FlagFinding("restored_twice", person, frames, "caution", 2.0, 1.0)


@pytest.mark.parametrize("paired", [False, True])
def test_a_source_that_was_restored_before_is_said_on_the_first_screen(
    pair: MadePair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paired: bool
) -> None:
    monkeypatch.setattr("forensics.scoring.flags.find_traces", found_traces)
    other = pair.other if paired else None
    bundle = null_audit(pair.source, tmp_path / "out", HTML, other)
    audit = load_audit(bundle)
    first = NOTHING_RESTORED if paired else DEMONSTRATION_SENTENCE
    assert audit.limits[:2] == (first, TWICE)
    html = (bundle / "data" / "report" / "report.html").read_text("utf-8")
    body = html[html.index("<body>") :]
    assert body.index("shows traces of an earlier restoration") < body.index("<h1>")
    assert verify(bundle).exit_code == 0, verify(bundle).lines()


def test_what_this_project_restored_is_told_when_it_comes_back(tmp_path: Path) -> None:
    """A restored clip and a restored picture, unsigned, audited as if they were footage."""
    for source in (make_moving(tmp_path / "clip.mp4"), make_picture(tmp_path / "still.png")):
        once = null_audit(source, tmp_path / f"{source.stem}-once", HTML)
        assert "restored_twice" not in {flag.code for flag in load_audit(once).flags}
        made = load_audit(once).restored
        assert made is not None
        bundle = null_audit(once / "data" / made.file, tmp_path / f"{source.stem}-twice", HTML)
        audit = load_audit(bundle)
        (flag,) = [flag for flag in audit.flags if flag.code == "restored_twice"]
        assert (flag.person, flag.frames) == (None, ((1, audit.source.frames),))
        assert "its own tags say so" in flag.words
        assert audit.source.declared == LINE
        assert audit.limits[1] == TWICE
        assert verify(bundle).exit_code == 0, verify(bundle).lines()


def test_single_faces_are_laid_on_the_source_one_by_one(pair: MadePair, tmp_path: Path) -> None:
    """What an audit of our own leaves is also what GFPGAN leaves without whole pictures."""
    own = null_audit(pair.source, tmp_path / "own", HTML)
    tool = tmp_path / "results"
    for name in ("cropped_faces", "restored_faces"):
        shutil.copytree(own / "data" / name, tool / name)
    bundle = null_audit(pair.source, tmp_path / "out", HTML, tool)
    audit = load_audit(bundle)
    assert audit.pair is not None
    assert (audit.pair.layout, audit.pair.geometry) == ("faces", None)
    assert audit.totals.faces_restored == audit.totals.faces == FRAMES
    lines = list(iter_frames(bundle))
    assert {(line.outcome, line.other_frame) for line in lines} == {("restored", None)}
    assert verify(bundle).exit_code == 0, verify(bundle).lines()
    kept = bundle / "data" / "restored"
    assert len(list(kept.iterdir())) == FRAMES

"""A pair end to end: what the bundle holds and says, with null networks in place of measures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.api import render_reports
from forensics.config import Settings
from forensics.errors import IncompleteError, InputError, IntegrityError
from forensics.evidence.lines import iter_faces, iter_frames, load_audit
from forensics.evidence.verify import verify
from forensics.media.container import digest_file
from forensics.pairs.alignment import Alignment, OtherFrame
from forensics.pairs.other import Other
from forensics.pairs.reading import OtherLost, read_other
from forensics.report.other_words import NOTHING_RESTORED
from tests.bundle_checks import validate_bundle
from tests.bundles import rebag
from tests.held.conftest import FRAMES, MadePair, command
from tests.held.made import enlarged, write_clip, write_pictures
from tests.null_audits import null_audit

HTML = Settings(format="html")


def test_the_bundle_is_intact_and_says_what_was_held_against_what(
    pair: MadePair, held: Path
) -> None:
    audit = load_audit(held)
    assert verify(held).exit_code == 0, verify(held).lines()
    assert validate_bundle(held) == []
    assert (audit.mode, audit.run.exit_code) == ("pair", 0)
    assert audit.limits[0] == NOTHING_RESTORED
    assert audit.pair is not None
    assert audit.pair.geometry is not None
    assert audit.pair.geometry.scale_x == pytest.approx(1.5, rel=0.005)
    assert audit.pair.geometry.scale_y == pytest.approx(1.5, rel=0.005)
    assert (audit.pair.frame_map.mapped, audit.pair.frame_map.unmapped) == (FRAMES, 0)


def test_the_restored_file_is_the_bytes_that_were_given(pair: MadePair, held: Path) -> None:
    audit = load_audit(held)
    assert audit.restored is not None
    assert audit.pair is not None
    assert audit.restored.file == "restored/theirs.mp4"
    assert (held / "data" / audit.restored.file).read_bytes() == pair.other.read_bytes()
    assert audit.restored.sha256 == audit.pair.sha256 == digest_file(pair.other).sha256
    assert sorted(p.name for p in (held / "data" / "frames").iterdir()) == [
        "original.framehash", "original.packethash", "restored.framehash", "restored.packethash",
    ]  # fmt: skip


def test_no_restorer_is_recorded_and_no_setting_of_one(held: Path) -> None:
    audit = load_audit(held)
    assert "restorer" not in {model.role for model in audit.models}
    assert audit.settings["mode"] == "pair"
    assert not {"models", "upscale", "background", "engine", "noise"} & set(audit.settings)
    predicate = json.loads((held / "data" / "run" / "predicate.json").read_text("utf-8"))
    named = [r["name"] for r in predicate["buildDefinition"]["resolvedDependencies"]]
    assert "restored/theirs.mp4" in named
    acquired = json.loads((held / "data" / "run" / "acquisition.json").read_text("utf-8"))
    assert acquired["other"]["file"] == "theirs.mp4"
    assert acquired["other"]["kept"] is True
    environment = json.loads((held / "data" / "run" / "environment.json").read_text("utf-8"))
    assert environment["used"]["engine"] == "none" if "used" in environment else True


def test_each_frame_names_its_counterpart(held: Path) -> None:
    assert [line.other_frame for line in iter_frames(held)] == list(range(1, FRAMES + 1))


def test_the_report_begins_with_what_was_not_done(held: Path, tmp_path: Path) -> None:
    html = (held / "data" / "report" / "report.html").read_text("utf-8")
    body = html[html.index("<body>") :]
    assert body.index(NOTHING_RESTORED.replace("'", "&#39;")) < body.index("<h1>")
    assert "What was held against what" in body
    assert "1.5 times as large" in body
    (again,) = render_reports(held, tmp_path / "again", ("html",))
    assert NOTHING_RESTORED.replace("'", "&#39;") in again.read_text("utf-8")


def test_a_clip_that_lacks_frames_skips_their_faces(pair: MadePair, tmp_path: Path) -> None:
    kept = [0, 1, 2, 5, 6, 7, 8, 9]
    other = write_clip(tmp_path / "fewer.mp4", [pair.restored[k] for k in kept], pts=kept)
    bundle = null_audit(pair.source, tmp_path / "out", HTML, other)
    audit = load_audit(bundle)
    skipped = [line for line in iter_frames(bundle) if line.outcome == "skipped"]
    assert [line.frame for line in skipped] == [4, 5]
    assert all(line.reason and line.other_frame is None for line in skipped)
    assert (audit.totals.frames_skipped, audit.totals.faces_skipped) == (2, 2)
    faces = {face.frame: face for face in iter_faces(bundle)}
    assert {faces[4].reason, faces[5].reason} == {"no_counterpart"}
    assert faces[4].risk.band == "not_calculable"
    assert audit.run.complete
    assert "pop" not in {flag.code for flag in audit.flags}
    assert verify(bundle).exit_code == 0, verify(bundle).lines()
    html = (bundle / "data" / "report" / "report.html").read_text("utf-8")
    assert "the restoration that was given does not show this face" in html


def test_a_frame_of_the_other_that_cannot_be_read_is_a_failure(
    pair: MadePair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(other: Other, alignment: Alignment) -> Iterator[OtherFrame | OtherLost]:
        for one in read_other(other, alignment):
            if one.other == 3:
                yield OtherLost(one.frame, one.other, "frame 3 of the other is lost: torn")
            else:
                yield one

    monkeypatch.setattr("forensics.run_pair.read_other", damaged)
    bundle = null_audit(pair.source, tmp_path / "out", HTML, pair.other)
    audit = load_audit(bundle)
    assert audit.run.exit_code == 3
    assert not audit.run.complete
    (line,) = [line for line in iter_frames(bundle) if line.outcome == "failed"]
    assert line.frame == 3
    assert "torn" in (line.error or "")
    (face,) = [face for face in iter_faces(bundle) if face.outcome == "failed"]
    assert (face.frame, "failed" in face.flags) == (3, True)
    assert verify(bundle).exit_code == 0, verify(bundle).lines()


def test_an_other_that_changes_is_an_integrity_error_and_leaves_nothing(
    pair: MadePair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "theirs.mp4"
    shutil.copyfile(pair.other, other)

    def changing(found: Other, alignment: Alignment) -> Iterator[OtherFrame | OtherLost]:
        for one in read_other(found, alignment):
            yield one
            if one.other == 2:
                with other.open("ab") as stream:
                    stream.write(b"x")

    monkeypatch.setattr("forensics.run_pair.read_other", changing)
    with pytest.raises(IntegrityError, match="changed while it was read"):
        null_audit(pair.source, tmp_path / "out", HTML, other)
    assert not list(tmp_path.glob("out*"))


def test_what_cannot_be_laid_on_the_source_leaves_nothing(pair: MadePair, tmp_path: Path) -> None:
    import numpy as np

    rng = np.random.default_rng(5)
    noise = [rng.integers(0, 256, pair.restored[0].shape, np.uint8) for _ in range(FRAMES)]
    other = write_clip(tmp_path / "noise.mp4", noise, qp=30)
    with pytest.raises((IncompleteError, InputError)) as caught:
        null_audit(pair.source, tmp_path / "out", HTML, other)
    assert caught.value.exit_code == 3
    assert not list(tmp_path.glob("out*"))


def test_without_the_bytes_their_hash_stays(pair: MadePair, tmp_path: Path) -> None:
    settings = Settings(format="html", original=False)
    bundle = null_audit(pair.source, tmp_path / "out", settings, pair.other)
    audit = load_audit(bundle)
    assert audit.restored is None
    assert audit.pair is not None
    assert not (bundle / "data" / "restored").exists()
    assert audit.pair.sha256 == digest_file(pair.other).sha256
    assert (bundle / "data" / "frames" / "restored.framehash").is_file()
    assert verify(bundle).exit_code == 0, verify(bundle).lines()


def test_a_folder_of_gfpgan_against_a_folder(pair: MadePair, tmp_path: Path) -> None:
    source = write_pictures(tmp_path / "frames", pair.frames[:3], lambda n: f"shot{n}")
    tool = tmp_path / "results"
    write_pictures(tool / "restored_imgs", pair.restored[:3], lambda n: f"shot{n}")
    bundle = null_audit(source, tmp_path / "out", HTML, tool)
    audit = load_audit(bundle)
    assert audit.pair is not None
    assert audit.restored is not None
    assert (audit.pair.layout, audit.pair.folder) == ("gfpgan", "restored_imgs")
    kept = bundle / "data" / "restored"
    assert sorted(p.name for p in kept.iterdir()) == ["shot1.png", "shot2.png", "shot3.png"]
    assert verify(bundle).exit_code == 0, verify(bundle).lines()
    assert validate_bundle(bundle) == []


def test_a_picture_against_a_picture(pair: MadePair, tmp_path: Path) -> None:
    source = write_pictures(tmp_path / "a", pair.frames[:1], lambda _: "photo") / "photo.png"
    other = write_pictures(tmp_path / "b", pair.restored[:1], lambda _: "photo_out")
    bundle = null_audit(source, tmp_path / "out", HTML, other / "photo_out.png")
    audit = load_audit(bundle)
    assert audit.pair is not None
    assert audit.pair.kind == "image"
    assert audit.restored is not None
    assert audit.restored.file == "restored/photo_out.png"
    code, out, told = command("verify", bundle, "--deep")
    assert code == 0, out + told


def test_replay_says_that_nothing_was_restored(held: Path) -> None:
    code, _, told = command("replay", held)
    assert code == 2
    assert "nothing was restored in this audit" in told
    assert "--restored theirs.mp4" in told


def test_deep_verification_decodes_both_clips(held: Path) -> None:
    code, out, told = command("verify", held, "--deep")
    assert code == 0, out + told
    assert "10 decoded frame(s) of the original have the recorded hashes" in told
    assert "10 decoded frame(s) of the restored file have the recorded hashes" in told


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "restore"},
        {"mode": "restored_only"},
        {"pair": None},
        {"pair.sha256": "0" * 64},
        {"pair.frames": 3},
        {"restored.sha256": "0" * 64},
        {"totals.frames_skipped": 1},
    ],
    ids=str,
)
def test_an_audit_json_that_lies_about_the_pair_is_found(
    held: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(held, bundle)
    path = bundle / "data" / "audit.json"
    document = json.loads(path.read_text("utf-8"))
    for name, value in change.items():
        *outer, last = name.split(".")
        place = document
        for part in outer:
            place = place[part]
        assert place[last] != value
        place[last] = value
    path.write_text(json.dumps(document), "utf-8")
    rebag(bundle)
    assert verify(bundle).exit_code == 4


def test_other_bytes_in_the_place_of_the_restoration_are_found(
    pair: MadePair, held: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(held, bundle)
    write_clip(
        bundle / "data" / "restored" / "theirs.mp4", [enlarged(f) for f in pair.frames], qp=40
    )
    rebag(bundle)
    found = verify(bundle)
    assert found.exit_code == 4
    assert any("not the one that audit.json names" in line for line in found.lines())


def test_settings_of_a_restorer_are_refused_in_python_too(pair: MadePair, tmp_path: Path) -> None:
    import forensics
    from forensics.errors import UsageError

    settings = Settings(upscale=4)
    with pytest.raises(UsageError, match="--upscale would have no effect"):
        forensics.audit(pair.source, tmp_path / "out", settings, restored=pair.other)
    with pytest.raises(UsageError, match="exclude each other"):
        forensics.audit(pair.source, tmp_path / "out", restored=pair.other, restored_only=True)

"""Replay: the same bits on the same machine; every doctoring named by frame, person, file."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from forensics.cli.app import app
from forensics.config import Settings
from forensics.errors import EnvironmentLacks, InputError, IntegrityError, UsageError
from forensics.evidence.archive import write_archive
from forensics.evidence.lines import iter_faces
from forensics.evidence.table import FaceTable
from forensics.progress import Silent
from forensics.replay.outcome import Change, Difference, Replay, Tally
from forensics.replay.run import replay
from tests.bundles import make_bundle, rebag
from tests.evidence.edits import edit_audit
from tests.null_audits import FRAMES, make_picture, null_audit, null_networks

NAME = "000001_00.png"


def again(bundle: Path, **options: Any) -> Replay:
    with null_networks():
        return replay(bundle, progress=Silent(), say=lambda _: None, **options)


def files(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


# ---------------------------------------------------------------- the same bits


def test_a_picture_repeats_bit_for_bit_and_its_bundle_stays_as_it_is(made_picture: Path) -> None:
    before = files(made_picture)
    result = again(made_picture)
    assert (result.level, result.exit_code) == ("R1", 0), result.lines()
    assert result.changes == ()
    # crop, restored face, pair and map of one face, and the restored picture
    assert (result.tally.faces, result.tally.frames, result.tally.pictures) == (1, 1, 5)
    assert result.tally.worst == 0
    assert files(made_picture) == before
    assert result.lines()[0].startswith("one-audit: R1, the same bits: 1 face(s) and 1 frame(s)")


def test_a_clip_repeats_with_every_saved_frame(made_clip: Path) -> None:
    result = again(made_clip)
    assert result.level == "R1", result.lines()
    assert (result.tally.faces, result.tally.frames) == (FRAMES, FRAMES)
    assert result.tally.pictures == FRAMES * 6


def test_the_first_faces_alone_are_replayed_from_recorded_points(
    made_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("finding people is not repeated with --faces")

    monkeypatch.setattr("forensics.replay.run.follow_people", never)
    result = again(made_clip, faces=3)
    assert (result.level, result.tally.faces, result.tally.frames) == ("R1", 3, 3)
    assert "the first 3 of 12 face(s)" in result.scope
    assert "was not repeated" in result.scope


def test_a_zip_is_replayed_too(picture_bundle: Path) -> None:
    archive = write_archive(picture_bundle)
    shutil.rmtree(picture_bundle)
    assert again(archive).level == "R1"


def test_an_original_that_was_left_out_is_given(tmp_path: Path) -> None:
    source = make_picture(tmp_path / "one.png")
    bundle = null_audit(source, tmp_path / "b", Settings(format="html", original=False))
    with pytest.raises(UsageError, match="--no-original"):
        again(bundle)
    assert again(bundle, original=source).level == "R1"
    other = tmp_path / "other.png"
    Image.new("RGB", (96, 96)).save(other)
    with pytest.raises(IntegrityError, match="SHA-256 differs"):
        again(bundle, original=other)


def test_threads_that_changed_are_named(made_picture: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        changes = again(made_picture).changes
    finally:
        torch.set_num_threads(before)
    assert Change("numeric.threads", str(before), str(before + 1)) in changes


# ---------------------------------------------------------------- doctored bundles


def doctor_picture(folder: str, by: int) -> Callable[[Path], None]:
    """Lighten a patch of a stored picture, with its digest in the lines where it has one."""

    def act(bundle: Path) -> None:
        path = bundle / "data" / folder / NAME
        pixels = np.asarray(Image.open(path)).copy()
        patch = pixels[40:60, 40:60].astype(int)
        pixels[40:60, 40:60] = np.where(patch > 127, patch - by, patch + by).astype(np.uint8)
        Image.fromarray(pixels).save(path)
        field = {"cropped_faces": "crop_sha256", "restored_faces": "restored_sha256"}.get(folder)
        if field is not None:
            digest = hashlib.sha256(pixels.tobytes()).hexdigest()
            reline(bundle, "faces.jsonl", field, digest)
        rebag(bundle)

    return act


def reline(bundle: Path, name: str, field: str, value: object) -> None:
    """Change a field of a file's only line, and all that names that file, as a forger would."""
    path, predicate = bundle / "data" / name, bundle / "data" / "run" / "predicate.json"
    named = (path, bundle / "data" / "faces.csv")
    before = [hashlib.sha256(file.read_bytes()).hexdigest() for file in named]
    text = json.dumps({**json.loads(path.read_bytes()), field: value}, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")
    table = FaceTable(bundle / "data")
    for face in iter_faces(bundle):
        table.write(face)
    table.close()
    text = predicate.read_text("utf-8")
    for file, digest in zip(named, before, strict=True):
        text = text.replace(digest, hashlib.sha256(file.read_bytes()).hexdigest())
    predicate.write_text(text, encoding="utf-8")
    rebag(bundle)


@pytest.mark.parametrize("folder", ["cropped_faces", "restored_faces", "cmp", "maps"])
def test_a_doctored_picture_is_not_repeated_and_named(picture_bundle: Path, folder: str) -> None:
    doctor_picture(folder, 90)(picture_bundle)
    result = again(picture_bundle)
    assert (result.verdict, result.level, result.exit_code) == (
        "intact_unsigned",
        "not repeated",
        1,
    ), result.lines()
    first = result.tally.first
    assert first is not None
    assert (first.frame, first.person, first.file) == (1, 0, f"{folder}/{NAME}")
    assert first.levels == result.tally.worst == 90
    assert "R1 was to be expected" in "\n".join(result.lines())


@pytest.mark.parametrize(
    ("by", "level"), [(1, "R2"), (2, "R2"), (3, "R3"), (32, "R3"), (33, "not repeated")]
)
def test_levels_follow_the_stated_bounds(picture_bundle: Path, by: int, level: str) -> None:
    doctor_picture("restored_faces", by)(picture_bundle)
    result = again(picture_bundle)
    assert (result.level, result.tally.worst) == (level, by)


def test_a_picture_doctored_without_new_digests_is_altered_and_named(picture_bundle: Path) -> None:
    path = picture_bundle / "data" / "restored_faces" / NAME
    Image.new("RGB", (512, 512)).save(path)
    result = again(picture_bundle)
    assert (result.verdict, result.level, result.exit_code) == ("altered", "not repeated", 4)
    assert result.tally.first is not None
    assert result.tally.first.file == f"restored_faces/{NAME}"
    assert any("ALTERED" in line for line in result.lines())


def test_another_band_is_not_repeated(picture_bundle: Path) -> None:
    risk = json.loads((picture_bundle / "data" / "faces.jsonl").read_bytes())["risk"]
    reline(picture_bundle, "faces.jsonl", "risk", {**risk, "band": "high"})
    result = again(picture_bundle)
    assert result.level == "not repeated"
    assert result.tally.first is not None
    assert "band high then" in result.tally.first.what


def test_a_forged_digest_of_a_frame_is_no_same_bits(picture_bundle: Path) -> None:
    reline(picture_bundle, "frames.jsonl", "restored_rgb_sha256", "0" * 64)
    result = again(picture_bundle)
    assert result.level != "R1"
    assert result.tally.first is not None
    assert "restored frame has other pixels" in result.tally.first.what


def test_another_network_is_refused(picture_bundle: Path) -> None:
    def other(document: dict[str, Any]) -> None:
        document["models"][2]["sha256"] = "0" * 64

    edit_audit(picture_bundle, other)
    rebag(picture_bundle)
    with pytest.raises(IntegrityError, match="not the one of the audit"):
        again(picture_bundle)


def test_a_network_that_is_absent_here_is_named(picture_bundle: Path) -> None:
    def more(document: dict[str, Any]) -> None:
        document["models"].append({**document["models"][0], "role": "lpips backbone"})

    edit_audit(picture_bundle, more)
    rebag(picture_bundle)
    with pytest.raises(EnvironmentLacks, match="lpips backbone"):
        again(picture_bundle)


def test_a_setting_of_another_version_is_named(picture_bundle: Path) -> None:
    def more(document: dict[str, Any]) -> None:
        document["settings"]["magic"] = 7

    edit_audit(picture_bundle, more)
    rebag(picture_bundle)
    with pytest.raises(EnvironmentLacks, match="'magic'"):
        again(picture_bundle)


def test_no_bundle_is_no_replay(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        again(tmp_path / "absent")
    with pytest.raises(UsageError, match="at least one"):
        again(tmp_path, faces=0)


def test_a_source_that_is_no_footage_cannot_be_finished(tmp_path: Path) -> None:
    """The drawn bundles hold text in place of a clip."""
    bundle = make_bundle(tmp_path, side=16)
    edit_audit(bundle, lambda d: d.update(settings={"models": "embedded"}, models=[]))
    rebag(bundle)
    with pytest.raises(InputError, match="text file"):
        again(bundle)


# ---------------------------------------------------------------- words


def test_the_first_difference_is_the_earliest() -> None:
    tally = Tally()
    tally.bits(Difference(5, 0, "a", "late", 1))
    tally.bits(Difference(2, 1, "b", "early", 2))
    assert tally.first == Difference(2, 1, "b", "early", 2)
    assert (tally.level(), tally.differences) == ("R2", 2)


def test_the_command_prints_one_document_and_its_code(
    picture_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor_picture("restored_faces", 90)(picture_bundle)
    monkeypatch.chdir(picture_bundle.parent)
    with null_networks():
        done = CliRunner().invoke(app, ["replay", picture_bundle.name, "--json"])
    assert done.exit_code == 1, done.output
    document = json.loads(done.stdout)
    assert document["schema"] == "restoration-forensics/replay/1"
    assert document["level"] == "not repeated"
    assert document["first_difference"]["file"] == f"restored_faces/{NAME}"
    assert document["max_difference_of_255"] == 90


@pytest.mark.slow
def test_the_real_networks_repeat_a_picture(two_people: Path, tmp_path: Path) -> None:
    import av

    from forensics.api import audit

    with av.open(str(two_people)) as clip:
        next(clip.decode(video=0)).to_image().save(tmp_path / "one.png")
    audit(tmp_path / "one.png", tmp_path / "b", Settings(format="html"))
    result = replay(tmp_path / "b", progress=Silent(), say=lambda _: None)
    assert (result.level, result.exit_code) == ("R1", 0), result.lines()
    assert result.tally.faces >= 1

"""Resuming: an interrupted audit goes on where its faces are, and gives the same bytes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forensics.config import Settings
from forensics.errors import IncompleteError, IntegrityError, Interrupted, UsageError
from forensics.evidence.verify import verify
from tests.faults import audits
from tests.faults.audits import FRAMES, SETTINGS, Drawing, audit, differing, moving, steps


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return moving(tmp_path_factory.mktemp("resume") / "clip.mp4")


@pytest.fixture(scope="module")
def whole(source: Path) -> Path:
    """The bundle of a run that nothing interrupted."""
    return audit(source, source.parent / "whole" / "out").bundle


def _interrupting(at: int) -> Callable[[int], None]:
    def strike(number: int) -> None:
        if number == at:
            raise KeyboardInterrupt

    return strike


@pytest.fixture(scope="module")
def half(source: Path) -> Path:
    """What Ctrl-C leaves while face 6 of 8 is drawn; not to be changed."""
    with pytest.raises(Interrupted):
        audit(source, source.parent / "half", Drawing(_interrupting(6)))
    return source.parent / "half.incomplete"


@pytest.fixture
def left(half: Path, tmp_path: Path) -> Path:
    """A copy of it, beside the ``out`` that it belongs to."""
    return Path(shutil.copytree(half, tmp_path / "out.incomplete"))


# ---------------------------------------------------------------- the same bytes


def test_what_an_interruption_leaves_is_named_and_marked(half: Path) -> None:
    assert not half.with_name("half").exists()
    assert sorted(p.name for p in half.iterdir()) == ["INCOMPLETE.txt", "data", "journal.jsonl"]
    text = (half / "INCOMPLETE.txt").read_text("utf-8")
    assert "NOT a finished audit" in text
    assert "--resume" in text
    assert verify(half).exit_code != 0
    assert len(list((half / "data" / "restored_faces").iterdir())) == 4  # two at a time


def test_a_resumed_run_gives_the_bytes_of_an_uninterrupted_one(
    source: Path, whole: Path, left: Path
) -> None:
    drawing, said = Drawing(), []
    done = audit(source, left.with_name("out"), drawing, resume=True, say=said.append)
    assert drawing.faces == FRAMES - 4
    assert differing(whole, done.bundle) == []
    assert (done.exit_code, done.audit.totals.faces_restored) == (0, FRAMES)
    assert verify(done.bundle).exit_code == 0
    assert not left.exists()
    assert sorted(p.name for p in done.bundle.iterdir() if p.is_dir()) == ["data"]
    assert "resumed" in steps(done.bundle)
    assert "resumed" not in steps(whole)
    assert any("4 restored face(s) are kept" in words for words in said)


@pytest.mark.slow
def test_interrupted_again_and_again_it_still_gives_the_same_bytes(
    source: Path, whole: Path, left: Path
) -> None:
    out = left.with_name("out")
    drawn = 0
    for at in (1, 3, 2):
        drawing = Drawing(_interrupting(at))
        with pytest.raises(Interrupted) as stopped:
            audit(source, out, drawing, resume=True)
        assert (stopped.value.exit_code, "--resume" in stopped.value.hint) == (130, True)
        drawn += drawing.faces - 1
    last = Drawing()
    done = audit(source, out, last, resume=True)
    assert differing(whole, done.bundle) == []
    # Two faces of the second round were written, the rest was drawn once more than kept.
    assert last.faces == FRAMES - 4 - 2
    assert drawn == 3


def _slow(place: str, at: int) -> Any:
    return pytest.param(place, at, marks=pytest.mark.slow)


PLACES = [
    ("forensics.bundle_sink.BundleSink.face", 5),
    ("forensics.evidence.bundle.write_bag", 1),
    _slow("forensics.media.cuts.CutMeter.add", 3),
    _slow("forensics.bundle_sink.BundleSink.picture", 5),
    _slow("forensics.bundle_sink.BundleSink.frame", 5),
    _slow("forensics.media.video_writer.VideoWriter.write", 5),
    _slow("forensics.media.video_writer.VideoWriter.close", 1),
    _slow("forensics.run.write_comparisons", 1),
    _slow("forensics.reporting.write_audit", 1),
]


@pytest.mark.parametrize(("place", "at"), PLACES)
def test_wherever_it_is_interrupted(
    place: str, at: int, source: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        audits.counted(patch, place, at, KeyboardInterrupt)
        with pytest.raises(Interrupted):
            audit(source, out)
    assert not out.exists()
    assert differing(whole, audit(source, out, resume=True).bundle) == []


# ---------------------------------------------------------------- what is not trusted


def _journal(left: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = left / "journal.jsonl"
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def _torn(left: Path) -> None:
    _journal(left, lambda lines: [*lines[:-1], lines[-1][: len(lines[-1]) // 2]])


def _garbage(left: Path) -> None:
    _journal(left, lambda lines: [*lines[:-1], b"\xff\x00{]\n", b'{"face":[1]}\n'])


def _altered(left: Path) -> None:
    """The unrestored crop in place of the restored face: it must not count as restored."""
    name = "000002_00.png"
    shutil.copyfile(left / "data/cropped_faces" / name, left / "data/restored_faces" / name)


def _cut(left: Path) -> None:
    path = left / "data/restored_faces/000002_00.png"
    path.write_bytes(path.read_bytes()[:-4000])


def _missing(left: Path) -> None:
    (left / "data/restored_faces/000002_00.png").unlink()


def _empty(left: Path) -> None:
    (left / "data/restored_faces/000002_00.png").write_bytes(b"")


def _another_crop(left: Path) -> None:
    def change(lines: list[bytes]) -> list[bytes]:
        face = json.loads(lines[-1])
        return [*lines[:-1], json.dumps({**face, "crop": "0" * 64}).encode() + b"\n"]

    _journal(left, change)


@pytest.mark.parametrize(
    "harm",
    [
        _altered,
        *(
            pytest.param(harm, marks=pytest.mark.slow)
            for harm in (_torn, _garbage, _cut, _missing, _empty, _another_crop)
        ),
    ],
)
def test_a_face_that_cannot_be_proven_is_restored_again(
    harm: Callable[[Path], None], source: Path, whole: Path, left: Path
) -> None:
    harm(left)
    drawing = Drawing()
    done = audit(source, left.with_name("out"), drawing, resume=True)
    assert drawing.faces == FRAMES - 4 + 1
    assert differing(whole, done.bundle) == []


@pytest.mark.slow
def test_faces_of_a_journal_are_not_lost_to_a_torn_line(source: Path, left: Path) -> None:
    """What is appended after a torn line stands on a line of its own."""
    _torn(left)
    with pytest.raises(Interrupted):
        audit(source, left.with_name("out"), Drawing(_interrupting(4)), resume=True)
    drawing = Drawing()
    audit(source, left.with_name("out"), drawing, resume=True)
    assert drawing.faces == FRAMES - 3 - 3  # three were kept at first, three were added


# ---------------------------------------------------------------- refusals


def _refused(left: Path, error: type[Exception], words: str, act: Callable[[], Any]) -> None:
    before = {p: p.read_bytes() for p in left.rglob("*") if p.is_file()}
    with pytest.raises(error, match=words) as caught:
        act()
    assert getattr(caught.value, "exit_code", None) == (4 if error is IntegrityError else 2)
    assert "--force" in getattr(caught.value, "hint", "") or error is UsageError
    # What the interrupted run restored is still there.
    kept = {p.name for p in left.rglob("*.png") if p.parent.name in {"restored_faces", "kept"}}
    assert kept == {p.name for p in before if p.parent.name == "restored_faces"}
    assert "Traceback" not in str(caught.value)


def test_another_source_is_refused(left: Path, tmp_path: Path) -> None:
    other = moving(tmp_path / "clip.mp4", FRAMES + 1)
    out = left.with_name("out")
    _refused(left, IntegrityError, "not the one", lambda: audit(other, out, resume=True))


def test_other_settings_are_refused_by_name(source: Path, left: Path) -> None:
    settings = Settings(format="html", upscale=3)
    out = left.with_name("out")
    words = r"other settings: upscale \(2 then, 3 now\)"
    _refused(left, UsageError, words, lambda: audit(source, out, resume=True, settings=settings))


def test_other_versions_are_refused_by_name(
    source: Path, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audits, "VERSIONS", {**audits.VERSIONS, "torch": "9.9"})
    out = left.with_name("out")
    words = r"other versions: torch \(None then, 9\.9 now\)"
    _refused(left, UsageError, words, lambda: audit(source, out, resume=True))


def test_other_weights_are_refused(
    source: Path, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = left / "journal.jsonl"
    digest = json.loads(path.read_text("utf-8").splitlines()[1])["models"]["restorer"]
    path.write_text(path.read_text("utf-8").replace(digest, "0" * 64), "utf-8")
    out = left.with_name("out")
    words = "other weights: restorer"
    _refused(left, IntegrityError, words, lambda: audit(source, out, resume=True))


def test_other_switches_are_refused(source: Path, left: Path) -> None:
    path = left / "journal.jsonl"
    assert '"numeric":{' in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace('"numeric":{', '"numeric":{"x":1,'), "utf-8")
    out = left.with_name("out")
    _refused(left, UsageError, "computed otherwise", lambda: audit(source, out, resume=True))


@pytest.mark.slow
def test_faces_of_unknown_weights_are_not_kept(source: Path, whole: Path, left: Path) -> None:
    _journal(left, lambda lines: [lines[0], lines[1][:40] + b"\n", *lines[2:]])
    drawing = Drawing()
    done = audit(source, left.with_name("out"), drawing, resume=True)
    assert drawing.faces == FRAMES
    assert differing(whole, done.bundle) == []


def test_there_must_be_something_to_resume(source: Path, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no interrupted audit"):
        audit(source, tmp_path / "out", resume=True)
    with pytest.raises(UsageError, match="It holds a finished audit"):
        audit(source, whole, resume=True)
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_cannot_be_read_is_refused(source: Path, left: Path) -> None:
    (left / "journal.jsonl").write_bytes(b"{}\n")
    with pytest.raises(UsageError, match="cannot be read"):
        audit(source, left.with_name("out"), resume=True)
    (left / "journal.jsonl").unlink()
    with pytest.raises(UsageError, match="no journal"):
        audit(source, left.with_name("out"), resume=True)


def test_restored_faces_are_not_thrown_away_unasked(source: Path, left: Path) -> None:
    out = left.with_name("out")
    with pytest.raises(UsageError, match="interrupted audit with 4 restored face") as caught:
        audit(source, out)
    assert "--resume" in caught.value.hint
    drawing = Drawing()
    assert audit(source, out, drawing, force=True).exit_code == 0
    assert drawing.faces == FRAMES


@pytest.mark.slow
def test_a_run_begun_with_force_is_resumed_without_it(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    audit(source, out)
    with pytest.raises(Interrupted):
        audit(source, out, Drawing(_interrupting(4)), force=True)
    assert verify(out).exit_code == 0
    drawing = Drawing()
    assert audit(source, out, drawing, resume=True).exit_code == 0
    assert drawing.faces == FRAMES - 2


@pytest.mark.slow
def test_a_folder_of_pictures_is_resumed_too(tmp_path: Path) -> None:
    from PIL import Image

    from tests.clips import pattern

    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(4):
        Image.fromarray(pattern(number, 96, 96)).save(folder / f"{number}.png")
    settings = Settings(**{**SETTINGS.values(), "save": "source,frames"})
    whole = audit(folder, tmp_path / "whole" / "out", settings=settings).bundle
    with pytest.raises(Interrupted):
        audit(folder, tmp_path / "out", Drawing(_interrupting(3)), settings=settings)
    drawing = Drawing()
    done = audit(folder, tmp_path / "out", drawing, resume=True, settings=settings)
    assert drawing.faces == 2
    assert differing(whole, done.bundle) == []


def test_a_full_disk_says_how_to_go_on(source: Path, tmp_path: Path) -> None:
    """Only said here; the fault itself is in `test_faults`."""

    def full(number: int) -> None:
        if number == 5:
            raise OSError(28, "No space left on device", str(tmp_path / "x"))

    with pytest.raises(IncompleteError, match="No space left on device") as caught:
        audit(source, tmp_path / "out", Drawing(full))
    assert caught.value.exit_code == 3
    assert "--resume" in caught.value.hint
    drawing = Drawing()
    assert audit(source, tmp_path / "out", drawing, resume=True).exit_code == 0
    assert drawing.faces == FRAMES - 4

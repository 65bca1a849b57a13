"""The bundle writer: sealed or not there, valid to the reference reader, nobody's files lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import bagit
import pytest

from forensics.errors import InputError, UsageError
from forensics.evidence.bundle import MARKER, BundleWriter
from tests.bundles import make_bundle, rebag


def _small(out: Path, text: str = "x", force: bool = False) -> BundleWriter:
    writer = BundleWriter.create(out, force)
    writer.path("audit.json").write_text(text, encoding="utf-8")
    return writer


def _content(out: Path) -> str:
    return (out / "data" / "audit.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["plain", "hostile", "no_faces"])
def test_the_reference_reader_accepts_every_bundle(tmp_path: Path, kind: str) -> None:
    bundle = make_bundle(tmp_path, side=16, hostile=kind == "hostile", no_faces=kind == "no_faces")
    bag = bagit.Bag(str(bundle))
    assert bag.validate(fast=False)
    assert bag.version_info == (1, 0)
    assert sorted(bag.algorithms) == ["sha256", "sha512"]
    assert bag.info["Bag-Software-Agent"].startswith("restoration-forensics ")


def test_names_beyond_ascii_are_listed_as_they_are(tmp_path: Path) -> None:
    writer = _small(tmp_path / "out")
    writer.path("original", "Über wachung 1.mp4").write_bytes(b"abc")
    writer.seal({"External-Identifier": "run"})
    digest = hashlib.sha256(b"abc").hexdigest()
    manifest = (tmp_path / "out" / "manifest-sha256.txt").read_text(encoding="utf-8")
    assert f"{digest}  data/original/Über wachung 1.mp4\n" in manifest
    assert bagit.Bag(str(tmp_path / "out")).validate()


def test_tag_files_have_the_canonical_form(tmp_path: Path) -> None:
    writer = _small(tmp_path / "out")
    writer.path("b.txt").write_bytes(b"12345")
    writer.seal({"External-Identifier": "run 7", "Bagging-Date": "2026-01-02", "Aaa": "b\nc"})
    out = tmp_path / "out"
    declaration = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    assert (out / "bagit.txt").read_bytes() == declaration
    info = (out / "bag-info.txt").read_text(encoding="utf-8").splitlines()
    assert info[:3] == [
        "External-Identifier: run 7",
        "Bagging-Date: 2026-01-02",
        "Payload-Oxum: 6.2",
    ]
    assert info[4] == "Aaa: b c"
    lines = (out / "manifest-sha512.txt").read_bytes().split(b"\n")
    assert [line.split(b"  ")[1] for line in lines[:-1]] == [b"data/audit.json", b"data/b.txt"]
    tagged = (out / "tagmanifest-sha256.txt").read_text(encoding="utf-8").split()[1::2]
    assert tagged == ["bag-info.txt", "bagit.txt", "manifest-sha256.txt", "manifest-sha512.txt"]


def test_nothing_stands_at_out_before_the_seal(tmp_path: Path) -> None:
    out = tmp_path / "out"
    writer = _small(out)
    assert not out.exists()
    assert writer.root == tmp_path / "out.incomplete"
    assert "NOT a finished audit" in (writer.root / MARKER).read_text(encoding="utf-8")
    writer.seal({"External-Identifier": "run"})
    assert writer.root == out
    assert writer.data == out / "data"
    assert not (tmp_path / "out.incomplete").exists()
    assert not (out / MARKER).exists()


def test_a_filled_folder_is_refused_without_force(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="not empty") as caught:
        BundleWriter.create(out, force=False)
    assert "--force" in caught.value.hint
    assert caught.value.exit_code == 2
    assert not (tmp_path / "out.incomplete").exists()


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    _small(out, "new").seal({})
    assert _content(out) == "new"


def test_force_replaces_an_audit_only_when_the_new_one_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _small(out, "old").seal({})
    writer = _small(out, "new", force=True)
    assert _content(out) == "old"
    writer.seal({})
    assert _content(out) == "new"
    assert writer.notes == ()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_force_keeps_the_old_audit_when_the_new_one_is_given_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _small(out, "old").seal({})
    _small(out, "new", force=True).abort(keep=False)
    assert _content(out) == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_force_never_deletes_what_is_no_audit(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    writer = _small(out, "new", force=True)
    writer.seal({})
    assert _content(out) == "new"
    assert (tmp_path / "out.old-1" / "mine.txt").read_text(encoding="utf-8") == "mine"
    assert any("out.old-1" in note for note in writer.notes)


@pytest.mark.parametrize("where", [".", "..", "~"])
def test_the_folder_one_works_in_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    inner = tmp_path / "home" / "work"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    monkeypatch.setenv("HOME", str(tmp_path / "other"))
    out = Path.home() if where == "~" else Path(where)
    with pytest.raises(UsageError, match="folder you work in"):
        BundleWriter.create(out, force=True)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("file", encoding="utf-8")
    with pytest.raises(UsageError, match="is a file"):
        BundleWriter.create(tmp_path / "out", force=True)


def test_what_an_interrupted_run_left_is_replaced_and_reported(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _small(out, "interrupted").abort(keep=True)
    assert (tmp_path / "out.incomplete" / MARKER).is_file()
    writer = _small(out, "new")
    assert any("interrupted run" in note for note in writer.notes)
    writer.seal({})
    assert _content(out) == "new"


def test_a_running_audit_is_not_replaced(tmp_path: Path) -> None:
    running = _small(tmp_path / "out")
    with pytest.raises(UsageError, match="writing to this folder now"):
        BundleWriter.create(tmp_path / "out", force=True)
    running.seal({})
    assert _content(tmp_path / "out") == "x"


def test_a_strangers_folder_with_the_staging_name_is_left_alone(tmp_path: Path) -> None:
    stranger = tmp_path / "out.incomplete"
    stranger.mkdir()
    (stranger / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="not made by an audit"):
        BundleWriter.create(tmp_path / "out", force=True)
    assert (stranger / "mine.txt").is_file()


def test_empty_folders_do_not_reach_the_bundle(tmp_path: Path) -> None:
    writer = _small(tmp_path / "out")
    (writer.data / "maps" / "deep").mkdir(parents=True)
    writer.seal({})
    assert not (tmp_path / "out" / "data" / "maps").exists()


def test_links_and_unsafe_names_are_not_sealed(tmp_path: Path) -> None:
    writer = _small(tmp_path / "out")
    (writer.data / "link").symlink_to("audit.json")
    with pytest.raises(InputError, match="not a regular file"):
        writer.seal({})
    (writer.data / "link").unlink()
    (writer.data / "a\u202eb").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match=r"U\+202E"):
        writer.seal({})
    writer.abort()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("parts", [("..", "x"), ("a/b",), ("", "x"), ("a\\b",)])
def test_paths_stay_inside_the_payload(tmp_path: Path, parts: tuple[str, ...]) -> None:
    writer = _small(tmp_path / "out")
    with pytest.raises(ValueError, match="plain names"):
        writer.path(*parts)
    writer.abort(keep=False)


def test_a_sealed_bundle_cannot_be_sealed_or_aborted_again(tmp_path: Path) -> None:
    writer = _small(tmp_path / "out")
    writer.seal({})
    writer.abort(keep=False)
    assert _content(tmp_path / "out") == "x"
    with pytest.raises(RuntimeError, match="already sealed"):
        writer.seal({})


def test_sealing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, side=16)
    before = {p.name: p.read_bytes() for p in bundle.iterdir() if p.is_file()}
    rebag(bundle)
    assert {p.name: p.read_bytes() for p in bundle.iterdir() if p.is_file()} == before

"""Verify: an intact bundle passes, every attack on it is named, and nothing makes it stumble."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from forensics.evidence import check_files
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.lines import iter_faces
from forensics.evidence.tree import Tree
from forensics.evidence.verification import Verification
from forensics.evidence.verify import verify
from tests.bundles import make_bundle, rebag


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("verify"), side=16)


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "bundle"))


def _failed(result: Verification) -> dict[str, str]:
    return {step.name: step.reason for step in result.steps if step.status == "failed"}


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# ---------------------------------------------------------------- intact


@pytest.mark.parametrize("kind", ["plain", "hostile", "no_faces", "all_restored"])
def test_an_intact_bundle_passes_and_is_called_unsigned(tmp_path: Path, kind: str) -> None:
    made = make_bundle(
        tmp_path,
        side=16,
        hostile=kind == "hostile",
        no_faces=kind == "no_faces",
        failed=kind != "all_restored",
    )
    result = verify(made)
    assert _failed(result) == {}
    assert (result.exit_code, result.verdict) == (0, "intact_unsigned")
    assert "10 checks ran; intact, but unsigned: anyone could have made it" in result.first_line


def test_the_text_keeps_five_questions_apart(bundle: Path) -> None:
    lines = verify(bundle).lines()
    assert lines[0].startswith("bundle: 10 checks ran; intact, but unsigned")
    assert "failed frames: 1, failed faces: 1, skipped faces: 1" in lines[0]
    assert sum(line.strip().endswith("?") or "?  " in line for line in lines) == 5
    signature = next(line for line in lines if "signature" in line)
    assert "not included" in signature
    assert "this bundle is unsigned; anyone could have made it" in signature


def test_the_document_is_json_with_counts(bundle: Path) -> None:
    document = json.loads(json.dumps(verify(bundle).document(), allow_nan=False))
    assert document["schema"] == "restoration-forensics/verification/1"
    assert document["verdict"] == "intact_unsigned"
    assert document["totals"]["faces"] == 9
    statuses = {step["name"]: step["status"] for step in document["steps"]}
    assert statuses["time"] == "not_included"
    assert statuses["frame hashes"] == "not_checked"
    assert statuses["pictures"] == "passed"


def test_a_resealed_unsigned_bundle_is_intact_and_that_is_why_the_words_say_unsigned(
    bundle: Path,
) -> None:
    report = bundle / "data" / "report" / "report.html"
    report.write_text("<p>something else</p>", encoding="utf-8")
    assert verify(bundle).exit_code == 4
    rebag(bundle)
    result = verify(bundle)
    assert result.exit_code == 0
    assert "anyone could have made it" in result.first_line


def test_neither_network_nor_heavy_library_is_touched(bundle: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "blocked = {'torch', 'torchvision', 'cv2', 'av', 'weasyprint', 'numpy'}\n"
        "class Wall:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in blocked:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Wall())\n"
        "def watch(event, _):\n"
        "    if event.startswith('socket.'):\n"
        "        sys.exit(event)\n"
        "sys.addaudithook(watch)\n"
        "from forensics.evidence.verify import verify\n"
        "print(verify(pathlib.Path(sys.argv[1])).exit_code)\n"
    )
    command = [sys.executable, "-c", code, str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("0", "")


# ---------------------------------------------------------------- the bag


def _append(name: str, content: bytes = b"x") -> Callable[[Path], None]:
    def act(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(content)

    return act


def _remove(*names: str) -> Callable[[Path], None]:
    def act(root: Path) -> None:
        for name in names:
            (root / name).unlink()

    return act


def _capital_digest(root: Path) -> None:
    path = root / "tagmanifest-sha256.txt"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(lines[0][:64].upper() + lines[0][64:] + "".join(lines[1:]), encoding="utf-8")


def _reordered(root: Path) -> None:
    path = root / "tagmanifest-sha512.txt"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(reversed(lines)), encoding="utf-8")


def _symlink(root: Path) -> None:
    path = root / "data" / "restored" / "two_people.mp4"
    path.rename(root.parent / "elsewhere.mp4")
    path.symlink_to(root.parent / "elsewhere.mp4")


def _folder_symlink(root: Path) -> None:
    (root / "data" / "maps").rename(root.parent / "maps")
    (root / "data" / "maps").symlink_to(root.parent / "maps")


def _fifo(root: Path) -> None:
    (root / "data" / "audit.json").unlink()
    os.mkfifo(root / "data" / "audit.json")


def _unix_socket(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(root / "data" / "s"))


def _unlisted_pair(root: Path) -> None:
    """A payload file and its manifests' lines gone together, the tag manifests left."""
    (root / "data" / "maps" / "000001_00.png").unlink()
    for name in ("manifest-sha256.txt", "manifest-sha512.txt"):
        lines = (root / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if "maps/000001_00" not in line]
        (root / name).write_text("".join(kept), encoding="utf-8")


BAG_ATTACKS: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "byte appended to the restored clip": (
        _append("data/restored/two_people.mp4"),
        "digests",
        "two_people.mp4' was changed",
    ),
    "payload file removed": (_remove("data/cmp/000001_00.png"), "bag", "not there"),
    "payload file added": (_append("data/extra.txt"), "bag", "'data/extra.txt' is not listed"),
    "root file added": (_append("extra.txt"), "bag", "'extra.txt' at the root is listed nowhere"),
    "fetch.txt added": (_append("fetch.txt"), "bag", "refers to files elsewhere"),
    "signatures added": (_append("signatures/x.json"), "bag", "outside data/"),
    "both tag manifests removed": (
        _remove("tagmanifest-sha256.txt", "tagmanifest-sha512.txt"),
        "bag",
        "tagmanifest-sha256.txt is missing",
    ),
    "one manifest removed": (
        _remove("manifest-sha512.txt"),
        "bag",
        "manifest-sha512.txt is missing",
    ),
    "declaration removed": (_remove("bagit.txt"), "bag", "bagit.txt is missing"),
    "bag-info edited": (
        lambda root: _edit(root / "bag-info.txt", "2026-01-02", "2025-01-02"),
        "digests",
        "'bag-info.txt' was changed",
    ),
    "older BagIt declared": (
        lambda root: _edit(root / "bagit.txt", "1.0", "0.97"),
        "bag",
        "does not declare BagIt 1.0",
    ),
    "digest in capitals": (_capital_digest, "bag", "line 1 is not in canonical form"),
    "manifest in another order": (_reordered, "bag", "canonical form and order"),
    "manifest with CRLF": (
        lambda root: _edit(root / "manifest-sha256.txt", "\n", "\r\n"),
        "bag",
        "canonical form",
    ),
    "file and its lines removed": (_unlisted_pair, "digests", "'manifest-sha256.txt' was changed"),
    "symlink to a file": (_symlink, "names", "'data/restored/two_people.mp4' is a link"),
    "symlink to a folder": (_folder_symlink, "names", "'data/maps' is a link"),
    "FIFO": (_fifo, "names", "is no regular file"),
    "socket": (_unix_socket, "names", "is no regular file"),
    "bidi name": (_append("data/original/\u202e4pm.exe"), "names", "U+202E"),
    "name in NFD": (_append("data/original/u\u0308.mp4"), "names", "not in Unicode form NFC"),
    "name with a trailing dot": (_append("data/original/two_people.mp4."), "names", "ends with"),
    "undecodable name": (_append(os.fsdecode(b"data/\xff")), "names", "U+DCFF"),
    "names that collide": (
        _append("data/original/TWO_people.MP4"),
        "names",
        "one name on some systems",
    ),
    "folders without end": (_append("data/" + "d/" * 12 + "x"), "names", "deeper than"),
    "empty folder": (lambda root: (root / "data" / "void").mkdir(), "bag", "'data/void' is empty"),
}


@pytest.mark.parametrize("attack", BAG_ATTACKS)
def test_every_attack_on_the_bag_is_named(
    bundle: Path, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, step, words = BAG_ATTACKS[attack]
    monkeypatch.chdir(bundle.parent)  # a socket's path must be short
    act(bundle)
    result = verify(bundle)
    assert (result.exit_code, result.verdict) == (4, "altered")
    assert words in _failed(result)[step]
    assert len(result.steps) == 13
    assert "ALTERED" in result.first_line


# ------------------------------------------- lies that are sealed again: only the content tells


def _lines(root: Path, name: str, change: Callable[[list[str]], list[str]]) -> None:
    path = root / "data" / name
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(change(lines)), encoding="utf-8")


def _audit(root: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = root / "data" / "audit.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def _crop_swap(root: Path) -> None:
    folder = root / "data" / "cropped_faces"
    (folder / "000001_00.png").rename(folder / "x")
    (folder / "000001_01.png").rename(folder / "000001_00.png")
    (folder / "x").rename(folder / "000001_01.png")


def _sixteen_bit(root: Path) -> None:
    path = root / "data" / "cropped_faces" / "000001_00.png"
    with Image.open(path) as picture:
        picture.convert("L").save(path)


LIES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a flagged face dropped": (
        lambda root: _lines(root, "faces.jsonl", lambda lines: lines[:2] + lines[3:]),
        "totals",
        "frame 2 counts 2 faces, found 1",
    ),
    "a frame dropped": (
        lambda root: _lines(root, "frames.jsonl", lambda lines: lines[:2] + lines[3:]),
        "totals",
        "frames.jsonl line 3 is frame 4",
    ),
    "two frames swapped": (
        lambda root: _lines(root, "frames.jsonl", lambda x: [x[1], x[0], *x[2:]]),
        "totals",
        "line 1 is frame 2",
    ),
    "totals changed": (
        lambda root: _audit(root, lambda d: d["totals"].update(faces_failed=0)),  # type: ignore[attr-defined]
        "totals",
        "totals.faces_failed is 0, the lines give 1",
    ),
    "a person's bands changed": (
        lambda root: _audit(root, lambda d: d["people"][0].update(bands={"no_sign": 5})),  # type: ignore[index]
        "totals",
        "person 0: bands",
    ),
    "a person left out": (
        lambda root: _audit(root, lambda d: d["people"].pop()),  # type: ignore[attr-defined]
        "totals",
        "names the people [0], faces.jsonl [0, 1]",
    ),
    "a flag left out of the summary": (
        lambda root: _audit(root, lambda d: d["flags"].pop(0)),  # type: ignore[attr-defined]
        "totals",
        "flags[] does not say so",
    ),
    "called complete": (
        lambda root: _audit(root, lambda d: d["run"].update(complete=True)),  # type: ignore[attr-defined]
        "totals",
        "calls itself complete",
    ),
    "another run's label": (
        lambda root: _audit(root, lambda d: d["run"].update(id="other")),  # type: ignore[attr-defined]
        "totals",
        "names the run",
    ),
    "another original": (_append("data/original/two_people.mp4"), "media", "the original is not"),
    "another restored clip": (
        _append("data/restored/two_people.mp4"),
        "media",
        "the restored file is not",
    ),
    "a second original": (_append("data/original/b.mp4"), "media", "2 files instead of one"),
    "a stray restored clip": (_append("data/restored/b.mp4"), "media", "is in no record"),
    "restored clip taken away": (
        _remove("data/restored/two_people.mp4"),
        "media",
        "the restored file 'restored/two_people.mp4' is missing",
    ),
    "two crops swapped": (_crop_swap, "pictures", "pixels of 'data/cropped_faces/000001_00.png'"),
    "a crop of another mode": (_sixteen_bit, "pictures", "no readable picture"),
    "a crop that is no picture": (
        lambda root: (root / "data/cropped_faces/000001_00.png").write_bytes(b"\x89PNG"),
        "pictures",
        "no readable picture",
    ),
    "a pair taken away": (
        _remove("data/cmp/000001_00.png"),
        "pictures",
        "'cmp/000001_00.png' is missing",
    ),
    "a picture of nobody": (
        _append("data/maps/000009_07.png"),
        "pictures",
        "'data/maps/000009_07.png' belongs to no face",
    ),
    "a cell of the table changed": (
        lambda root: _edit(root / "data/faces.csv", "1.25", "0.25"),
        "table",
        "faces.csv differs for person 0 in frame 1",
    ),
    "a row added to the table": (_append("data/faces.csv", b"1,2\n"), "table", "has rows"),
    "a report taken away": (
        _remove("data/report/report.html"),
        "reports",
        "recorded as written and missing",
    ),
    "a skipped report is there": (
        _append("data/report/report.pdf"),
        "reports",
        "recorded as skipped, yet it is there",
    ),
    "a log line dropped": (
        lambda root: _lines(root, "log/events.jsonl", lambda lines: lines[:1] + lines[2:]),
        "events",
        "does not name the hash",
    ),
    "the log emptied": (
        lambda root: (root / "data/log/events.jsonl").write_bytes(b""),
        "events",
        "no seal event",
    ),
    "the log removed": (_remove("data/log/events.jsonl"), "events", "is missing"),
    "a measure both measured and not": (
        lambda root: _edit(
            root / "data/faces.jsonl", '"lpips_crop":"o', '"blur":"-","lpips_crop":"o'
        ),
        "totals",
        "both measured and not measured",
    ),
    "a word for an outcome": (
        lambda root: _edit(root / "data/faces.jsonl", '"restored"', '"confirmed"'),
        "records",
        "faces.jsonl line 1: outcome",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_that_were_sealed_again_are_found(bundle: Path, lie: str) -> None:
    act, step, words = LIES[lie]
    act(bundle)
    rebag(bundle)
    result = verify(bundle)
    failed = _failed(result)
    assert "bag" not in failed
    assert "digests" not in failed
    assert words in failed[step]
    assert result.exit_code == 4


def test_a_seal_event_that_counts_differently_is_found(bundle: Path) -> None:
    """Forged with a sound chain: only the comparison with audit.json shows it."""
    log = bundle / "data" / "log" / "events.jsonl"
    _edit(log, '"faces_failed":1', '"faces_failed":0')
    rebag(bundle)
    failed = _failed(verify(bundle))
    assert "the seal event counts 0 faces_failed, audit.json 1" in failed["totals"]


# ---------------------------------------------------------------- not a bundle, not checkable


def test_an_unfinished_bundle_is_exit_3_in_clear_words(tmp_path: Path) -> None:
    writer = BundleWriter.create(tmp_path / "out", force=False)
    writer.path("audit.json").write_text("{}", encoding="utf-8")
    result = verify(writer.root)
    writer.abort()
    assert (result.exit_code, result.verdict) == (3, "incomplete")
    assert "interrupted or running audit" in result.first_line


@pytest.mark.parametrize("kind", ["absent", "file", "empty", "other"])
def test_what_is_no_bundle_is_exit_3(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "thing"
    if kind == "file":
        path.write_text("x", encoding="utf-8")
    elif kind != "absent":
        path.mkdir()
    if kind == "other":
        (path / "notes.txt").write_text("x", encoding="utf-8")
    result = verify(path)
    assert (result.exit_code, result.verdict) == (3, "incomplete")
    assert "thing" in result.first_line


def test_a_bundle_of_a_newer_version_cannot_be_checked(bundle: Path) -> None:
    _edit(bundle / "data" / "audit.json", "audit/1", "audit/2")
    rebag(bundle)
    result = verify(bundle)
    assert (result.exit_code, result.verdict) == (5, "could_not_check")
    _append("data/restored/two_people.mp4")(bundle)
    assert verify(bundle).exit_code == 4


def test_a_bag_of_somebody_else_is_no_bundle_of_ours(bundle: Path) -> None:
    _edit(bundle / "data" / "audit.json", "restoration-forensics/audit/1", "somebody/else")
    rebag(bundle)
    result = verify(bundle)
    assert (result.exit_code, result.verdict) == (3, "incomplete")
    assert "names no schema of ours" in result.first_line


def test_an_unreadable_file_is_not_called_altered(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Tree.open

    def refuse(self: Tree, path: str) -> object:
        if path.startswith("data/restored/"):
            raise PermissionError(13, "Permission denied", path)
        return real(self, path)

    monkeypatch.setattr(Tree, "open", refuse)
    result = verify(bundle)
    assert (result.exit_code, result.verdict) == (3, "incomplete")
    assert "cannot be read" in result.first_line


def test_without_pillow_the_pictures_are_not_checked(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    result = verify(bundle)
    assert (result.exit_code, result.verdict) == (5, "could_not_check")
    assert "pictures did not run" in result.first_line


def test_saved_frames_are_held_against_their_digests(bundle: Path) -> None:
    frame = bundle / "data" / "source_imgs" / "000001.png"
    frame.parent.mkdir()
    Image.new("RGB", (320, 240)).save(frame)
    rebag(bundle)
    failed = _failed(verify(bundle))
    assert "the pixels of 'data/source_imgs/000001.png'" in failed["pictures"]


def test_a_picture_with_a_huge_header_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    head = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (60000).to_bytes(4, "big") * 2
    (tmp_path / "huge.png").write_bytes(head + b"\x08\x02\0\0\0")
    with (
        (tmp_path / "huge.png").open("rb") as stream,
        pytest.raises(ValueError, match="60000 x 60000 px is too large"),
    ):
        check_files.rgb_sha256(stream)


def test_the_digest_in_the_line_is_that_of_the_pixels(made: Path) -> None:
    face = next(iter_faces(made))
    with (made / "data" / "cropped_faces" / "000001_00.png").open("rb") as stream:
        assert check_files.rgb_sha256(stream) == face.crop_sha256


def test_verifying_leaves_the_bundle_as_it_is(bundle: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in bundle.rglob("*")}
    verify(bundle)
    assert {p: p.stat().st_mtime_ns for p in bundle.rglob("*")} == before

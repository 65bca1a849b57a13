"""Verify: an intact bundle passes, every attack on it is named, and nothing makes it stumble."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from forensics.evidence import check_files
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.lines import iter_faces
from forensics.evidence.tree import Tree
from forensics.evidence.verify import verify
from tests.bundles import make_bundle, rebag
from tests.evidence.edits import append, edit, failed_steps

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
    assert failed_steps(result) == {}
    assert (result.exit_code, result.verdict) == (0, "intact_unsigned")
    assert "10 checks ran; intact, but unsigned: anyone could have made it" in result.first_line


def test_the_text_keeps_five_questions_apart(bundle: Path) -> None:
    lines = verify(bundle).lines()
    assert lines[0].startswith("bundle: plain check: 10 checks ran; intact, but unsigned")
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
    # Nothing was read, so nothing is said about who signed it.
    assert sum("not decided" in line for line in result.lines()) == 3


def test_a_bundle_of_a_newer_version_cannot_be_checked(bundle: Path) -> None:
    edit(bundle / "data" / "audit.json", "audit/1", "audit/2")
    rebag(bundle)
    result = verify(bundle)
    assert (result.exit_code, result.verdict) == (5, "could_not_check")
    append("data/restored/two_people.mp4")(bundle)
    assert verify(bundle).exit_code == 4


def test_a_bag_of_somebody_else_is_no_bundle_of_ours(bundle: Path) -> None:
    edit(bundle / "data" / "audit.json", "restoration-forensics/audit/1", "somebody/else")
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
    failed = failed_steps(verify(bundle))
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

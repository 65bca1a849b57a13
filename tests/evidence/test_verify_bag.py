"""Attacks on the bag: every one is named and ends with exit 4."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.evidence.verify import verify
from tests.evidence.edits import append, edit, failed_steps, remove


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
        append("data/restored/two_people.mp4"),
        "digests",
        "two_people.mp4' was changed",
    ),
    "payload file removed": (remove("data/cmp/000001_00.png"), "bag", "not there"),
    "payload file added": (append("data/extra.txt"), "bag", "'data/extra.txt' is not listed"),
    "root file added": (append("extra.txt"), "bag", "'extra.txt' at the root is listed nowhere"),
    "fetch.txt added": (append("fetch.txt"), "bag", "refers to files elsewhere"),
    "signatures added": (append("signatures/x.json"), "bag", "outside data/"),
    "both tag manifests removed": (
        remove("tagmanifest-sha256.txt", "tagmanifest-sha512.txt"),
        "bag",
        "tagmanifest-sha256.txt is missing",
    ),
    "one manifest removed": (
        remove("manifest-sha512.txt"),
        "bag",
        "manifest-sha512.txt is missing",
    ),
    "declaration removed": (remove("bagit.txt"), "bag", "bagit.txt is missing"),
    "bag-info edited": (
        lambda root: edit(root / "bag-info.txt", "2026-01-02", "2025-01-02"),
        "digests",
        "'bag-info.txt' was changed",
    ),
    "older BagIt declared": (
        lambda root: edit(root / "bagit.txt", "1.0", "0.97"),
        "bag",
        "does not declare BagIt 1.0",
    ),
    "digest in capitals": (_capital_digest, "bag", "line 1 is not in canonical form"),
    "manifest in another order": (_reordered, "bag", "canonical form and order"),
    "manifest with CRLF": (
        lambda root: edit(root / "manifest-sha256.txt", "\n", "\r\n"),
        "bag",
        "canonical form",
    ),
    "file and its lines removed": (_unlisted_pair, "digests", "'manifest-sha256.txt' was changed"),
    "symlink to a file": (_symlink, "names", "'data/restored/two_people.mp4' is a link"),
    "symlink to a folder": (_folder_symlink, "names", "'data/maps' is a link"),
    "FIFO": (_fifo, "names", "is no regular file"),
    "socket": (_unix_socket, "names", "is no regular file"),
    "bidi name": (append("data/original/\u202e4pm.exe"), "names", "U+202E"),
    "name in NFD": (append("data/original/u\u0308.mp4"), "names", "not in Unicode form NFC"),
    "name with a trailing dot": (append("data/original/two_people.mp4."), "names", "ends with"),
    "undecodable name": (append(os.fsdecode(b"data/\xff")), "names", "U+DCFF"),
    "names that collide": (
        append("data/original/TWO_people.MP4"),
        "names",
        "one name on some systems",
    ),
    "folders without end": (append("data/" + "d/" * 12 + "x"), "names", "deeper than"),
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
    assert words in failed_steps(result)[step]
    assert len(result.steps) >= 14
    assert "ALTERED" in result.first_line

"""Credentials read: every failure shows, nothing is fetched, and a crash is a record."""

from __future__ import annotations

import dataclasses
import http.server
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import c2pa
import pytest

from forensics.credentials import child, process, read
from forensics.credentials.manifest import Claim, definition
from forensics.credentials.read import gather, kind_of, read_files
from forensics.credentials.write import Item, write_credentials
from forensics.errors import EnvironmentLacks
from forensics.record_credentials import Credentials
from tests.credentials.parts import Anchored, flip


@pytest.fixture
def signed(picture: Path, enlarged: Path, claim: Claim, anchored: Anchored) -> Path:
    """A picture with credentials."""
    still = dataclasses.replace(claim, moving=False)
    write_credentials([Item(enlarged, picture, still)], anchored.key)
    return enlarged


def test_none_is_said_and_is_no_failure(picture: Path) -> None:
    (found,) = read_files([picture])
    assert (found.outcome, found.state, found.failures, found.files_with) == ("none", None, (), 0)
    assert found.reader is not None
    assert found.reader.startswith("c2pa-python 0.38.")


def test_without_anchors_nobody_is_trusted_and_that_is_no_failure(signed: Path) -> None:
    (found,) = read_files([signed])
    assert (found.state, found.anchored, found.failures) == ("Valid", False, ())
    assert found.actions == ("c2pa.opened", "c2pa.edited", "c2pa.resized")
    assert found.source_types == ("compositeWithTrainedAlgorithmicMedia",)
    assert found.generator == "restoration-forensics 0.1.0"


def test_with_anchors_another_signer_is_a_failure(
    signed: Path, anchored: Anchored, stranger: Anchored
) -> None:
    assert read_files([signed], anchored.root_pem)[0].state == "Trusted"
    (found,) = read_files([signed], stranger.root_pem)
    assert (found.state, found.anchored) == ("Valid", True)
    assert [f.code for f in found.failures] == ["signingCredential.untrusted"]


def test_a_tampered_file_says_what_fails(signed: Path) -> None:
    flip(signed, b"IDAT", 8)
    (found,) = read_files([signed])
    assert (found.outcome, found.state) == ("found", "Invalid")
    assert [(f.code, f.place) for f in found.failures] == [
        ("assertion.dataHash.mismatch", "this file")
    ]


def test_a_tampered_parent_shows_although_its_child_is_trusted(
    signed: Path, tmp_path: Path, claim: Claim, anchored: Anchored
) -> None:
    later = Path(shutil.copyfile(signed, tmp_path / "later.png"))
    flip(signed, b"IDAT", 8)
    write_credentials([Item(later, signed, claim)], anchored.key)
    (found,) = read_files([later], anchored.root_pem)
    assert found.state == "Trusted"
    assert [(f.code, f.place) for f in found.failures] == [
        ("assertion.dataHash.mismatch", "its ingredient \u201cclip.mp4\u201d")
    ]
    grandchild = Path(shutil.copyfile(later, tmp_path / "last.png"))
    write_credentials([Item(grandchild, later, claim)], anchored.key)
    (found,) = read_files([grandchild])
    assert {f.place for f in found.failures} == {"an earlier ingredient \u201cclip.mp4\u201d"}


def test_kinds_are_told_by_content_not_by_name(signed: Path, tmp_path: Path) -> None:
    renamed = Path(shutil.copyfile(signed, tmp_path / "holiday.mp4"))
    assert read_files([renamed])[0].outcome == "found"
    assert kind_of(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert kind_of(b"\0\0\0\x20ftypisom") == "video/mp4"
    assert kind_of(b"") == kind_of(b"#!/bin/sh") == "application/octet-stream"


def test_a_kind_that_carries_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    path.write_bytes(b"\x1aE\xdf\xa3" + bytes(40))
    (found,) = read_files([path])
    assert found.outcome == "unreadable"
    assert found.reason == "this kind of file carries no credentials that can be read here"


def test_many_files_are_read_by_few_children(picture: Path, signed: Path) -> None:
    found = read_files([picture] * 70 + [signed])
    assert [c.outcome for c in found] == ["none"] * 70 + ["found"]
    whole = gather([(str(n), c) for n, c in enumerate(found)])
    assert (whole.files, whole.files_with, whole.file, whole.state) == (71, 1, "70", "Valid")


def test_the_worst_of_a_folder_is_what_it_is() -> None:
    good = Credentials(outcome="found", state="Valid", files_with=1)
    fault = child_failure()
    bad = Credentials(outcome="found", state="Invalid", failures=(fault,), files_with=1)
    broken = Credentials(outcome="unreadable", reason="damaged")
    whole = gather([("a.png", good), ("b.png", bad), ("c.png", broken)])
    assert (whole.state, whole.file, whole.files, whole.files_with) == ("Invalid", "a.png", 3, 2)
    assert whole.failures[0].place == "this file (b.png)"
    assert whole.reason == "1 of 3 files could not be read: damaged"
    assert gather([("a", Credentials(outcome="none")), ("c", broken)]).outcome == "unreadable"


def child_failure():  # type: ignore[no-untyped-def]
    from forensics.record_credentials import CredentialFailure

    return CredentialFailure(code="assertion.dataHash.mismatch", place="this file")


# ---------------------------------------------------------------- no network


class Counting(http.server.BaseHTTPRequestHandler):
    """Answers 404 and notes what was asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        Counting.asked.append(self.path)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Counting.asked.clear()
    with http.server.HTTPServer(("127.0.0.1", 0), Counting) as here:
        threading.Thread(target=here.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{here.server_port}/manifest.c2pa"
        here.shutdown()


def test_an_address_in_the_file_is_named_and_not_asked(
    server: str, picture: Path, tmp_path: Path, claim: Claim, anchored: Anchored
) -> None:
    remote = tmp_path / "remote.png"
    context = c2pa.Context.from_dict(child.settings(None))
    chain = anchored.key.chain_pem or b""
    signer = c2pa.Signer.from_callback(
        anchored.key.sign, c2pa.C2paSigningAlg.ED25519, chain.decode()
    )
    builder = c2pa.Builder(definition(claim), context)
    builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
    builder.set_no_embed()
    builder.set_remote_url(server)
    with picture.open("rb") as source, remote.open("w+b") as out:
        builder.add_ingredient({"title": "x", "relationship": "parentOf"}, "image/png", source)
        source.seek(0)
        builder.sign(signer, "image/png", source, out)
    (found,) = read_files([remote])
    assert found.outcome == "unreadable"
    assert found.reason is not None
    assert "no address is asked" in found.reason
    assert server in found.reason
    assert Counting.asked == []
    # The trap works: a reader that may fetch does.
    willing = c2pa.Context.from_dict({"verify": {"remote_manifest_fetch": True}})
    with remote.open("rb") as file, pytest.raises(c2pa.C2paError):
        c2pa.Reader("image/png", file, context=willing)
    assert Counting.asked == ["/manifest.c2pa"]


def test_every_switch_that_opens_a_connection_is_off() -> None:
    verify = child.settings("PEM")["verify"]
    assert verify["remote_manifest_fetch"] is False
    assert verify["ocsp_fetch"] is False


# ---------------------------------------------------------------- crashes and hangs


def _script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    path = tmp_path / "script.py"
    path.write_text(f"import json, os, signal, sys, time\nrequest = sys.stdin.readline()\n{body}\n")
    monkeypatch.setattr(process, "SCRIPT", path)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", f"crashed (signal {int(signal.SIGSEGV)})"),
        ("sys.exit(7)", "stopped (exit 7)"),
        ("time.sleep(60)", "took longer than 0.5 s"),
        ("print('x' * 20_000_000, flush=True)", "too long an answer"),
        ("print('[' * 100_000, flush=True)", "no readable answer"),
        ("print('3', flush=True)", "no readable answer"),
        ("print(json.dumps({'result': {'outcome': 'fine'}}), flush=True)", "no readable answer"),
        ("print(json.dumps({'sign': 'AAAA'}), flush=True)", "signature that is not due"),
    ],
)
def test_whatever_the_child_does_is_a_record(
    body: str, said: str, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script(tmp_path, monkeypatch, body)
    monkeypatch.setattr(read, "MAX_SECONDS", 0.5 if "sleep" in body else 20.0)
    (found,) = read_files([picture])
    assert found.outcome == "unreadable"
    assert found.reason is not None
    assert said in found.reason


def test_one_crashing_file_does_not_hide_the_others(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing = tmp_path / "crash.png"
    crashing.write_bytes(b"\x89PNG CRASH")
    body = (
        "for job in json.loads(request)['jobs']:\n"
        "    if os.pread(job['file'], 16, 0).endswith(b'CRASH'): os.abort()\n"
        "    print(json.dumps({'result': {'outcome': 'none'}}), flush=True)"
    )
    _script(tmp_path, monkeypatch, body)
    outcomes = [c.outcome for c in read_files([picture, crashing, picture])]
    assert outcomes == ["none", "unreadable", "none"]


def test_without_the_library_it_is_the_environment_that_lacks(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script(tmp_path, monkeypatch, "print(json.dumps({'missing': 'c2pa'}), flush=True)")
    with pytest.raises(EnvironmentLacks, match="c2pa"):
        read_files([picture])


def test_no_handle_is_left_open(picture: Path) -> None:
    before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()
    read_files([picture])
    after = set(os.listdir("/proc/self/fd")) if before else set()
    assert len(after) <= len(before)


def test_hostile_text_loses_its_control_characters() -> None:
    assert child.clean("a\x1b[31m\u202eb\n") == "a\ufffd[31m\ufffdb\ufffd"
    assert len(child.clean("x" * 10_000)) == child.MAX_TEXT + 1

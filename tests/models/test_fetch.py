"""Fetching from servers that behave badly: a file is there whole and right, or it is not there."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from forensics.errors import (
    EnvironmentLacks,
    ForensicsError,
    IncompleteError,
    IntegrityError,
    UsageError,
)
from forensics.models import fetch as fetching
from forensics.models.catalogue import entries, partial_path
from forensics.models.download import Patience
from forensics.models.fetch import Result, fetch, look, rows_of, worst
from forensics.models.ledger import note_path, read_note
from forensics.models.official import Official, official_path
from forensics.progress import Silent
from tests.models.cache import redigest
from tests.models.server import (
    Answer,
    Server,
    chunked,
    cut,
    dripping,
    files,
    never,
    redirect,
    serving,
    silent,
    status,
    whole,
)

NAME = "realesrgan-x2plus"
RAW = random.Random(1).randbytes(3_000_000)
OTHER = random.Random(2).randbytes(len(RAW))
QUICK = Patience(connect_s=10, read_s=10, pause_s=0.0)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as record:
        yield record


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORENSICS_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def row(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Official:
    return redigest(monkeypatch, NAME, RAW, server.url("/release/RealESRGAN_x2plus.pth"))


def get(server: Server, row: Official, answer: Answer, patience: Patience = QUICK) -> Result:
    server.routes["/release/RealESRGAN_x2plus.pth"] = answer
    return fetch(look([row]), Silent(), patience=patience)


def failure(result: Result) -> ForensicsError:
    assert result.here == {}
    return worst(list(result.failed.values()))


# ------------------------------------------------------------ what works


@pytest.mark.parametrize("answer", [whole(RAW), chunked(RAW, 70_000), whole(RAW, ranges=False)])
def test_a_good_server(server: Server, row: Official, folder: Path, answer: Answer) -> None:
    assert get(server, row, answer).here == {NAME: "fetched now"}
    assert official_path(row).read_bytes() == RAW
    assert files(folder) == [row.file, f"notes/{NAME}.json"]
    note = read_note(NAME)
    assert note.fetched_sha256 == hashlib.sha256(RAW).hexdigest()
    assert note.fetched_from == row.url
    asked = len(server.asked)
    assert get(server, row, answer).here == {NAME: "fetched before"}
    assert len(server.asked) == asked


def test_a_cut_connection_is_taken_up_where_it_ended(server: Server, row: Official) -> None:
    assert get(server, row, cut(RAW, 1_000_000)).here == {NAME: "fetched now"}
    assert [asked.range for asked in server.asked] == [None, "bytes=1000000-"]
    assert official_path(row).read_bytes() == RAW


def test_a_later_run_goes_on_with_the_part_that_was_kept(
    server: Server, row: Official, folder: Path
) -> None:
    once = replace(QUICK, attempts=1)
    error = failure(get(server, row, cut(RAW, 1_200_000, times=9), once))
    assert isinstance(error, IncompleteError)
    assert error.exit_code == 3
    assert "1200000 of 3000000 bytes" in error.message
    assert "goes on from there" in error.hint
    assert files(folder) == [f"incoming/{NAME}/{row.file}.part"]
    assert {e.name: e.state for e in entries()}[NAME] == "partly fetched"
    assert look([row])[0].part_bytes == 1_200_000
    assert get(server, row, whole(RAW)).here == {NAME: "fetched now"}
    assert server.asked[-1].range == "bytes=1200000-"
    assert official_path(row).read_bytes() == RAW


def test_a_server_without_ranges_is_asked_for_the_whole_again(
    server: Server, row: Official
) -> None:
    result = get(server, row, cut(RAW, 1_000_000, ranges=False))
    assert result.here == {NAME: "fetched now"}
    assert official_path(row).read_bytes() == RAW


def test_redirects_are_followed(server: Server, row: Official) -> None:
    server.routes["/blob?signed=1"] = cut(RAW, 500_000)
    assert get(server, row, redirect(server.url("/blob?signed=1"))).here == {NAME: "fetched now"}
    assert [asked.path for asked in server.asked] == [
        "/release/RealESRGAN_x2plus.pth",
        "/blob?signed=1",
    ] * 2
    assert read_note(NAME).fetched_from == row.url


def test_a_mirror_alone_is_asked(server: Server, row: Official) -> None:
    server.routes["/pub/models/RealESRGAN_x2plus.pth"] = whole(RAW)
    mirror = server.url("/pub/models/").replace("//", "//me:secret@")
    result = fetch(look([row]), Silent(), mirror=mirror, patience=QUICK)
    assert result.here == {NAME: "fetched now"}
    assert [asked.path for asked in server.asked] == ["/pub/models/RealESRGAN_x2plus.pth"]
    assert "secret" not in note_path(NAME).read_text()
    assert read_note(NAME).fetched_from == server.url("/pub/models/RealESRGAN_x2plus.pth")


@pytest.mark.parametrize("mirror", ["ftp://host/x", "models.example", "http://", "/srv/models"])
def test_a_mirror_that_is_no_address_is_wrong_use(row: Official, mirror: str) -> None:
    with pytest.raises(UsageError, match="--mirror"):
        fetch(look([row]), Silent(), mirror=mirror)


def test_a_stale_part_does_not_spoil_the_file(server: Server, row: Official) -> None:
    part = partial_path(row)
    part.parent.mkdir(parents=True)
    part.write_bytes(OTHER[:900_000])
    assert get(server, row, whole(RAW)).here == {NAME: "fetched now"}
    assert [asked.range for asked in server.asked] == ["bytes=900000-", None]
    assert official_path(row).read_bytes() == RAW


@pytest.mark.parametrize("size", [len(RAW), len(RAW) + 5])
def test_a_part_as_long_as_the_file_is_not_trusted(
    server: Server, row: Official, size: int
) -> None:
    part = partial_path(row)
    part.parent.mkdir(parents=True)
    part.write_bytes((OTHER + OTHER)[:size])
    assert get(server, row, whole(RAW)).here == {NAME: "fetched now"}
    assert official_path(row).read_bytes() == RAW


# ------------------------------------------------------------ what is refused


def test_wrong_bytes_are_thrown_away(server: Server, row: Official, folder: Path) -> None:
    error = failure(get(server, row, whole(OTHER)))
    assert isinstance(error, IntegrityError)
    assert error.exit_code == 4
    assert hashlib.sha256(OTHER).hexdigest() in error.message
    assert row.sha256 in error.message
    assert files(folder) == []


@pytest.mark.parametrize("answer", [whole(RAW[:-1]), whole(RAW + b"x"), whole(b"<html>")])
def test_another_size_under_the_right_name_is_refused_before_it_is_fetched(
    server: Server, row: Official, folder: Path, answer: Answer
) -> None:
    error = failure(get(server, row, answer))
    assert isinstance(error, IntegrityError)
    assert "the official file has 3000000" in error.message
    assert len(server.asked) == 1
    assert files(folder) == []


def test_more_bytes_than_the_file_has_are_not_read(
    server: Server, row: Official, folder: Path
) -> None:
    error = failure(get(server, row, chunked(RAW * 4, 100_000)))
    assert isinstance(error, IntegrityError)
    assert "more than 3000000" in error.message
    assert files(folder) == []


def test_a_truncated_file_is_not_whole(server: Server, row: Official, folder: Path) -> None:
    error = failure(get(server, row, chunked(RAW[:2_000_000], 100_000)))
    assert isinstance(error, IncompleteError)
    assert not official_path(row).exists()
    assert files(folder) == [f"incoming/{NAME}/{row.file}.part"]


@pytest.mark.parametrize("code", [404, 403, 410])
def test_a_file_that_is_not_there(server: Server, row: Official, folder: Path, code: int) -> None:
    error = failure(get(server, row, status(code)))
    assert isinstance(error, EnvironmentLacks)
    assert error.exit_code == 5
    assert f"the server answered {code}" in error.message
    assert row.sha256 in error.hint
    assert len(server.asked) == 1
    assert files(folder) == []


def test_a_busy_server_is_asked_again(server: Server, row: Official) -> None:
    error = failure(get(server, row, status(503)))
    assert isinstance(error, EnvironmentLacks)
    assert "503" in error.message
    assert len(server.asked) == 2


def test_a_server_that_falls_silent(server: Server, row: Official) -> None:
    patience = replace(QUICK, attempts=2, read_s=1)
    error = failure(get(server, row, silent(RAW, 1000), patience))
    assert isinstance(error, IncompleteError)
    assert "2000 of 3000000 bytes" in error.message
    assert "sent nothing for 1 s" in error.message


def test_a_server_that_never_answers(server: Server, row: Official) -> None:
    error = failure(get(server, row, never, replace(QUICK, connect_s=0.2, read_s=0.2)))
    assert isinstance(error, EnvironmentLacks)
    assert "did not answer" in error.message
    assert "--mirror" in error.hint


def test_a_server_that_drips(server: Server, row: Official) -> None:
    patience = replace(QUICK, attempts=1, window_s=0.2, least_bytes_per_s=1000)
    error = failure(get(server, row, dripping(RAW, 0.01), patience))
    assert isinstance(error, IncompleteError)
    assert "sent only" in error.message


def test_a_machine_that_is_not_reached(row: Official, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as gone:
        address = gone.url("/x.pth")
    away = redigest(monkeypatch, NAME, RAW, address)
    error = failure(fetch(look([away]), Silent(), patience=QUICK))
    assert isinstance(error, EnvironmentLacks)
    assert "Connection refused" in error.message
    assert "object at 0x" not in error.message


def test_offline_opens_no_connection(server: Server, row: Official) -> None:
    server.routes["/release/RealESRGAN_x2plus.pth"] = whole(RAW)
    error = failure(fetch(look([row]), Silent(), offline=True))
    assert isinstance(error, EnvironmentLacks)
    assert row.sha256 in error.hint
    assert row.url in error.hint
    assert server.asked == []


def test_offline_accepts_what_is_here(server: Server, row: Official, folder: Path) -> None:
    folder.mkdir()
    official_path(row).write_bytes(RAW)
    assert fetch(look([row]), Silent(), offline=True).here == {NAME: "placed by hand"}
    assert server.asked == []


# ------------------------------------------------------------ what lies there already


def test_another_file_under_the_name_is_refused_and_left_alone(
    server: Server, row: Official, folder: Path
) -> None:
    folder.mkdir()
    official_path(row).write_bytes(OTHER)
    error = failure(get(server, row, whole(RAW)))
    assert isinstance(error, IntegrityError)
    assert str(official_path(row)) in error.message
    assert official_path(row).read_bytes() == OTHER
    assert server.asked == []
    assert files(folder) == [row.file]


def test_a_folder_or_a_dangling_link_under_the_name_is_refused(
    server: Server, row: Official, folder: Path
) -> None:
    official_path(row).mkdir(parents=True)
    assert "not a file" in failure(get(server, row, whole(RAW))).message
    official_path(row).rmdir()
    official_path(row).symlink_to(folder / "nowhere")
    assert "not a file" in failure(get(server, row, whole(RAW))).message
    assert server.asked == []


# ------------------------------------------------------------ interruptions


def test_a_move_that_is_interrupted_leaves_nothing_that_looks_complete(
    server: Server, row: Official, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(checked: Path, path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fetching, "move_into_place", power_cut)
        with pytest.raises(KeyboardInterrupt):
            get(server, row, whole(RAW))
    assert not official_path(row).exists()
    assert {e.name: e.state for e in entries()}[NAME] != "present"
    asked = len(server.asked)
    assert get(server, row, whole(RAW)).here == {NAME: "fetched now"}
    assert len(server.asked) == asked  # the checked file only had to be moved
    assert official_path(row).read_bytes() == RAW


def test_a_move_out_of_the_part_that_is_interrupted_keeps_the_part(
    server: Server, row: Official, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.replace

    def power_cut(a: str | Path, b: str | Path) -> None:
        if str(a).endswith(".part"):
            raise KeyboardInterrupt
        real(a, b)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", power_cut)
        with pytest.raises(KeyboardInterrupt):
            get(server, row, whole(RAW))
    assert files(folder) == [f"incoming/{NAME}/{row.file}.part"]
    asked = len(server.asked)
    assert get(server, row, whole(RAW)).here == {NAME: "fetched now"}
    assert len(server.asked) == asked


def test_a_checked_file_that_was_altered_before_the_move_is_fetched_again(
    server: Server, row: Official
) -> None:
    waiting = partial_path(row).with_name(row.file)
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(OTHER)
    assert get(server, row, whole(RAW)).here == {NAME: "fetched now"}
    assert official_path(row).read_bytes() == RAW


def test_two_fetches_of_one_file_do_not_mix(server: Server, row: Official) -> None:
    import fcntl

    part = partial_path(row)
    part.parent.mkdir(parents=True)
    with part.open("wb") as other:
        other.write(b"1")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        error = failure(get(server, row, whole(RAW)))
    assert isinstance(error, EnvironmentLacks)
    assert "by another process" in error.message
    assert part.read_bytes() == b"1"


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    server: Server, row: Official, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = fetching.shutil.disk_usage("/")
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(EnvironmentLacks, match="3 MB are needed"):
        get(server, row, whole(RAW))
    assert server.asked == []


# ------------------------------------------------------------ several


def test_every_file_is_tried_and_the_gravest_failure_decides(
    server: Server, row: Official, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["retinaface-mobile0.25", NAME, "sface-2021dec"]
    redigest(monkeypatch, names[0], OTHER[:1000], server.url("/gone"))
    redigest(monkeypatch, names[2], OTHER[:2000], server.url("/wrong"))
    server.routes["/wrong"] = whole(RAW[:2000])
    server.routes["/release/RealESRGAN_x2plus.pth"] = whole(RAW)
    result = fetch(look(rows_of(names)), Silent(), patience=QUICK)
    assert result.here == {NAME: "fetched now"}
    assert set(result.failed) == {names[0], names[2]}
    assert worst(list(result.failed.values())).exit_code == 4

"""Decoders that are spawned and not forked, as on Windows: the same frames, the same ends."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from forensics.children import ChildStopped
from forensics.errors import InputError
from forensics.media.apart import process, slots, spawned
from forensics.media.probe import probe
from forensics.media.reader import DecodedFrame, read_frames


@pytest.fixture
def no_fork(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A system that cannot fork; yields the folder in which its shared memory lies."""
    monkeypatch.setattr(slots, "can_fork", lambda: False)
    monkeypatch.setattr(process, "can_fork", lambda: False)

    def refuse(*_: object) -> int:
        raise AssertionError("forked")

    monkeypatch.setattr(process.Starter, "fork", refuse)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.glob("forensics-frames-*")) == []


def frames_of(clip: Path) -> list[DecodedFrame]:
    return [item for item in read_frames(probe(clip)) if isinstance(item, DecodedFrame)]


@pytest.fixture
def clip(two_people: Path, tmp_path: Path) -> Path:
    from tests.docs.workplace import cut

    return cut(two_people, tmp_path / "clip.mp4", 4)


def test_the_frames_are_those_of_a_forked_decoder(
    clip: Path, request: pytest.FixtureRequest
) -> None:
    forked = frames_of(clip)
    request.getfixturevalue("no_fork")
    again = frames_of(clip)
    assert len(again) == len(forked) == 4
    for one, other in zip(forked, again, strict=True):
        assert np.array_equal(one.rgb_u8, other.rgb_u8)
        assert (one.pts, one.native_sha256) == (other.pts, other.native_sha256)


def test_a_picture_and_a_damaged_file(no_fork: Path, tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    (frame,) = frames_of(tmp_path / "picture.png")
    assert np.array_equal(frame.rgb_u8, pixels)
    (tmp_path / "bad.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(900))
    with pytest.raises(InputError):
        probe(tmp_path / "bad.mp4")


def test_a_child_that_is_killed_is_words(
    no_fork: Path, two_people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forensics.media.apart.asking import decode_apart

    holds: list[spawned.Spawned] = []
    real = process.spawn

    def watched(*given: object) -> object:
        connection, hold = real(*given)  # type: ignore[arg-type] # as given
        holds.append(hold)
        return connection, hold

    monkeypatch.setattr(process, "spawn", watched)
    footage = probe(two_people).footage()
    frames = decode_apart(footage)
    assert isinstance(next(frames), DecodedFrame)
    holds[-1]._process.kill()
    with pytest.raises(ChildStopped, match=r"decoder crashed \(SIGKILL\)"):
        list(frames)


def test_a_child_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawned, "_CHILD", os.devnull)  # an empty script: it ends at once
    with pytest.raises(ConnectionError, match="ended before it answered"):
        spawned.spawn("", 10.0, dict(os.environ))


def test_a_stranger_who_does_not_know_the_word_is_turned_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "stranger.py"
    script.write_text(
        "import json, socket, sys\n"
        "told = json.loads(sys.stdin.readline())\n"
        "for word in ('0' * 64, told['word']):\n"
        "    link = socket.create_connection(('127.0.0.1', told['port']))\n"
        "    link.sendall(word.encode())\n"
        "    last = link\n"
        "last.sendall(b'right')\n"
        "last.recv(1)\n",
        "utf-8",
    )
    monkeypatch.setattr(spawned, "_CHILD", str(script))
    connection, hold = spawned.spawn("", 20.0, dict(os.environ))
    with connection:
        assert connection.recv(5) == b"right"
    assert hold.end(hold.pid) == 0
    with pytest.raises(ValueError, match="another process"):
        hold.end(hold.pid + 1)

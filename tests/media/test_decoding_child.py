"""The decoding child: it may crash, hang, grow or lie, and no frame is lost or wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from forensics.batch.memory import resident_bytes
from forensics.children import ChildStopped
from forensics.errors import InputError
from forensics.media.apart import asking, process
from forensics.media.apart.process import Caps
from forensics.media.apart.slots import MOST, Slots
from forensics.media.decode import DecodedFrame, FrameFailure, decode
from forensics.media.framehash import framehash_lines, framehash_text
from forensics.media.limits import Limits
from forensics.media.probe import Media, probe, probe_here
from forensics.media.reader import FEWER, STOPPED, read_frames
from tests.clips import Spec, make_clip, pattern

FRAMES = 24


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    """A clip of `FRAMES` frames; the child decodes at most `MOST` ahead of its reader."""
    path = tmp_path_factory.mktemp("child") / "clip.mp4"
    return probe(make_clip(path, Spec(pts=tuple(range(0, FRAMES * 512, 512)))))


@pytest.fixture
def fresh(media: Media) -> Media:
    """The same without losses of other tests."""
    return probe(media.path)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[process.Worker]:
    """Every worker that is started, in order."""
    started: list[process.Worker] = []

    class Noted(process.Worker):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on
            started.append(self)

    monkeypatch.setattr(asking, "Worker", Noted)
    return started


def _gone(pid: int) -> bool:
    """Whether a process has ended (also one that nobody has asked after yet)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def _wait(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


# ---------------------------------------------------------------- the same as without a child


def _same(a: DecodedFrame | FrameFailure, b: DecodedFrame | FrameFailure) -> None:
    if isinstance(a, FrameFailure) or isinstance(b, FrameFailure):
        assert a == b
        return
    assert np.array_equal(a.rgb_u8, b.rgb_u8)
    assert (a.alpha_u8 is None) == (b.alpha_u8 is None)
    if a.alpha_u8 is not None and b.alpha_u8 is not None:
        assert np.array_equal(a.alpha_u8, b.alpha_u8)
    assert (a.qp is None) == (b.qp is None)
    if a.qp is not None and b.qp is not None:
        assert np.array_equal(a.qp.qp, b.qp.qp)
    for name in ("frame", "name", "pts", "pts_s", "duration", "native_sha256", "qp_reason", "note"):
        assert getattr(a, name) == getattr(b, name)
    assert a.geometry == b.geometry
    assert (a.still is None) == (b.still is None)
    if a.still is not None and b.still is not None:
        assert (a.still.icc, a.still.exif) == (b.still.icc, b.still.exif)
        assert a.still.header == b.still.header


def _picture(path: Path) -> Path:
    """A picture with alpha, an ICC profile and an EXIF turn."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a street"
    alpha = np.full((64, 96, 1), 77, np.uint8)
    picture = Image.fromarray(np.dstack([pattern(2), alpha]))
    picture.save(path, exif=exif, icc_profile=b"no real profile, but kept as it is")
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    for number in range(4):
        Image.fromarray(pattern(number)).save(path / f"{number}.png")
    whole = (path / "2.png").read_bytes()
    (path / "2.png").write_bytes(whole[: len(whole) // 2])
    return path


@pytest.mark.parametrize("kind", ["turned", "wide", "raw", "picture", "folder"])
def test_frames_are_those_of_decoding_here(
    kind: str, tmp_path: Path, clip: Callable[..., Path]
) -> None:
    made = {
        "turned": lambda: clip(rotation_deg=90),
        "wide": lambda: clip(sar=Fraction(80, 33), pix_fmt="yuv420p10le"),
        "raw": lambda: clip("clip.264"),
        "picture": lambda: _picture(tmp_path / "a.png"),
        "folder": lambda: _folder(tmp_path / "frames"),
    }[kind]()
    media = probe(made)
    assert media == probe_here(made)
    apart_, here = list(read_frames(media)), list(decode(media.footage()))
    assert len(apart_) == len(here) == media.source.frames
    for a, b in zip(apart_, here, strict=True):
        _same(a, b)


def test_frame_hashes_are_those_of_decoding_here(media: Media) -> None:
    assert framehash_text(media.path) == "".join(framehash_lines(media.path))


# ---------------------------------------------------------------- crashes, hangs, growth


def test_a_crash_in_mid_file_costs_the_frames_not_delivered_and_no_other(
    fresh: Media, workers: list[process.Worker]
) -> None:
    items = read_frames(fresh)
    first = [next(items) for _ in range(3)]
    os.kill(workers[0].pid, signal.SIGSEGV)
    everything = [*first, *items]
    assert [item.frame for item in everything] == list(range(1, FRAMES + 1))
    shown = [item for item in everything if isinstance(item, DecodedFrame)]
    assert 3 <= len(shown) <= 3 + MOST + 1 < FRAMES
    for item, good in zip(shown, decode(fresh.footage()), strict=False):
        _same(item, good)
    for item in everything[len(shown) :]:
        assert isinstance(item, FrameFailure)
        assert (item.reason, item.error) == (STOPPED, "the decoder crashed (SIGSEGV)")


def test_what_one_pass_lost_stays_lost_although_the_next_could_decode_it(
    fresh: Media, workers: list[process.Worker]
) -> None:
    items = read_frames(fresh)
    next(items)
    os.kill(workers[0].pid, signal.SIGKILL)
    first = [isinstance(item, DecodedFrame) for item in items]
    again = [isinstance(item, DecodedFrame) for item in read_frames(fresh)]
    assert len(again) == FRAMES
    assert again[1:] == first
    assert False in first


def test_a_decoder_that_hangs_is_stopped(fresh: Media, workers: list[process.Worker]) -> None:
    items = asking.decode_apart(fresh.footage(), Caps(stall_s=0.5))
    next(items)
    os.kill(workers[0].pid, signal.SIGSTOP)
    with pytest.raises(ChildStopped, match="gave nothing for 0 s and was stopped"):
        list(items)
    assert _wait(lambda: _gone(workers[0].pid))


def test_memory_is_capped(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("RGB", (4000, 4000)).save(path)
    media = probe(path)
    with pytest.raises(ChildStopped, match=r"memory|MemoryError|allocate|crashed"):
        list(asking.decode_apart(media.footage(), Caps(memory_bytes=2**28)))
    assert len(list(read_frames(media))) == 1  # and the default is enough


def test_decoded_frames_do_not_pile_up(repo_root: Path, workers: list[process.Worker]) -> None:
    frame_bytes = 480 * 400 * 3 // 2  # of the sample clip, as decoded
    held = {}
    for number, _ in enumerate(read_frames(probe(repo_root / "fixtures/two_people.mp4")), start=1):
        if number in (20, 110):
            held[number] = resident_bytes(workers[-1].pid) or 0
    # Kept until Python's collector came by, 90 frames were 25 MiB.
    assert held[20] > 0
    assert held[110] - held[20] < 20 * frame_bytes


def test_a_source_that_crashes_probing_is_bad_input(
    media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crashing(process.Worker):
        def receive(self) -> tuple[dict[str, object], bytes]:
            os.kill(self.pid, signal.SIGSTOP)
            os.kill(self.pid, signal.SIGSEGV)
            os.kill(self.pid, signal.SIGCONT)
            assert _wait(lambda: _gone(self.pid))
            said, blob = super().receive()
            while "document" in said:  # it had answered before the signal came
                said, blob = super().receive()
            return said, blob

    monkeypatch.setattr(asking, "Worker", Crashing)
    with pytest.raises(InputError, match=r"clip\.mp4 cannot be examined: the decoder") as caught:
        probe(media.path)
    assert caught.value.exit_code == 3


def test_frame_hashes_say_where_the_decoder_stopped(
    media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(task: str, path: Path) -> Iterator[str]:
        whole = list(framehash_lines(path))
        yield "".join(whole[:-4])
        raise ChildStopped("the decoder crashed (SIGSEGV)")

    monkeypatch.setattr("forensics.media.framehash.text_apart", broken)
    last = framehash_text(media.path).splitlines()[-1]
    assert last == f"#lost {FRAMES - 3} and all after it: the decoder crashed (SIGSEGV)"


# ---------------------------------------------------------------- lies


def _shown(**changed: object) -> dict[str, object]:
    return {
        "frame": 1, "slot": 0, "pts": 0, "duration": 512, "native_sha256": "a" * 64,
        "qp": None, "qp_reason": "none", "alpha": False, "note": None, **changed,
    }  # fmt: skip


LIES = {
    "another number": (_shown(frame=2), b""),
    "no number": (_shown(frame=None), b""),
    "true as a number": (_shown(frame=True), b""),
    "a slot outside": (_shown(slot=MOST), b""),
    "a slot below": (_shown(slot=-1), b""),
    "a huge time": (_shown(pts=2**80), b""),
    "no digest": (_shown(native_sha256="a"), b""),
    "text as a digest": (_shown(native_sha256="<" * 64), b""),
    "a grid without bytes": (_shown(qp=[4, 6]), b"\0" * 8),
    "a grid beyond the picture": (_shown(qp=[4000, 6]), b"\0" * 96_000),
    "a long note": (_shown(note="x" * 5000), b""),
    "a loss without words": ({"frame": 1, "lost": None}, b""),
}


class _Liar:
    """In place of a worker: says what it is told to."""

    said: tuple[dict[str, object], bytes] = ({}, b"")

    def __init__(self, *_: object) -> None:
        self._turn = 0

    def receive(self) -> tuple[dict[str, object], bytes]:
        self._turn += 1
        return self.said if self._turn == 1 else ({"end": 1}, b"")

    def release(self, slot: int) -> None:
        """Take back nothing."""

    def close(self) -> None:
        """End nothing."""


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_noticed_and_become_failures(
    lie: str, fresh: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "Worker", _Liar)
    monkeypatch.setattr(_Liar, "said", LIES[lie])
    items = list(read_frames(fresh))
    assert len(items) == FRAMES
    assert all(isinstance(item, FrameFailure) for item in items)
    assert isinstance(items[0], FrameFailure)
    assert "the decoder spoke nonsense" in items[0].error


def test_a_child_that_leaves_frames_out_is_noticed(
    fresh: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "Worker", _Liar)
    monkeypatch.setattr(_Liar, "said", (_shown(), b""))
    first, *rest = read_frames(fresh)
    assert isinstance(first, DecodedFrame)
    assert len(rest) == FRAMES - 1
    assert {item.reason for item in rest if isinstance(item, FrameFailure)} == {FEWER}


def test_what_is_said_of_a_source_is_held_against_the_limits(
    media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = json.loads(asking._document("video", _examine_job(media)))
    for change, words in (
        ({"frames": 2_000_000}, "more than 1,000,000 frames"),
        ({"width": 90_000}, "declares pictures of 90000x64"),
        ({"sar": [1, 0]}, "spoke nonsense"),
        ({"frames": "24"}, "spoke nonsense"),
        ({"lost": 24}, "spoke nonsense"),
        ({"surprise": 1, "index": -1}, "spoke nonsense"),
    ):
        told = json.dumps({**true, **change}).encode()
        monkeypatch.setattr(asking, "_document", lambda *_, told=told: told)
        with pytest.raises(InputError, match=words):
            probe(media.path)


def _examine_job(media: Media) -> dict[str, object]:
    limits = {**Limits().__dict__}
    return {"do": "examine", "path": str(media.path), "demuxer": "mov", "limits": limits}


# ---------------------------------------------------------------- processes


def test_a_reader_that_is_left_ends_its_worker(fresh: Media, workers: list[process.Worker]) -> None:
    items = read_frames(fresh)
    next(items)
    pid = workers[0].pid
    assert not _gone(pid)
    items.close()  # type: ignore[attr-defined]  # a generator
    assert _gone(pid)


def test_workers_are_out_of_reach_of_ctrl_c_and_share_no_session(
    fresh: Media, workers: list[process.Worker]
) -> None:
    items = read_frames(fresh)
    next(items)
    assert os.getsid(workers[0].pid) != os.getsid(0)
    assert len(list(items)) == FRAMES - 1


def test_a_starter_that_was_killed_is_replaced(fresh: Media) -> None:
    before = process.starter()
    os.kill(before._process.pid, signal.SIGKILL)
    before._process.wait()
    assert all(isinstance(item, DecodedFrame) for item in read_frames(fresh))
    assert process.starter() is not before


def test_nothing_lives_on_when_the_tool_is_killed(media: Media) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from forensics.media.apart import asking, process\n"
        "from forensics.media.probe import probe\n"
        "items = asking.decode_apart(probe(Path(sys.argv[1])).footage())\n"
        "next(items)\n"
        "worker = items.gi_frame.f_locals['worker']\n"
        "print(process.starter()._process.pid, worker.pid, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(media.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tool:
        assert tool.stdout is not None
        pids = [int(word) for word in tool.stdout.readline().split()]
        assert len(pids) == 2
        assert not any(_gone(pid) for pid in pids)
        tool.kill()
    assert _wait(lambda: all(_gone(pid) for pid in pids))


def test_a_child_cannot_pull_the_memory_away() -> None:
    with Slots(64, 64) as slots, pytest.raises(PermissionError):
        os.ftruncate(slots.handle, 0)

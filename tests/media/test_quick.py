"""Quick check: what is no footage is refused from its first bytes, with nothing loaded."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from forensics.errors import ForensicsError, InputError, UsageError
from forensics.media.container import FORMATS, open_video
from forensics.media.probe import probe
from forensics.media.quick import list_folder, natural_key, quick_check, sniff
from forensics.media.reader import read_frames
from tests.clips import make_clip, png_header

SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"
MPD = b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>\n'
HLS = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.mp4\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.mp4", b"hello, this is no film\n", "a text file"),
        ("empty.mp4", b"", "is empty"),
        ("list.mp4", b"ffconcat version 1.0\nfile 'secret.mp4'\n", "a playlist"),
        ("live.mp4", HLS, "a playlist"),
        ("stream.mp4", SDP, "a session description"),
        ("dash.mp4", MPD, "a playlist"),
        ("cisco.yuv", bytes(range(16)) * 100, "raw video without a header"),
        ("moving.gif", b"GIF89a" + bytes(40), "a GIF"),
        ("zip.mp4", b"PK\x03\x04" + bytes(40), "not footage"),
    ],
)
def test_no_footage_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for check in (quick_check, probe):
        with pytest.raises(InputError, match=words) as caught:
            check(path)
        assert caught.value.exit_code == 3
        assert "\n" not in caught.value.message


def test_missing_path_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        quick_check(tmp_path / "absent.mp4")
    assert caught.value.exit_code == 2


def test_empty_folder_and_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is an empty folder"):
        quick_check(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match="holds no picture"):
        quick_check(tmp_path)


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "avi", "ts", "264"])
def test_every_supported_container_is_recognised(
    clip: Callable[..., Path], tmp_path: Path, ending: str
) -> None:
    made = clip(f"clip.{ending}")
    disguised = tmp_path / "name-says-nothing.txt"
    disguised.write_bytes(made.read_bytes())
    assert quick_check(disguised) == "video"


def test_raw_hevc_is_recognised_by_its_first_unit() -> None:
    found = sniff(b"\x00\x00\x00\x01\x40\x01" + bytes(30))
    assert found is not None
    assert found.demuxer == "hevc"
    assert sniff(b"\x00\x00\x01\xba" + bytes(30)) is None  # an MPEG programme stream is not read


def test_ffconcat_opens_no_second_file(tmp_path: Path) -> None:
    """The trap is real (plain FFmpeg follows the script); our way of opening does not."""
    secret = make_clip(tmp_path / "secret.mp4")
    script = tmp_path / "innocent.mp4"
    script.write_text(f"ffconcat version 1.0\nfile '{secret.name}'\n")
    with av.open(str(script)) as container:
        assert next(container.decode(video=0)).width == 96
    for demuxer in FORMATS:
        with pytest.raises(InputError), open_video(script, demuxer):
            pass


def test_name_like_an_option_is_only_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(tmp_path / "-y;x.mp4")
    monkeypatch.chdir(tmp_path)
    assert probe(Path("-y;x.mp4")).source.frames == 10


def test_natural_order() -> None:
    names = ["f10.png", "f9.png", "F1.png", "f2b.png", "f2.png", "10.png", "9.png", "f02.png"]
    ordered = sorted(names, key=lambda n: (natural_key(n), n))
    assert ordered == [
        "9.png",
        "10.png",
        "F1.png",
        "f02.png",
        "f2.png",
        "f2b.png",
        "f9.png",
        "f10.png",
    ]


def test_folder_takes_pictures_by_content_and_reports_the_rest(tmp_path: Path) -> None:
    (tmp_path / "2.dat").write_bytes(png_header(4, 4))
    (tmp_path / "10.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("x")
    folder = list_folder(tmp_path)
    assert [p.name for p in folder.pictures] == ["2.dat", "10.png"]
    assert folder.left_out == ("notes.txt",)


def test_quick_check_loads_no_heavy_package(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from forensics.media.quick import quick_check\n"
        f"quick_check(Path({str(tmp_path / 'clip.mp4')!r}))\n"
        "print([m for m in ('av', 'cv2', 'torch', 'numpy', 'PIL', 'pydantic') if m in sys.modules])"
    )
    make_clip(tmp_path / "clip.mp4")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("seed", range(8))
def test_garbage_never_escapes_as_another_error(tmp_path: Path, seed: int) -> None:
    """Whatever the bytes, the outcome is a Media or one of our errors."""
    rng = np.random.default_rng(seed)
    clip = bytearray(make_clip(tmp_path / "clip.mp4").read_bytes())
    for at in rng.integers(0, len(clip), 60):
        clip[at] = int(rng.integers(0, 256))
    path = tmp_path / "garbled.mp4"
    path.write_bytes(clip)
    with contextlib.suppress(ForensicsError):
        media = probe(path)
        assert media.source.frames == sum(1 for _ in read_frames(media)) >= 1

"""Frame hashes: line by line what FFmpeg's own tool prints."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from forensics.media.framehash import framehash_text
from forensics.media.probe import probe
from forensics.media.reader import DecodedFrame, read_frames
from tests.clips import VFR_PTS

FFmpeg = Callable[..., str]
EXACT = ("-fps_mode", "passthrough", "-enc_time_base", "-1")
HASH = ("-f", "framehash", "-hash", "sha256", "-")


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#software")]


# The tool estimates durations of uneven clips; ours are the stream's own.
UNEVEN = {"vfr.mp4", "milli.mkv"}


def _without_duration(lines: list[str]) -> list[str]:
    return [
        line if line[0] == "#" else str(line.split(",")[:3] + line.split(",")[4:]) for line in lines
    ]


def _tool(ffmpeg: FFmpeg, path: Path) -> list[str]:
    start = ("-noautorotate", "-copyts", "-i", str(path), "-map", "0:v:0")
    return _lines(ffmpeg(*start, *EXACT, *HASH))


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("even.mp4", {}),
        ("vfr.mp4", {"pts": VFR_PTS, "sar": Fraction(4, 3)}),
        ("late.mp4", {"pts": (25600, 26112, 26624)}),
        ("turned.mp4", {"rotation_deg": 90}),
        ("odd.mp4", {"size": (98, 66), "pix_fmt": "yuv420p"}),
        ("deep.mp4", {"pix_fmt": "yuv420p10le"}),
        ("full.mp4", {"pix_fmt": "yuv444p"}),
        (
            "milli.mkv",
            {"pts": (0, 33, 67, 167, 200), "time_base": Fraction(1, 1000), "last_duration": 33},
        ),
    ],
)
def test_equals_the_command_line_tool(
    clip: Callable[..., Path], ffmpeg: FFmpeg, name: str, spec: dict[str, object]
) -> None:
    path = clip(name, **spec)
    ours, tool = _lines(framehash_text(path)), _tool(ffmpeg, path)
    if name in UNEVEN:
        ours, tool = _without_duration(ours), _without_duration(tool)
    assert ours == tool


def test_committed_clip_equals_the_tool(two_people: Path, ffmpeg: FFmpeg) -> None:
    ours = _lines(framehash_text(two_people))
    assert len([line for line in ours if line[0] != "#"]) == 120
    assert ours == _tool(ffmpeg, two_people)
    plain = _lines(ffmpeg("-i", str(two_people), "-map", "0:v:0", *HASH))
    hashes = [[line.split()[-2:] for line in text if line[0] != "#"] for text in (ours, plain)]
    assert hashes[0] == hashes[1]


def test_reader_carries_the_same_hashes(clip: Callable[..., Path]) -> None:
    path = clip(sar=Fraction(4, 3), rotation_deg=90)
    text = [line.split()[-1] for line in framehash_text(path).splitlines() if line[0] != "#"]
    frames = [f for f in read_frames(probe(path)) if isinstance(f, DecodedFrame)]
    assert text == [f.native_sha256 for f in frames]


def test_lost_frames_are_named(clip: Callable[..., Path]) -> None:
    path = clip(codec="mjpeg", pix_fmt="yuvj420p")
    whole = path.read_bytes()
    starts = [n for n in range(len(whole) - 2) if whole[n : n + 3] == b"\xff\xd8\xff"]
    broken = bytearray(whole)
    broken[starts[2] : starts[3]] = bytes(starts[3] - starts[2])
    path.write_bytes(broken)
    lines = framehash_text(path).splitlines()
    assert [line[:8] for line in lines if line.startswith("#lost")] == ["#lost 3:"]
    assert len([line for line in lines if line[0] != "#"]) == 9

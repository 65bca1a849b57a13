"""What a container states, and a digest of every packet that FFmpeg's own tool confirms."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from forensics.errors import InputError
from forensics.media.describe import container_facts, library_facts, packet_hash_text
from forensics.media.framehash import framehash_text


def test_headers_are_plain_json(two_people: Path) -> None:
    facts = json.loads(json.dumps(container_facts(two_people), allow_nan=False))
    assert facts["format"] == "mov,mp4,m4a,3gp,3g2,mj2"
    video = next(s for s in facts["streams"] if s["type"] == "video")
    assert (video["codec"], video["width"], video["height"]) == ("h264", 480, 400)
    assert facts["chapters"] == []


def test_the_libraries_name_version_and_build() -> None:
    facts = library_facts()
    assert set(facts) >= {"pyav", "libavcodec", "libavformat", "libswscale"}
    assert "--enable-libx264" in facts["configuration"]


def test_packets_are_those_of_ffmpeg(two_people: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    command = ["ffmpeg", "-v", "error", "-copyts", "-i", str(two_people), "-map", "0", "-c", "copy"]
    command += ["-f", "framehash", "-hash", "sha256", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ours = [line for line in packet_hash_text(two_people).splitlines() if line[0] != "#"]
    theirs = [line for line in done.stdout.splitlines() if line[0] != "#"]
    assert len(ours) > 100
    assert ours == theirs


def test_a_changed_packet_shows(two_people: Path, tmp_path: Path) -> None:
    raw = bytearray(two_people.read_bytes())
    raw[raw.index(b"mdat") + 3000] ^= 1
    changed = tmp_path / "changed.mp4"
    changed.write_bytes(raw)
    first, second = packet_hash_text(two_people), packet_hash_text(changed)
    differing = [a for a, b in zip(first.splitlines(), second.splitlines(), strict=True) if a != b]
    assert len(differing) == 1
    assert framehash_text(two_people) != first


def test_what_is_no_video_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(60))
    with pytest.raises(InputError):
        packet_hash_text(path)

"""The article's FFmpeg lines on our own folders: every frame is found, under the expected names."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import av
import pytest

from tests.docs.workplace import FRAMES


def frames_in(clip: Path) -> int:
    """Frames that decode."""
    with av.open(str(clip)) as opened:
        return sum(1 for _ in opened.decode(video=0))


def ffmpeg(folder: Path, *words: str) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *words], check=True, cwd=folder)


@pytest.fixture
def data(prepared: Path) -> Path:
    """The data folder of the prepared audit, made with --save source,frames; only read."""
    return prepared / "clip-audit" / "data"


@pytest.mark.parametrize("folder", ["source_imgs", "restored_imgs"])
def test_numbered_frames_join_to_a_clip_of_as_many(folder: str, data: Path, tmp_path: Path) -> None:
    joined = tmp_path / "joined.mp4"
    line = ["-framerate", "24", "-i", f"{folder}/%06d.png", "-pix_fmt", "yuv420p", str(joined)]
    ffmpeg(data, *line)
    assert frames_in(joined) == FRAMES == frames_in(data / "restored" / "clip.mp4")


def test_the_glob_of_one_person_gives_the_frames_of_that_person(data: Path, tmp_path: Path) -> None:
    people = json.loads((data / "audit.json").read_bytes())["people"]
    assert len(people) == 2
    for person in people:
        made = tmp_path / f"cmp_{person['id']:02d}.mp4"
        pattern = f"cmp/*_{person['id']:02d}.png"
        line = ["-framerate", "24", "-pattern_type", "glob", "-i", pattern]
        ffmpeg(data, *line, "-pix_fmt", "yuv420p", str(made))
        ours = data / f"cmp_{person['id']:02d}.mp4"
        assert frames_in(made) == person["faces"] == frames_in(ours)


def test_bursting_the_clip_gives_the_frames_that_save_wrote(data: Path, tmp_path: Path) -> None:
    ffmpeg(data, "-i", "original/clip.mp4", str(tmp_path / "%06d.png"))
    burst = sorted(path.name for path in tmp_path.glob("*.png"))
    assert burst == sorted(path.name for path in (data / "source_imgs").iterdir())
    assert burst[0] == "000001.png"


def test_the_restored_frames_are_twice_as_large(data: Path) -> None:
    from PIL import Image

    with Image.open(data / "source_imgs" / "000001.png") as source:
        before = source.size
    with Image.open(data / "restored_imgs" / "000001.png") as restored:
        assert restored.size == (2 * before[0], 2 * before[1])

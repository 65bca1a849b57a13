"""The folder in which documented commands run: a real clip, a real signed audit of it, keys.

Promise: what a page's reader has is there under the names that the pages use, made by the same
commands; ``forensics`` on the path is this checkout's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

from tests.docs.blocks import ROOT, Block

PASSPHRASE = "a passphrase for tests only"  # noqa: S105 - of a key that lives for one run
FRAMES = 3  # as many as a second's worth of checking needs; both people of the sample are in it


def cut(source: Path, target: Path, frames: int) -> Path:
    """The first ``frames`` frames of a clip, encoded again."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = old.streams.video[0]
        rate = stream.average_rate or Fraction(24)
        out = new.add_stream("libx264", rate=rate)
        out.width, out.height, out.pix_fmt = stream.width, stream.height, "yuv420p"
        out.options = {"crf": "18"}
        for number, frame in enumerate(old.decode(stream)):
            if number == frames:
                break
            frame.pts, frame.time_base, frame.pict_type = number, 1 / rate, 0
            new.mux(out.encode(frame))
        new.mux(out.encode())
    return target


def environment(place: Path) -> dict[str, str]:
    """Where ``forensics``, ``python`` and ``.venv/bin`` are this checkout and this Python."""
    paths = [str(place / ".venv" / "bin"), *os.environ.get("PATH", "").split(os.pathsep)]
    return {**os.environ, "PATH": os.pathsep.join(paths), "PYTHONPATH": str(ROOT)}


def prepare(place: Path, sample: Path) -> Path:
    """A new workplace: clip, keys, and the signed audit ``clip-audit``."""
    bins = place / ".venv" / "bin"
    bins.mkdir(parents=True)
    for name, call in (("forensics", '-m forensics "$@"'), ("python", '"$@"')):
        script = bins / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call}\n', "utf-8")
        script.chmod(0o755)
    cut(sample, place / "clip.mp4", FRAMES)
    (place / "passphrase").write_text(PASSPHRASE + "\n", "utf-8")
    (place / "passphrase").chmod(0o600)
    run(
        place,
        'forensics keys new --out keys --name "Example Newsroom" --passphrase-file passphrase\n'
        "cp keys/signing.pub.pem newsroom.pub.pem; cp keys/signing.root.pem signing.root.pem\n"
        "forensics audit clip.mp4 --format html --every 3 --save source,frames "
        "--sign keys/signing.key.pem --passphrase-file passphrase\n",
    )
    of_others(place)
    return place


def of_others(place: Path) -> None:
    """What pages about other people's restorations name: made of the prepared audit's own files."""
    data = place / "clip-audit" / "data"
    shutil.copyfile(place / "clip.mp4", place / "source.mp4")
    shutil.copyfile(data / "restored" / "clip.mp4", place / "theirs.mp4")
    shutil.copytree(data / "restored_imgs", place / "results" / "restored_imgs")
    with Image.open(data / "source_imgs" / "000001.png") as picture:
        picture.save(place / "photo.jpg", quality=95)
    shutil.copyfile(data / "restored_imgs" / "000001.png", place / "photo_out.png")


def copy_of(prepared: Path, target: Path) -> Path:
    """A page's own copy of the prepared workplace."""
    shutil.copytree(prepared, target, dirs_exist_ok=True)
    return target


def run(place: Path, text: str, folder: str = "", expected: int = 0) -> str:
    """Run a shell text as a reader would paste it; AssertionError with all it said otherwise."""
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", text],
        cwd=place / folder,
        env=environment(place),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{text}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == expected, said
    assert "Traceback" not in done.stderr, said
    return done.stdout


def run_python(place: Path, block: Block) -> str:
    """Execute a Python block in a process of its own, as a doctest where it has prompts."""
    script = place / "block.py"
    if ">>>" in block.text:
        (place / "block.txt").write_text(block.text, "utf-8")
        script.write_text(
            "import doctest, sys\n"
            "flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE\n"
            "result = doctest.testfile('block.txt', module_relative=False, optionflags=flags)\n"
            "sys.exit(0 if result.attempted and not result.failed else 1)\n",
            "utf-8",
        )
    else:
        script.write_text(block.text, "utf-8")
    done = subprocess.run(
        [sys.executable, script.name, *block.arguments],
        cwd=place,
        env=environment(place),
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{block.place}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == block.exit_code, said
    return done.stdout


def execute(place: Path, block: Block) -> str:
    """Run one block by its mark."""
    if block.kind.startswith("python"):
        return run_python(place, block)
    return run(place, block.text, block.folder, block.exit_code)

"""Flaws: truncated and bit-flipped media, one damaged file for each seed."""

from __future__ import annotations

import random
from pathlib import Path

from tests.attacks import hostile_bytes as hb
from tests.attacks.corpus import DONE, MAYBE, Case, Maker
from tests.clips import Spec, make_clip

SEEDS = 500
ENDINGS = ("mp4", "mov", "mkv", "avi", "ts", "264", "png", "jpg", "webp", "tif", "bmp", "gif")
VIDEO = frozenset({"mp4", "mov", "mkv", "avi", "ts", "264"})


def sound_files(root: Path) -> dict[str, bytes]:
    """One small, sound file of every kind that is read (and one that is not)."""
    root.mkdir()
    files = {}
    for ending in ENDINGS:
        path = root / f"a.{ending}"
        if ending in VIDEO:
            sound = "aac" if ending in {"mp4", "mov", "mkv"} else None
            # In AVI a frame that lasts longer becomes empty ones, which no decoder gives back.
            pts = tuple(range(0, 2048, 512)) if ending == "avi" else hb.SHORT.pts
            make_clip(path, Spec(pts=pts, last_duration=pts[1], audio=sound))
        else:
            hb.picture(path)
        files[ending] = path.read_bytes()
    return files


def damage(raw: bytes, rng: random.Random) -> tuple[str, bytes]:
    """One of six kinds of damage; returns its name and the bytes."""
    kind = rng.choice(("cut", "flip", "flips", "header", "splice", "zeros"))
    out = bytearray(raw)
    if kind == "cut":
        return kind, raw[: rng.randrange(1, len(raw))]
    if kind == "splice":
        a, b, length = rng.randrange(len(raw)), rng.randrange(len(raw)), rng.randrange(1, 400)
        out[a : a + length] = raw[b : b + length]
        return kind, bytes(out)
    if kind == "zeros":
        at = rng.randrange(len(raw))
        out[at : at + 200] = bytes(len(out[at : at + 200]))
        return kind, bytes(out)
    reach = min(len(raw), 600) if kind == "header" else len(raw)
    for _ in range({"flip": 1, "flips": 60, "header": 6}[kind]):
        out[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return kind, bytes(out)


def flawed(make: Maker, seeds: range) -> list[Case]:
    """A damaged file for each seed, small enough to audit in a fraction of a second."""
    files = sound_files(make.root / "sound")
    cases = []
    for seed in seeds:
        rng = random.Random(seed)
        ending = ENDINGS[seed % len(ENDINGS)]
        kind, raw = damage(files[ending], rng)
        path = make.file(f"a.{ending}", raw)
        cases.append(make.case(kind, f"seed {seed} {ending}", path, MAYBE, "", "-q"))
    return cases


def untouched(make: Maker) -> list[Case]:
    """The same files whole: each must be audited, or the damage proves nothing."""
    files = sound_files(make.root / "whole")
    return [
        make.case("whole", ending, make.file(f"a.{ending}", raw), DONE)
        for ending, raw in files.items()
        if ending != "gif"
    ]

"""Corpus of places: links, folders inside folders, what cannot be written, a disk that is full."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tests.attacks import hostile_bytes as hb
from tests.attacks.corpus import DONE, REFUSED, Case, Maker

LINKS, WRITING = "links and nesting", "read-only and full disk"
_STAGES = ("", ".incomplete", ".old-1")


def links(make: Maker) -> Iterator[Case]:
    """Links that lead outside, in and as the source and the target."""
    for name, target in {"a picture": make.bait_file, "a system file": Path("/etc/passwd")}.items():
        folder = make.folder() / "in"
        hb.picture(folder / "1.png")
        (folder / "2.png").symlink_to(target)
        yield make.case(LINKS, f"a link to {name} among the frames", folder, DONE)
    folder = make.folder() / "in"
    (folder / "2.png").symlink_to(make.bait_file)
    yield make.case(LINKS, "a folder of nothing but links", folder, REFUSED, "holds no picture")
    folder = make.folder() / "in"
    hb.picture(folder / "1.png")
    (folder / "2.png").symlink_to("1.png")
    (folder / "3.png").symlink_to("3.png")
    (folder / "4.png").symlink_to("absent.png")
    os.mkfifo(folder / "5.png")
    (folder / "6.png").mkdir()
    yield make.case(LINKS, "links inside, loops, pipes and folders named .png", folder, DONE)
    loop = make.folder() / "in" / "loop.mp4"
    loop.symlink_to("loop.mp4")
    yield make.case(LINKS, "a source that links to itself", loop, REFUSED)
    pipe = make.folder() / "in" / "pipe.mp4"
    os.mkfifo(pipe)
    yield make.case(LINKS, "a pipe as source", pipe, REFUSED, "neither a file nor a folder")
    zero = make.folder() / "in" / "zero.mp4"
    zero.symlink_to("/dev/zero")
    yield make.case(LINKS, "an endless device as source", zero, REFUSED, "neither")
    yield from _targets(make)


def _targets(make: Maker) -> Iterator[Case]:
    folder = make.folder()
    picture = hb.picture(folder / "in" / "1.png")
    inside = ["audit", str(folder / "in"), "-o", str(folder / "in" / "out")]
    yield make.case(
        LINKS, "output inside the input", folder / "in", REFUSED, "into the source", argv=inside
    )
    (folder / "way").symlink_to(folder / "in")
    by_link = ["audit", str(folder / "in"), "-o", str(folder / "way" / "deep" / "out")]
    yield make.case(
        LINKS,
        "output inside the input, by a link",
        folder / "in",
        REFUSED,
        "into the source",
        argv=by_link,
    )
    onto = ["audit", str(picture), "-o", str(picture)]
    yield make.case(LINKS, "output is the input", picture, REFUSED, argv=onto)
    around = ["audit", str(picture), "-o", str(folder / "in"), "--force", "--no-original"]
    yield make.case(LINKS, "output holds the input, --force", picture, REFUSED, argv=around)
    folder = make.folder()
    picture = hb.picture(folder / "in" / "1.png")
    (folder / "work" / "out.incomplete").symlink_to(make.bait)
    yield make.case(LINKS, "a planted OUT.incomplete link", picture, REFUSED, "in the way")
    folder = make.folder()
    picture = hb.picture(folder / "in" / "1.png")
    (folder / "elsewhere").mkdir()
    (folder / "work" / "out").symlink_to(folder / "elsewhere")
    case = make.case(LINKS, "OUT is a link to an empty folder", picture, DONE)
    # the bundle is made where the link leads, and what it needs on the way stands beside that
    there = folder / "elsewhere"
    case.job.readable += [str(there.with_name(there.name + end)) for end in _STAGES]
    yield case
    folder = make.folder()
    picture = hb.picture(folder / "in" / "1.png")
    somebody = folder / "somebody"
    somebody.mkdir()
    hb.picture(somebody / "own.png")
    (folder / "work" / "out").symlink_to(somebody)
    yield make.case(LINKS, "OUT is a link to somebody's folder", picture, REFUSED, "not empty")


def writing(make: Maker) -> Iterator[Case]:
    """Where nothing can be written, or not enough."""
    for name, out in {"a folder of the kernel": "/proc/out", "below a file": "file/out"}.items():
        picture = hb.picture(make.folder() / "in" / "1.png")
        (picture.parents[1] / "work" / "file").write_text("x")
        argv = ["audit", str(picture), "-o", out, "--format", "html"]
        yield make.case(WRITING, name, picture, frozenset({2, 5}), "annot", argv=argv)
    picture = hb.picture(make.folder() / "in" / "1.png")
    work = picture.parents[1] / "work"
    work.chmod(0o555)
    yield make.case(
        WRITING, "a read-only folder", picture, frozenset({2, 5}), "ermission", plain_user=True
    )
    unread = hb.picture(make.folder() / "in" / "1.png")
    unread.chmod(0)
    yield make.case(WRITING, "a source without rights", unread, REFUSED, "read", plain_user=True)
    # A limit on file size stands for the full disk: every write beyond it fails.
    for most in (1, 100, 500, 2_000, 20_000):
        clip = make.folder() / "in" / "clip.mp4"
        clip.write_bytes(make.clip.read_bytes())
        case = make.case(
            WRITING, f"no file beyond {most} bytes", clip, frozenset({2, 3}), most_bytes=most
        )
        yield case

"""Replay, recorded facts: a bundle's source as a file, its settings, networks and followed faces.

What is not what audit.json names is refused before anything is restored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

import numpy as np
from pydantic import ValidationError

from forensics.config import Settings
from forensics.deep.local import copy_file
from forensics.errors import EnvironmentLacks, InputError, IntegrityError, UsageError
from forensics.evidence.bag import digest_file
from forensics.evidence.lines import FACES, FRAMES, parse_lines
from forensics.evidence.names import safe_names
from forensics.evidence.tree import Tree
from forensics.passes.follow import FollowedFace, Following
from forensics.records import Audit, Detection, FaceLine, FrameLine, Model, Record, Rejected

ORIGINAL: Final = "data/original/"
_R = TypeVar("_R", bound=Record)


def frames_of(tree: Tree) -> Iterator[FrameLine]:
    """The recorded frames, in order."""
    return _lines(tree, FRAMES, FrameLine, "frames.jsonl")


def faces_of(tree: Tree) -> Iterator[FaceLine]:
    """The recorded faces, in order of frame and person."""
    return _lines(tree, FACES, FaceLine, "faces.jsonl")


def _lines(tree: Tree, path: str, model: type[_R], name: str) -> Iterator[_R]:
    with tree.open(path) as stream:
        yield from parse_lines(stream, model, name)


def settings_of(audit: Audit, device: str | None) -> Settings:
    """The settings of the run; ``device`` replaces its own. EnvironmentLacks for unknown ones."""
    values = {**audit.settings, **({} if device is None else {"device": device})}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise EnvironmentLacks(
            f"the setting {where!r} of this bundle is not one that this version knows",
            f"Use version {audit.run.version} of forensics.",
        ) from error


def check_networks(audit: Audit, here: Sequence[Model]) -> tuple[str, ...]:
    """Compare networks by digest; returns notes.

    Raises `EnvironmentLacks` for one that is not here, `IntegrityError` for another one.
    """
    loaded = {model.role: model for model in here}
    for then in audit.models:
        now = loaded.pop(then.role, None)
        if now is None:
            raise EnvironmentLacks(
                f"the network {then.name!r} ({then.role}) of this audit is not here",
                f"It has the SHA-256 {then.sha256}; see 'forensics models list'.",
            )
        if now.sha256 != then.sha256:
            raise IntegrityError(
                f"the network for the role {then.role!r} is not the one of the audit: "
                f"{now.sha256[:16]}... here, {then.sha256[:16]}... then",
                f"Use version {audit.run.version} of forensics, which carries it.",
            )
    return tuple(f"note: the network {m.name!r} is here and was not then" for m in loaded.values())


def source_file(tree: Tree, audit: Audit, given: Path | None, folder: Path) -> Path:
    """The source as a path that can be probed; what must be copied goes into ``folder``.

    UsageError when the bundle has no source and none is given, IntegrityError when it is another.
    """
    if audit.source.kind == "frames":
        return _source_folder(tree, folder)
    if given is None:
        files = tree.under(ORIGINAL)
        if len(files) != 1:
            raise UsageError(
                "the bundle was made with --no-original and holds no source",
                "Give the file with --original FILE.",
            )
        given = folder / f"source{PurePosixPath(files[0]).suffix}"
        copy_file(tree, files[0], given)
    elif not given.is_file():
        raise UsageError(f"--original: there is no file {str(given)!r}", "Check the path.")
    found = digest_file(given)
    if (found.sha256, found.size) != (audit.source.sha256, audit.source.bytes):
        raise IntegrityError(
            "the source is not the file that audit.json names (its SHA-256 differs)",
            "Replay needs the very file that was audited.",
        )
    return given


def _source_folder(tree: Tree, folder: Path) -> Path:
    """A folder of pictures, under numbers that keep their order."""
    names = [line.name for line in frames_of(tree) if line.name is not None]
    paths = [ORIGINAL + name for name in safe_names(names)]
    if sorted(paths) != tree.under(ORIGINAL) or not paths:
        raise UsageError(
            "the bundle does not hold the pictures of its source",
            "A folder of pictures can be replayed only from a bundle that holds them.",
        )
    target = folder / "source"
    target.mkdir()
    for number, path in enumerate(paths, 1):
        copy_file(tree, path, target / f"{number:06d}{PurePosixPath(path).suffix}")
    return target


def recorded_following(tree: Tree) -> Following:
    """Who is where, from the bundle's own lines instead of from the picture."""
    faces: dict[int, list[FollowedFace]] = {}
    for line in faces_of(tree):
        faces.setdefault(line.frame, []).append(_followed(line))
    rejected: dict[int, tuple[Rejected, ...]] = {}
    cuts: list[int] = []
    shot, count = 1, 0
    for frame in frames_of(tree):
        count += 1
        if frame.rejected:
            rejected[frame.frame] = frame.rejected
        if frame.shot is not None and frame.shot > shot:
            cuts.append(frame.frame)
            shot = frame.shot
    people = {face.person for found in faces.values() for face in found}
    return Following(
        faces={frame: tuple(found) for frame, found in faces.items()},
        rejected=rejected,
        cuts=tuple(cuts),
        frames=count,
        people=len(people),
    )


def _followed(line: FaceLine) -> FollowedFace:
    points = line.landmarks_raw_px
    if len(points) != 5 or len(line.landmarks_px) != 5:
        raise InputError(f"frame {line.frame} records a face without five points")
    a, b, c, d, e = points
    return FollowedFace(
        person=line.person,
        detection=Detection(line.box_px, (a, b, c, d, e), line.score),
        landmarks_px=np.asarray(line.landmarks_px, dtype=np.float64),
        similarity=None,
        rival=None,
    )

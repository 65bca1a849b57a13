"""Calibration, portraits: a folder of photographs to true faces on the template, by person.

A sub-folder is a person and its pictures are photographs of that person; a picture that lies in
the folder itself is a person named by its file, less a number at its end (``anna_1.jpg``,
``anna-2.jpg`` and ``anna.jpg`` show anna).  The largest face counts.  People are parted into fit,
cal and test by a digest of their name, so that the same folder is always parted alike.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forensics.calibration.rows import GROUPS, Group
from forensics.calibration.sampling import Portrait
from forensics.errors import InputError
from forensics.faces.align import align_face, landmarks_array
from forensics.media.limits import Limits
from forensics.media.picture import read_picture
from forensics.media.quick import list_folder
from forensics.progress import Progress
from forensics.records import Detection

LEAST_INTEROCULAR_PX = 100.0
"""Smaller faces are no truth to hold a 512 px restoration against."""
_NUMBER = re.compile(r"[ _.-]*\d+$")


class Finds(Protocol):
    """A detector of faces."""

    def detect(self, frames_rgb_u8: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """Faces of each frame."""
        ...


@dataclass(frozen=True)
class Gallery:
    """What a folder gave; ``left_out`` names files with the reason."""

    portraits: tuple[Portrait, ...]
    left_out: tuple[str, ...]

    @property
    def people(self) -> dict[Group, int]:
        """Number of people by group."""
        return {g: len({p.person for p in self.portraits if p.group == g}) for g in GROUPS}

    @property
    def sha256(self) -> str:
        """Digest of who is in which group with which pictures."""
        lines = sorted(f"{p.group} {p.person} {p.sha256}" for p in self.portraits)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def person_of(folder: Path, picture: Path) -> str:
    """The person a picture shows: its sub-folder, else its name less a number at the end."""
    if picture.parent != folder:
        return picture.parent.name
    return _NUMBER.sub("", picture.stem) or picture.stem


def groups_of(people: Sequence[str]) -> dict[str, Group]:
    """People in the order of a digest of their name, dealt to fit, cal and test in turn."""
    ordered = sorted(set(people), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return {name: GROUPS[k % 3] for k, name in enumerate(ordered)}


def read_gallery(folder: Path, detector: Finds, progress: Progress) -> Gallery:
    """Find, align and part the faces of a folder.

    Raises `InputError` when it holds no face that is large enough.
    """
    if not folder.is_dir():
        raise InputError(f"{folder.name or folder} is no folder of portraits")
    pictures = _pictures(folder)
    group = groups_of([person_of(folder, path) for path in pictures])
    found: list[Portrait] = []
    left_out: list[str] = []
    with progress.step("Reading portraits", len(pictures)) as step:
        for path in pictures:
            step.advance()
            name = path.relative_to(folder).as_posix()
            try:
                rgb_u8 = read_picture(path, Limits()).rgb_u8
            except InputError as error:
                left_out.append(f"{name}: {error.message}")
                continue
            truth = _truth(rgb_u8, detector)
            if isinstance(truth, str):
                left_out.append(f"{name}: {truth}")
                continue
            person = person_of(folder, path)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found.append(Portrait(person, group[person], digest, truth))
    if not found:
        why = left_out[0] if left_out else "it holds no pictures"
        raise InputError(f"no usable portrait in {folder.name}: {why}")
    return Gallery(tuple(found), tuple(left_out))


def _pictures(folder: Path) -> list[Path]:
    """Pictures of the folder and of its sub-folders, one level deep, in natural order."""
    found: list[Path] = []
    for place in (folder, *sorted(p for p in folder.iterdir() if p.is_dir())):
        try:
            found += list_folder(place).pictures
        except InputError:
            continue  # a folder without pictures is no person
    return found


def _truth(rgb_u8: NDArray[np.uint8], detector: Finds) -> NDArray[np.uint8] | str:
    """The largest face on the template, or why there is none."""
    (faces,) = detector.detect([rgb_u8])
    if not faces:
        return "no face found"
    face = max(faces, key=lambda f: f.interocular_px)
    if face.interocular_px < LEAST_INTEROCULAR_PX:
        return (
            f"{face.interocular_px:.0f} px between the eyes, "
            f"at least {LEAST_INTEROCULAR_PX:.0f} are needed"
        )
    try:
        return align_face(rgb_u8, landmarks_array(face.landmarks_px)).crop_rgb_u8
    except ValueError as error:
        return str(error)

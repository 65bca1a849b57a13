"""Comparisons: one side-by-side clip per person, made from the pictures that a bundle holds.

Works from the finished faces.jsonl and the face pictures, a few people at a time, so that memory
grows neither with the clip nor with the crowd.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.evidence.lines import iter_faces
from forensics.media.container import reason_of
from forensics.media.side_by_side import SideBySide, caption
from forensics.passes.sink import picture_name
from forensics.records import Comparison, FaceLine

PEOPLE_AT_ONCE: Final = 8
PICTURE_RATE: Final = Fraction(5)
"""Frames a second for a folder of pictures, which has no rate of its own."""


def comparison_file(person: int) -> str:
    """Name of a person's clip below ``data/``."""
    return f"cmp_{person:02d}.mp4"


def write_comparisons(
    bundle: Path, people: Sequence[int], rate: Fraction | None, run_id: str | None
) -> tuple[Comparison, ...]:
    """Write ``data/cmp_PP.mp4`` of every person of a bundle whose lines and pictures are written.

    ``run_id`` names the bundle in the label; None leaves the label out.  A clip that cannot be
    written is a failed record; the others go on.
    """
    made: list[Comparison] = []
    for first in range(0, len(people), PEOPLE_AT_ONCE):
        group = people[first : first + PEOPLE_AT_ONCE]
        made += _write_group(bundle, group, rate or PICTURE_RATE, run_id)
    return tuple(made)


def _write_group(
    bundle: Path, people: Sequence[int], rate: Fraction, run_id: str | None
) -> list[Comparison]:
    writers: dict[int, SideBySide] = {}
    reasons: dict[int, str] = {}
    try:
        for face in iter_faces(bundle):
            if face.person not in people or face.person in reasons:
                continue
            try:
                if face.person not in writers:
                    path = bundle / "data" / comparison_file(face.person)
                    writers[face.person] = SideBySide(path, rate, run_id)
                _add(writers[face.person], bundle / "data", face)
            except (av.FFmpegError, OSError, ValueError) as error:
                reasons[face.person] = f"{type(error).__name__}: {reason_of(error)}"
        return [_finished(person, writers.get(person), reasons.get(person)) for person in people]
    finally:
        for writer in writers.values():
            writer.abort()


def _add(writer: SideBySide, data: Path, face: FaceLine) -> None:
    name = picture_name(face.frame, face.person)
    crop = _read(data / "cropped_faces" / name) if face.crop_sha256 else None
    restored = _read(data / "restored_faces" / name) if face.restored_sha256 else None
    outcome = face.outcome if face.reason is None else f"{face.outcome}: {face.reason}"
    writer.add(caption(face.frame, face.pts_s, face.person, outcome), crop, restored)


def _read(path: Path) -> NDArray[np.uint8]:
    """A face picture that this run wrote, as RGB (H, W, 3) uint8."""
    found = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise ValueError(f"{path.name} is no picture")
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _finished(person: int, writer: SideBySide | None, reason: str | None) -> Comparison:
    file = comparison_file(person)
    if reason is not None or writer is None:
        why = reason or "no line speaks of this person"
        return Comparison(file=file, person=person, frames=0, outcome="failed", reason=why)
    try:
        writer.close()
    except (av.FFmpegError, OSError) as error:
        why = f"{type(error).__name__}: {reason_of(error)}"
        return Comparison(file=file, person=person, frames=0, outcome="failed", reason=why)
    return Comparison(file=file, person=person, frames=writer.frames, outcome="written")

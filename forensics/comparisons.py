"""Comparisons: two clips per person, side by side, made from the pictures that a bundle holds.

``cmp_PP.mp4`` is for people, at full size; ``viewer/PP.mp4`` is small, shows the map as well and is
what a report carries in itself.

Works from the finished faces.jsonl and the face pictures, a few people at a time, so that memory
grows neither with the clip nor with the crowd.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.evidence.lines import iter_faces
from forensics.media.container import reason_of
from forensics.media.label import label_words
from forensics.media.side_by_side import SideBySide, ViewerClip, caption
from forensics.passes.sink import picture_name
from forensics.records import Comparison, FaceLine, Mode
from forensics.report.other_words import outcome_words

PEOPLE_AT_ONCE: Final = 8
PICTURE_RATE: Final = Fraction(5)
"""Frames a second for a folder of pictures, which has no rate of its own."""


def comparison_file(person: int) -> str:
    """Name of a person's clip below ``data/``."""
    return f"cmp_{person:02d}.mp4"


def viewer_file(person: int) -> str:
    """Name of the clip for a report's viewer below ``data/``."""
    return f"viewer/{person:02d}.mp4"


@dataclass(frozen=True)
class _Pair:
    """Both clips of a person; they have the same frames."""

    full: SideBySide
    small: ViewerClip

    @classmethod
    def open(cls, data: Path, person: int, rate: Fraction, labels: Sequence[str]) -> _Pair:
        small = data / viewer_file(person)
        small.parent.mkdir(exist_ok=True)
        full = SideBySide(data / comparison_file(person), rate, labels)
        try:
            return cls(full, ViewerClip(small, rate, labels))
        except (av.FFmpegError, OSError):
            full.abort()
            raise

    def close(self) -> None:
        self.full.close()
        self.small.close()

    def abort(self) -> None:
        self.full.abort()
        self.small.abort()

    def discard(self) -> None:
        """Remove both, also one that is finished already."""
        self.full.discard()
        self.small.discard()


def write_comparisons(
    bundle: Path,
    people: Sequence[int],
    rate: Fraction | None,
    run_id: str | None,
    *,
    mode: Mode = "restore",
) -> tuple[Comparison, ...]:
    """Write both clips of every person of a bundle whose lines and pictures are written.

    ``run_id`` names the bundle in the label; None leaves the label out.  ``mode`` tells
    whether this run restored.  A clip that cannot be
    written is a failed record; the others go on.
    """
    made: list[Comparison] = []
    labels = () if run_id is None else label_words(run_id, given=mode != "restore")
    for first in range(0, len(people), PEOPLE_AT_ONCE):
        group = people[first : first + PEOPLE_AT_ONCE]
        made += _write_group(bundle, group, rate or PICTURE_RATE, labels, mode)
    return tuple(made)


def _write_group(
    bundle: Path, people: Sequence[int], rate: Fraction, labels: Sequence[str], mode: Mode
) -> list[Comparison]:
    writers: dict[int, _Pair] = {}
    reasons: dict[int, str] = {}
    try:
        for face in iter_faces(bundle):
            if face.person not in people or face.person in reasons:
                continue
            try:
                if face.person not in writers:
                    opened = _Pair.open(bundle / "data", face.person, rate, labels)
                    writers[face.person] = opened
                _add(writers[face.person], bundle / "data", face, mode)
            except (av.FFmpegError, OSError, ValueError) as error:
                reasons[face.person] = f"{type(error).__name__}: {reason_of(error)}"
        return [
            _finished(person, writers.get(person), reasons.get(person), rate) for person in people
        ]
    finally:
        for writer in writers.values():
            writer.abort()


def _add(pair: _Pair, data: Path, face: FaceLine, mode: Mode) -> None:
    name = picture_name(face.frame, face.person)
    crop = _read(data / "cropped_faces" / name) if face.crop_sha256 else None
    restored = _read(data / "restored_faces" / name) if face.restored_sha256 else None
    where = data / "maps" / name
    map_ = _read(where) if where.is_file() else None
    done = outcome_words(face.outcome, mode)
    outcome = done if face.reason is None else f"{done}: {face.reason}"
    words = caption(face.frame, face.pts_s, face.person, outcome)
    pair.full.add(words, crop, restored)
    pair.small.add(face.frame, words, crop, restored, map_)


def _read(path: Path) -> NDArray[np.uint8]:
    """A face picture that this run wrote, as RGB (H, W, 3) uint8."""
    found = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise ValueError(f"{path.name} is no picture")
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _finished(person: int, pair: _Pair | None, reason: str | None, rate: Fraction) -> Comparison:
    file = comparison_file(person)
    if reason is not None or pair is None:
        why = reason or "no line speaks of this person"
        return Comparison(file=file, person=person, frames=0, outcome="failed", reason=why)
    try:
        pair.close()
    except (av.FFmpegError, OSError) as error:
        pair.discard()  # one clip without the other would be in no record
        why = f"{type(error).__name__}: {reason_of(error)}"
        return Comparison(file=file, person=person, frames=0, outcome="failed", reason=why)
    return Comparison(
        file=file,
        person=person,
        frames=pair.full.frames,
        outcome="written",
        viewer=viewer_file(person),
        rate=str(rate),
    )

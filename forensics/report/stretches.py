"""Stretches: runs of neighbouring frames in which a person has the same band, outcome and flags.

The timeline draws them and the table below it lists them, so both say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forensics.records import Band, FaceLine, FlagCode, Outcome


@dataclass(frozen=True)
class Stretch:
    """Frames ``first`` to ``last`` (inclusive) with one band, outcome, reason and set of flags."""

    first: int
    last: int
    band: Band
    outcome: Outcome
    reason: str | None
    flags: tuple[FlagCode, ...]
    because: tuple[str, ...]  # of the first frame: which measures spoke
    eyes_px: tuple[float, float]  # smallest and largest distance between the eyes


def stretches_of(faces: Sequence[FaceLine]) -> tuple[Stretch, ...]:
    """Runs of one person's ``faces``, which are sorted by frame."""
    runs: list[list[FaceLine]] = []
    for face in faces:
        if runs and face.frame == runs[-1][-1].frame + 1 and _key(face) == _key(runs[-1][-1]):
            runs[-1].append(face)
        else:
            runs.append([face])
    return tuple(_stretch(run) for run in runs)


def _key(face: FaceLine) -> tuple[Band, Outcome, str | None, frozenset[FlagCode]]:
    return face.risk.band, face.outcome, face.reason, frozenset(face.flags)


def _stretch(run: Sequence[FaceLine]) -> Stretch:
    eyes = [face.interocular_px for face in run]
    head = run[0]
    return Stretch(
        first=head.frame,
        last=run[-1].frame,
        band=head.risk.band,
        outcome=head.outcome,
        reason=head.reason,
        flags=head.flags,
        because=head.risk.because,
        eyes_px=(min(eyes), max(eyes)),
    )


def joined(frames: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Inclusive ranges of increasing numbers, of frames or of shots."""
    out: list[tuple[int, int]] = []
    for frame in frames:
        if out and frame == out[-1][1] + 1:
            out[-1] = (out[-1][0], frame)
        else:
            out.append((frame, frame))
    return tuple(out)

"""Tracking: a person keeps one number through crossings and absences, by motion and appearance.

Feed frames in order to a `Tracker`; ``finish()`` gives `Tracks`: for every frame which detection is
which person, persons numbered by first appearance (ties from left to right).  File names carry
these numbers, so they are final only when the clip has ended: restoring is a second pass.  Every
detection is a face of a person or is reported as rejected; none is dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.faces.people import Group, cosine, join_across, join_within, pooled, split
from forensics.faces.smoothing import smooth_landmarks
from forensics.faces.tracklets import (
    NOMINAL_FRAME_S,
    Decision,
    Follower,
    Motion,
    Sighting,
    ordered,
)
from forensics.records import Detection, Point

log = logging.getLogger(__name__)

Points5 = tuple[Point, Point, Point, Point, Point]


@dataclass(frozen=True)
class Rejection:
    """When a shot's tracklets are no person. Scores are the detector's, 0..1.

    Too brief; or seen only now and then; or never as large as the smallest face the detector is
    tested on (below that a button can look like a face for long).  Where the detector was sure,
    only a flash is too brief.
    A picture, a very short clip or a very short shot gives a tracklet no chance to grow; there
    nothing is rejected: each photograph of a folder is a shot of its own.
    """

    longest: int = 3  # sightings of the longest tracklet, however often it comes back
    sure_score: float = 0.85  # the detector was sure
    flash_s: float = 0.25  # seen for less in all is a flash even then
    chances: int = 5  # frames around it, of its own shots, in which it could have been seen
    steady: float = 0.6  # share of the frames between a tracklet's ends in which a face is seen
    tested_px: float = 12.0  # between the eyes: the smallest face of the detector's tests


@dataclass(frozen=True)
class PersonFace:
    """One person in one frame.

    ``similarity``: cosine of this face's embedding to the person's other frames, None where there
    is no other frame.  ``rival``: the highest cosine to any other person's gallery, None where this
    person is alone in the clip.  Both -1..1.
    """

    frame: int
    pts_s: float | None
    index: int
    detection: Detection
    landmarks_px: Points5  # smoothed along the track; the raw ones are in ``detection``
    similarity: float | None
    rival: float | None


@dataclass(frozen=True)
class PersonTrack:
    """A person through the clip.

    ``gaps``: inclusive frame ranges without this person between first and last frame, counted over
    the frames given.  ``starts``: frames where a tracklet of this person begins (pieces that the
    second pass joined), a swap's likely places.
    """

    person: int
    faces: tuple[PersonFace, ...]
    gaps: tuple[tuple[int, int], ...]
    starts: tuple[int, ...]

    @property
    def frames(self) -> tuple[int, ...]:
        return tuple(face.frame for face in self.faces)


@dataclass(frozen=True)
class FrameTracks:
    """One frame: (detection index, person) by person, and detections that became no face."""

    frame: int
    pts_s: float | None
    people: tuple[tuple[int, int], ...]
    rejected: tuple[int, ...]


@dataclass(frozen=True)
class Tracks:
    """The result of a clip."""

    frames: tuple[FrameTracks, ...]
    people: tuple[PersonTrack, ...]

    def mapping(self) -> dict[tuple[int, int], int | None]:
        """(frame, detection index) to person; None for a rejected detection."""
        found: dict[tuple[int, int], int | None] = {}
        for line in self.frames:
            found.update({(line.frame, index): person for index, person in line.people})
            found.update({(line.frame, index): None for index in line.rejected})
        return found


class Tracker:
    """Takes frames in order, gives `Tracks` at the end. Memory: about 1 kB a face."""

    def __init__(
        self,
        decision: Decision | None = None,
        motion: Motion | None = None,
        rejection: Rejection | None = None,
    ) -> None:
        self._decision = decision or Decision()
        self._motion = motion or Motion()
        self._rejection = rejection or Rejection()
        self._follower = Follower(self._motion, self._decision)
        self._frames: list[tuple[int, float | None, int]] = []
        self._scenes: dict[int, int] = {}  # by frame
        self._last_s = -np.inf

    def add(
        self,
        frame: int,
        pts_s: float | None,
        detections: Sequence[Detection],
        embeddings: NDArray[np.float32],
        *,
        cut: bool = False,
    ) -> None:
        """One frame with its detections and their embeddings (N, D), rows of length 1.

        ``pts_s`` None: frames are taken as 0.04 s apart.  ``cut``: a new scene begins with this
        frame.  Raises `ValueError` for frames out of order or embeddings that do not fit.
        """
        if self._frames and frame <= self._frames[-1][0]:
            raise ValueError(f"frame {frame} after frame {self._frames[-1][0]}")
        if len(embeddings) != len(detections):
            raise ValueError(f"{len(embeddings)} embeddings for {len(detections)} detections")
        if not np.isfinite(embeddings).all():
            raise ValueError(f"an embedding of frame {frame} is not finite")
        time_s = frame * NOMINAL_FRAME_S if pts_s is None else pts_s
        # Time stamps that stand still or step back do happen; motion needs time to pass.
        time_s = max(time_s, self._last_s + 1e-3)
        self._last_s = time_s
        sightings = [
            Sighting(frame, time_s, k, detections[k], np.asarray(embeddings[k], np.float32))
            for k in ordered(detections)
        ]
        self._follower.add(sightings, time_s, cut)
        self._frames.append((frame, pts_s, len(detections)))
        self._scenes[frame] = self._follower.scene

    def finish(self) -> Tracks:
        """Join tracklets into people and number them."""
        tracklets = [
            part for tracklet in self._follower.finish() for part in split(tracklet, self._decision)
        ]
        of_shots = join_within(tracklets, self._motion, self._decision)
        # A hand that looks like somebody's face for a moment must not be their face in that shot.
        kept = [group for group in of_shots if not self._spurious(group)]
        kept = join_across(kept, self._decision)
        log.info("%d tracklets, %d people", len(tracklets), len(kept))
        people = tuple(self._person(k, kept) for k in range(len(kept)))
        owner = {(f.frame, f.index): p.person for p in people for f in p.faces}
        lines = []
        for frame, pts_s, count in self._frames:
            pairs = [(k, owner[frame, k]) for k in range(count) if (frame, k) in owner]
            pairs.sort(key=lambda pair: pair[1])
            left = tuple(k for k in range(count) if (frame, k) not in owner)
            lines.append(FrameTracks(frame, pts_s, tuple(pairs), left))
        return Tracks(tuple(lines), people)

    def _spurious(self, group: Group) -> bool:
        rule = self._rejection
        seen = group.sightings
        longest = max(len(t.sightings) for t in group.tracklets)
        sure = max(s.detection.score for s in seen) >= rule.sure_score
        brief = longest <= rule.longest
        spans = sum(t.last.frame - t.first.frame + 1 for t in group.tracklets)
        flickers = len(seen) < rule.steady * spans
        tiny = max(s.detection.interocular_px for s in seen) < rule.tested_px
        flash = len(seen) * self._frame_s() < rule.flash_s
        if not (flash if sure else flash or brief or flickers or tiny):
            return False
        reach = range(seen[0].frame - rule.chances, seen[-1].frame + rule.chances + 1)
        chances = sum(1 for frame in reach if self._scenes.get(frame) in group.shots)
        return chances >= rule.chances

    def _frame_s(self) -> float:
        """Median time between frames."""
        times = [time_s for _, time_s, _ in self._frames if time_s is not None]
        return float(np.median(np.diff(times))) if len(times) > 1 else NOMINAL_FRAME_S

    def _person(self, number: int, groups: Sequence[Group]) -> PersonTrack:
        group = groups[number]
        seen = group.sightings
        times = np.array([s.time_s for s in seen])
        raw = np.array([s.detection.landmarks_px for s in seen])
        begins = {t.first.frame for t in group.tracklets}
        rows = [k for k, s in enumerate(seen) if s.frame in begins]
        smooth = smooth_landmarks(raw, times, rows)
        total = pooled(seen)[0]
        others = [g.total for k, g in enumerate(groups) if k != number]
        stamps = {frame: pts_s for frame, pts_s, _ in self._frames}
        faces = []
        for one, points in zip(seen, smooth, strict=True):
            itself = one.embedding.astype(np.float64)
            rest = total - one.weight * itself
            faces.append(
                PersonFace(
                    one.frame,
                    stamps[one.frame],
                    one.index,
                    one.detection,
                    _five(points),
                    cosine(itself, rest) if len(seen) > 1 else None,
                    max((cosine(itself, o) for o in others), default=None),
                )
            )
        return PersonTrack(number, tuple(faces), self._gaps(seen), tuple(sorted(begins)))

    def _gaps(self, seen: Sequence[Sighting]) -> tuple[tuple[int, int], ...]:
        present = {s.frame for s in seen}
        first, last = seen[0].frame, seen[-1].frame
        gaps: list[tuple[int, int]] = []
        before_absent = False
        for frame, _, _ in self._frames:
            if not first <= frame <= last:
                continue
            absent = frame not in present
            if absent and before_absent:
                gaps[-1] = (gaps[-1][0], frame)
            elif absent:
                gaps.append((frame, frame))
            before_absent = absent
        return tuple(gaps)


def _five(points: NDArray[np.float64]) -> Points5:
    a, b, c, d, e = ((float(x), float(y)) for x, y in points)
    return a, b, c, d, e

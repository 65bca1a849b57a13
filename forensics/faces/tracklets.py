"""Tracking, first pass: detections of one frame after another become tracklets.

A tracklet follows one face for as long as motion carries it: constant velocity of centre and size,
gated by distance, with appearance as a second voice where the face is large enough to have one.
When in doubt a tracklet ends; `forensics.faces.people` joins tracklets into people afterwards.
Times are seconds, so uneven frame times need no special care.  The order of the detections in a
frame never matters: they are sorted by place first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from forensics.records import Detection

Vector = NDArray[np.float64]
NOMINAL_FRAME_S = 0.04  # for sources without time stamps


@dataclass(frozen=True)
class Decision:
    """How much a cosine says about "same person", by eye distance of the smaller face.

    The log odds are ``slope * (cosine - threshold)``, interpolated over ``eye_px`` in log scale and
    held at its ends.  Fitted on training people for one set of weights (the appearance card).
    ``limits`` hold what one, two, and three or more sightings on the poorer side may say: a single
    picture (a face half out of view, a hand before it) is no evidence against steady motion.

    ``across`` is the cosine from which people of different shots are one.  There motion says
    nothing and camera, side and light change, so it asks for the likeness of one steady shot.
    """

    eye_px: tuple[float, ...] = (8.0, 12.0, 16.0, 24.0, 40.0)
    threshold: tuple[float, ...] = (0.62, 0.56, 0.52, 0.48, 0.45)
    slope: tuple[float, ...] = (4.0, 8.0, 11.0, 14.0, 16.0)
    limits: tuple[float, float, float] = (2.0, 3.5, 5.0)
    across: float = 0.8

    def across_odds(self, cosine: float) -> float:
        """Log odds that people of different shots are one, by the slope of the largest faces."""
        return self.slope[-1] * (cosine - self.across)

    def log_odds(self, cosine: float, eye_px: float, sightings: int = 3) -> float:
        """Log odds that two faces are one person; ``sightings`` of the side that has fewer."""
        limit = self.limits[min(max(sightings, 1), 3) - 1]
        at = float(np.log(max(eye_px, 1.0)))
        grid = np.log(self.eye_px)
        slope = float(np.interp(at, grid, self.slope))
        threshold = float(np.interp(at, grid, self.threshold))
        return float(np.clip(slope * (cosine - threshold), -limit, limit))


@dataclass(frozen=True)
class Motion:
    """Limits of movement from one frame to the next.  Lengths in face sizes, sqrt(box area).

    Set on what heads do (a walking person crosses about two face sizes a second, a fast one five),
    not on any clip.
    """

    reach: float = 0.45  # how far the prediction may be off at once
    reach_per_s: float = 4.0  # and how much more for each second since the last sighting
    log_size: float = 0.35  # tolerated change of log size
    log_size_per_s: float = 1.5
    best: float = 3.0  # log odds of a face exactly where it is expected
    patience_s: float = 0.5  # a tracklet unseen for longer ends
    patience_frames: int = 3  # but not before that many frames


@dataclass(frozen=True)
class Sighting:
    """One detection in one frame."""

    frame: int
    time_s: float
    index: int  # place in the frame's list as given
    detection: Detection
    embedding: NDArray[np.float32]  # (D,), length 1

    @property
    def centre_px(self) -> Vector:
        x0, y0, x1, y1 = self.detection.box_px
        return np.array([(x0 + x1) / 2, (y0 + y1) / 2])

    @property
    def size_px(self) -> float:
        x0, y0, x1, y1 = self.detection.box_px
        return float(np.sqrt(max(x1 - x0, 1e-3) * max(y1 - y0, 1e-3)))

    @property
    def weight(self) -> float:
        """How much its embedding counts: by pixels between the eyes, and by the score."""
        eyes = self.detection.interocular_px
        return float(np.clip(eyes / 32.0, 0.05, 1.0) ** 2 * max(self.detection.score, 0.05))


@dataclass(eq=False)
class Tracklet:
    """Sightings of one face, with a constant-velocity state (x, y, log size)."""

    sightings: list[Sighting] = field(default_factory=list)
    state: Vector = field(default_factory=lambda: np.zeros(3))
    speed: Vector = field(default_factory=lambda: np.zeros(3))
    scene: int = 0
    _gallery: Vector | None = None
    _recent: float = 0.0
    _eyes: float = 0.0

    @property
    def first(self) -> Sighting:
        return self.sightings[0]

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    def expected(self, time_s: float) -> Vector:
        """Where and how large it should be: (x, y, log size). Size stops growing after 0.2 s."""
        ahead = time_s - self.last.time_s
        shift = self.speed * ahead
        shift[2] = self.speed[2] * min(ahead, 0.2)
        return self.state + shift

    def appearance(self) -> tuple[Vector, float]:
        """Recent mean embedding (length 1) and the eye distance it stands on."""
        if self._gallery is None:
            raise ValueError("a tracklet without sightings has no appearance")
        norm = float(np.linalg.norm(self._gallery))
        return self._gallery / max(norm, 1e-9), self._eyes / self._recent

    def add(self, seen: Sighting) -> None:
        """Append a sighting and update motion (alpha-beta filter) and recent appearance."""
        measured = np.array([*seen.centre_px, np.log(seen.size_px)])
        if not self.sightings:
            self.state = measured
        else:
            ahead = max(seen.time_s - self.last.time_s, 1e-3)
            wanted = self.expected(seen.time_s)
            gap = measured - wanted
            # The second sighting sets the speed outright; later ones correct it a little each time.
            beta = 0.8 if len(self.sightings) == 1 else 0.25
            self.state = wanted + 0.8 * gap
            self.speed = self.speed + beta * gap / ahead
        fade = 0.9
        vector = seen.weight * seen.embedding.astype(np.float64)
        self._gallery = vector if self._gallery is None else fade * self._gallery + vector
        self._recent = fade * self._recent + seen.weight
        self._eyes = fade * self._eyes + seen.weight * seen.detection.interocular_px
        self.sightings.append(seen)


def ordered(detections: Sequence[Detection]) -> list[int]:
    """Indices of the detections from left to right, whatever order they came in."""
    return sorted(
        range(len(detections)),
        key=lambda k: (
            detections[k].box_px[0] + detections[k].box_px[2],
            detections[k].box_px,
            -detections[k].score,
            detections[k].landmarks_px,
        ),
    )


def affinity(track: Tracklet, seen: Sighting, motion: Motion, decision: Decision) -> float | None:
    """Log odds that ``seen`` continues ``track``; None where motion or appearance forbid it."""
    ahead = seen.time_s - track.last.time_s
    wanted = track.expected(seen.time_s)
    size = float(np.sqrt(seen.size_px * np.exp(wanted[2])))
    off = float(np.linalg.norm(seen.centre_px - wanted[:2])) / size
    grown = abs(float(np.log(seen.size_px) - wanted[2]))
    reach = motion.reach + motion.reach_per_s * ahead
    grow = motion.log_size + motion.log_size_per_s * ahead
    if off > reach or grown > grow:
        return None
    # A face seen once has no known speed: being off says less.
    strict = 4.5 if len(track.sightings) > 1 else 2.0
    moved = motion.best - strict * (off / reach) ** 2 - 2.0 * (grown / grow) ** 2
    gallery, eyes = track.appearance()
    cosine = float(gallery @ seen.embedding)
    looks = decision.log_odds(cosine, min(eyes, seen.detection.interocular_px), sightings=1)
    total = moved + looks
    return total if total > -0.5 else None


class Follower:
    """Streams frames in, keeps open tracklets, and gathers closed ones."""

    def __init__(self, motion: Motion, decision: Decision) -> None:
        self._motion = motion
        self._decision = decision
        self._open: list[Tracklet] = []
        self._closed: list[Tracklet] = []
        self._frames = 0
        self._seen_at: dict[int, int] = {}  # id of a tracklet -> count of frames at last sighting
        self.scene = 0

    def add(self, sightings: Sequence[Sighting], time_s: float, cut: bool) -> None:
        """One frame. ``sightings`` come ordered; ``cut`` says that a new scene begins here."""
        self._frames += 1
        if cut:
            self._closed += self._open
            self._open = []
            self.scene += 1
        self._retire(time_s)
        free = set(range(len(sightings)))
        for row, column in self._match(sightings):
            self._open[row].add(sightings[column])
            self._seen_at[id(self._open[row])] = self._frames
            free.discard(column)
        for column in sorted(free):
            track = Tracklet(scene=self.scene)
            track.add(sightings[column])
            self._open.append(track)
            self._seen_at[id(track)] = self._frames

    def _retire(self, time_s: float) -> None:
        still = []
        for track in self._open:
            unseen = self._frames - self._seen_at[id(track)]
            late = time_s - track.last.time_s > self._motion.patience_s
            if late and unseen > self._motion.patience_frames:
                self._closed.append(track)
            else:
                still.append(track)
        self._open = still

    def _match(self, sightings: Sequence[Sighting]) -> list[tuple[int, int]]:
        if not self._open or not sightings:
            return []
        forbidden = -1e6
        odds = np.full((len(self._open), len(sightings)), forbidden)
        for row, track in enumerate(self._open):
            for column, seen in enumerate(sightings):
                value = affinity(track, seen, self._motion, self._decision)
                if value is not None:
                    odds[row, column] = value + 10.0  # any allowed pair beats leaving both alone
        rows, columns = linear_sum_assignment(-np.maximum(odds, 0.0))
        return [
            (int(r), int(c)) for r, c in zip(rows, columns, strict=True) if odds[r, c] > forbidden
        ]

    def finish(self) -> list[Tracklet]:
        """All tracklets in order of first sighting, left to right."""
        everything = self._closed + self._open
        return sorted(everything, key=lambda t: (t.first.frame, float(t.first.centre_px[0])))

"""Tracking, second pass: tracklets of a whole clip become people.

A tracklet whose look changes for good at one point is cut there (a swap the first pass missed).
Then tracklets of one shot are joined, the surest pair first: by appearance, weighted by pixels
between the eyes, and by motion across short gaps.  Last, people of different shots are joined where
they look as alike as one face in one steady shot; where that is in doubt they keep numbers of their
own.  Two tracklets seen in one frame are never one person.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from forensics.faces.tracklets import Decision, Motion, Sighting, Tracklet, Vector

MIN_SIDE = 3  # sightings on each side of a cut


@dataclass(frozen=True)
class Group:
    """One or more tracklets held to be one person."""

    tracklets: tuple[Tracklet, ...]
    frames: frozenset[int]
    total: Vector  # weighted sum of embeddings
    weight: float
    eyes: float  # weighted sum of eye distances

    @classmethod
    def of(cls, tracklet: Tracklet) -> Group:
        total, weight, eyes = pooled(tracklet.sightings)
        frames = frozenset(s.frame for s in tracklet.sightings)
        return cls((tracklet,), frames, total, weight, eyes)

    @property
    def shots(self) -> frozenset[int]:
        return frozenset(t.scene for t in self.tracklets)

    @property
    def sightings(self) -> list[Sighting]:
        return sorted((s for t in self.tracklets for s in t.sightings), key=lambda s: s.frame)

    def joined(self, other: Group) -> Group:
        both = (*self.tracklets, *other.tracklets)
        return Group(
            tuple(sorted(both, key=lambda t: t.first.frame)),
            self.frames | other.frames,
            self.total + other.total,
            self.weight + other.weight,
            self.eyes + other.eyes,
        )


def pooled(sightings: Sequence[Sighting]) -> tuple[Vector, float, float]:
    """Weighted sum of embeddings (D,), sum of weights, weighted sum of eye distances."""
    weights = np.array([s.weight for s in sightings])
    rows = np.stack([s.embedding for s in sightings]).astype(np.float64)
    eyes = np.array([s.detection.interocular_px for s in sightings])
    return weights @ rows, float(weights.sum()), float(weights @ eyes)


def cosine(a: Vector, b: Vector) -> float:
    """Cosine of two vectors; 0 where one has no length."""
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > 1e-12 else 0.0


def look_odds(a: Group, b: Group, decision: Decision) -> float:
    """Log odds of one person from the pooled embeddings."""
    eyes = min(a.eyes / a.weight, b.eyes / b.weight)
    fewer = min(len(a.frames), len(b.frames))
    return decision.log_odds(cosine(a.total, b.total), eyes, fewer)


def link_odds(earlier: Tracklet, later: Tracklet, motion: Motion) -> float:
    """Log odds from motion that ``later`` continues ``earlier``: -1.5 to 3, 0 after long gaps.

    Both are led to the middle of the gap.  A later start elsewhere is only mild evidence against:
    people leave the view and come back at another place.
    """
    gap = later.first.time_s - earlier.last.time_s
    if earlier.scene != later.scene or gap > 1.0:
        return 0.0
    size = float(np.sqrt(earlier.last.size_px * later.first.size_px))
    forward = earlier.last.centre_px + earlier.speed[:2] * gap / 2
    start = later.sightings[: min(5, len(later.sightings))]
    span = start[-1].time_s - start[0].time_s
    back = (start[-1].centre_px - start[0].centre_px) / span if span > 0 else np.zeros(2)
    backward = later.first.centre_px - back * gap / 2
    off = float(np.linalg.norm(forward - backward)) / size
    grown = abs(float(np.log(later.first.size_px / earlier.last.size_px)))
    reach = motion.reach + motion.reach_per_s * gap / 2
    grow = motion.log_size + motion.log_size_per_s * gap
    fade = float(np.exp(-gap / 0.5))
    odds = motion.best * fade - 4.5 * (off / reach) ** 2 - 2.0 * (grown / grow) ** 2
    return float(np.clip(odds, -1.5 * fade, motion.best))


def join_odds(a: Group, b: Group, motion: Motion, decision: Decision) -> float | None:
    """Log odds that two groups of one shot are one person; None where they share a frame."""
    if a.frames & b.frames:
        return None
    line = sorted(
        [(t, 0) for t in a.tracklets] + [(t, 1) for t in b.tracklets],
        key=lambda item: (item[0].first.frame, item[1]),
    )
    links = [
        link_odds(t, u, motion)
        for (t, side), (u, other) in pairwise(line)
        if side != other and t.last.frame < u.first.frame
    ]
    return look_odds(a, b, decision) + max(links, default=0.0)


def split(tracklet: Tracklet, decision: Decision) -> list[Tracklet]:
    """Cut a tracklet where its look changes for good; most come back whole."""
    count = len(tracklet.sightings)
    if count < 2 * MIN_SIDE:
        return [tracklet]
    weights = np.array([s.weight for s in tracklet.sightings])
    rows = np.stack([s.embedding for s in tracklet.sightings]).astype(np.float64)
    eyes = np.array([s.detection.interocular_px for s in tracklet.sightings])
    sums = np.cumsum(weights[:, None] * rows, 0)
    mass, sight = np.cumsum(weights), np.cumsum(weights * eyes)
    # The likeliest place of one change of direction: the two parts' sums are longest (the change
    # point of von Mises-Fisher directions with equal concentration).
    spans = range(MIN_SIDE, count - MIN_SIDE + 1)
    place = max(
        spans,
        key=lambda k: float(np.linalg.norm(sums[k - 1]) + np.linalg.norm(sums[-1] - sums[k - 1])),
    )
    left = sight[place - 1] / mass[place - 1]
    right = (sight[-1] - sight[place - 1]) / (mass[-1] - mass[place - 1])
    alike = cosine(sums[place - 1], sums[-1] - sums[place - 1])
    # An uncut tracklet has motion on its side, so appearance must speak as loudly against it.
    if decision.log_odds(alike, min(left, right)) > -3.0:
        return [tracklet]
    parts = []
    for some in (tracklet.sightings[:place], tracklet.sightings[place:]):
        part = Tracklet(scene=tracklet.scene)
        for seen in some:
            part.add(seen)
        parts += split(part, decision)
    return parts


def join_within(tracklets: Sequence[Tracklet], motion: Motion, decision: Decision) -> list[Group]:
    """Tracklets of each shot as people of that shot, in order of first frame, left to right."""

    def odds(a: Group, b: Group) -> float | None:
        return join_odds(a, b, motion, decision) if a.shots == b.shots else None

    return agglomerate([Group.of(t) for t in tracklets], odds)


def join_across(groups: Sequence[Group], decision: Decision) -> list[Group]:
    """People of single shots as people of the clip, in order of first frame, left to right.

    Whoever was told apart within a shot stays apart.
    """

    def odds(a: Group, b: Group) -> float | None:
        if a.shots & b.shots:
            return None
        return decision.across_odds(cosine(a.total, b.total))

    return agglomerate(groups, odds)


def agglomerate(
    found: Sequence[Group], odds_of: Callable[[Group, Group], float | None]
) -> list[Group]:
    """Join groups, surest pair first, until no pair is more likely than not.

    ``odds_of`` gives log odds, None for a pair that may not join.  Returned in order of first
    frame, then left to right.
    """
    groups = list(found)
    alive = set(range(len(groups)))
    surest: list[tuple[float, int, int]] = []  # heap of (-odds, a, b); dead pairs are passed over

    def offer(a: int, b: int) -> None:
        odds = odds_of(groups[a], groups[b])
        if odds is not None and odds > 0:
            heapq.heappush(surest, (-odds, a, b))

    for a in range(len(groups)):
        for b in range(a + 1, len(groups)):
            offer(a, b)
    while surest:
        _, a, b = heapq.heappop(surest)
        if a not in alive or b not in alive:
            continue
        groups.append(groups[a].joined(groups[b]))
        alive -= {a, b}
        new = len(groups) - 1
        for k in sorted(alive):
            offer(k, new)
        alive.add(new)

    def place(group: Group) -> tuple[int, float]:
        first = group.tracklets[0].first
        return first.frame, float(first.centre_px[0])

    return sorted((groups[k] for k in sorted(alive)), key=place)

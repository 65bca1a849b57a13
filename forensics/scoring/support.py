"""Scoring, support: what one face says alone is no finding about a person.

A measure passes its limit in one accurate face of a hundred by design, and a minute of video holds
hundreds of measured faces; a hand before a mouth, or a codec that is late, lifts some in a row.
What a restorer did to a person lasts.  So a person carries the flag of a measure where most of the
measured faces around do, for about a second, or where one face passes its limit twice over.  A face
that has neither keeps its own flag and band, as a fact about that picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from forensics.records import FACE_FLAGS, Band, FlagCode
from forensics.scoring.facts import SEVERITY, FaceFact
from forensics.scoring.held import HELD
from forensics.scoring.thresholds import ThresholdTable, shipped_thresholds

REACH_S: Final = 0.5  # before and after a face
REACH: Final = 2  # measured faces before and after, where fewer lie within the time
STRONG: Final = 2.0  # times the limit; true faces of recorded footage reach 1.7
LEAST_MEASURED: Final = 3  # in a shot; a photograph or two have nothing to be supported by


def alone(
    own: Iterable[FaceFact], table: ThresholdTable | None = None
) -> dict[int, frozenset[FlagCode]]:
    """Frame -> flags that the person's face carries there and most faces around do not.

    ``own``: all faces of one person.  Shots are looked at apart.
    """
    limits = table or shipped_thresholds()
    found: dict[int, set[FlagCode]] = {}
    shots: dict[int, list[FaceFact]] = {}
    for fact in own:
        shots.setdefault(fact.shot, []).append(fact)
    for faces in shots.values():
        faces.sort(key=lambda fact: fact.frame)
        for code in sorted({c for fact in faces for c in fact.flags if c in FACE_FLAGS}):
            for fact in _lonely([fact for fact in faces if code in fact.asked], code):
                if not _strong(fact, code, limits):
                    found.setdefault(fact.frame, set()).add(code)
    return {frame: frozenset(codes) for frame, codes in found.items()}


def _lonely(asked: Sequence[FaceFact], code: FlagCode) -> list[FaceFact]:
    """Faces that carry the flag without most of the measured ones around them."""
    count = len(asked)
    if count < LEAST_MEASURED:
        return []
    carries = np.array([code in fact.flags for fact in asked])
    before = np.concatenate([[0], np.cumsum(carries)])
    place = np.arange(count)
    first, last = np.maximum(place - REACH, 0), np.minimum(place + REACH, count - 1)
    times = [fact.pts_s for fact in asked]
    known = [t for t in times if t is not None]
    if len(known) == count and all(b > a for a, b in pairwise(known)):
        at = np.array(known)
        first = np.minimum(first, np.searchsorted(at, at - REACH_S))
        last = np.maximum(last, np.searchsorted(at, at + REACH_S, side="right") - 1)
    most = 2 * (before[last + 1] - before[first]) > last - first + 1
    return [asked[k] for k in np.flatnonzero(carries & ~most).tolist()]


def _strong(fact: FaceFact, code: FlagCode, limits: ThresholdTable) -> bool:
    """Whether the face passes the limit of a measure twice over; differences have no such ratio."""
    for rule in HELD:
        if rule.code != code or code == "identity_drift":
            continue
        pair = fact.contradicting.get(rule.measure) or fact.held_pair(code)
        if pair is not None:
            least = 0.0 if rule.least is None else limits[rule.least]
            if pair[0] > STRONG * max(pair[1], least):
                return True
    return False


def supported(own: Sequence[FaceFact], table: ThresholdTable | None = None) -> list[FaceFact]:
    """The faces of one person without the flags that stand alone, and with the band of the rest."""
    lonely = alone(own, table)
    return [_without(fact, lonely.get(fact.frame, frozenset())) for fact in own]


def _without(fact: FaceFact, codes: frozenset[FlagCode]) -> FaceFact:
    if not codes:
        return fact
    kept = tuple(code for code in fact.flags if code not in codes)
    held = tuple(one for one in fact.held if one[0] not in codes)
    fact = replace(fact, flags=kept, held=held)
    if fact.plain is None:
        return fact
    # Flags that stay keep their say: the band cannot fall below the worst of them.
    left = [code for code in kept if code in FACE_FLAGS and SEVERITY[code] != "note"]
    if any(SEVERITY[code] == "high" for code in left):
        return fact
    band, because = fact.plain
    worse: Band = "caution" if left and band != "high" else band
    reasons = because if worse == band else tuple(n for n in fact.because if n in left)
    return replace(fact, band=worse, because=reasons or because)

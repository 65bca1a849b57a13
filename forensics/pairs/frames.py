"""Pairs, frames: the map from source frames to the other's, why some have none, and its record."""

from __future__ import annotations

import numpy as np

from forensics.pairs.prints import Prints
from forensics.pairs.timing import TimeMap
from forensics.record_pair import FrameMap, Sureness

NOT_SHOWN = "no frame of the other shows it (dropped there)"
BEFORE = "the other begins later"
AFTER = "the other ends before"
NO_NAME = "no picture of the other has its name"
SOURCE_LOST = "the source's frame cannot be decoded"
BACKWARDS = "its picture in the other comes in another order than the source's"


def mapped_frames(
    named: dict[int, int] | None, times: TimeMap, prints: tuple[Prints, Prints]
) -> tuple[dict[int, int], dict[int, str], int]:
    """Source frame -> other frame, reasons for those without, and how many are shown repeatedly."""
    count = len(prints[0].small)
    if named is not None:
        frames = _forward(named)
        reasons = {
            n: BACKWARDS if n in named else NO_NAME for n in range(1, count + 1) if n not in frames
        }
        return frames, reasons, 0
    shown: dict[int, list[int]] = {}
    for j, i in enumerate(times.shows):
        if i >= 0:
            shown.setdefault(int(i) + 1, []).append(j + 1)
    frames = {}
    for i in sorted(shown):
        # Of several that show it the first that can be decoded; the order stays forward.
        decoded = [j for j in shown[i] if not prints[1].lost[j - 1]]
        frames[i] = (decoded or shown[i])[0]
    first, last = min(frames, default=count + 1), max(frames, default=0)
    reasons = {}
    for n in range(1, count + 1):
        if n in frames:
            continue
        if prints[0].lost[n - 1]:
            reasons[n] = SOURCE_LOST
        else:
            reasons[n] = BEFORE if n < first else AFTER if n > last else NOT_SHOWN
    return frames, reasons, sum(len(js) > 1 for js in shown.values())


def _forward(named: dict[int, int]) -> dict[int, int]:
    """The longest part of a map by name that never runs backwards."""
    items = sorted(named.items())
    tails: list[int] = []
    length = []
    for _, there in items:
        at = int(np.searchsorted(tails, there))
        length.append(at + 1)
        if at == len(tails):
            tails.append(there)
        else:
            tails[at] = there
    out, wanted, limit = {}, len(tails), np.inf
    for (here, there), long in zip(reversed(items), reversed(length), strict=True):
        if long == wanted and there < limit:
            out[here], limit, wanted = there, there, wanted - 1
    return dict(sorted(out.items()))


def frame_map(
    named: dict[int, int] | None,
    times: TimeMap,
    prints: tuple[Prints, Prints],
    frames: dict[int, int],
    repeated: int,
    place: Sureness,
) -> FrameMap:
    """The record of the map."""
    source, other = prints
    used = len(frames) if named is not None else int((times.shows >= 0).sum())
    offset = shift = None
    if source.timed and frames:
        first = min(frames, key=lambda n: frames[n])
        offset = float(source.pts_s[first - 1])
    if source.timed and other.timed and frames:
        late = [other.pts_s[j - 1] - source.pts_s[i - 1] for i, j in frames.items()]
        late = [x for x in late if np.isfinite(x)]
        shift = float(np.median(late)) if late else None
    return FrameMap(
        mapped=len(frames),
        unmapped=len(source.small) - len(frames),
        other_frames=len(other.small),
        other_unused=len(other.small) - used,
        repeated=repeated,
        rate_source=_rate(source),
        rate_other=_rate(other),
        offset_s=offset,
        time_shift_s=shift,
        by_name=named is not None,
        sure=_sure(named, times, len(other.small), place, source.timed and other.timed),
    )


def _rate(prints: Prints) -> float | None:
    if not prints.timed:
        return None
    times = prints.pts_s[~prints.lost]
    return float((len(times) - 1) / (times[-1] - times[0]))


LEVELS: tuple[tuple[Sureness, float, float], ...] = (("certain", 0.9, 0.3), ("likely", 0.5, 0.1))
"""Share of frames that the pictures alone must decide, without clocks and with clocks in both."""


def _sure(
    named: dict[int, int] | None, times: TimeMap, count: int, place: Sureness, clocks: bool
) -> Sureness:
    if place == "unsure":
        return "unsure"
    if named is not None or count == 1:
        return place
    for level, alone, with_clocks in LEVELS:
        if times.decided >= (with_clocks if clocks else alone):
            return place if level == "certain" else level
    return "unsure"

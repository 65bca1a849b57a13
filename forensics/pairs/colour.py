"""Pairs, colour: how the other's colours differ from the source's as a whole, and back again.

One gain and one offset a channel, fitted to softened pictures with Tukey's weights: a redrawn face
is left out because it does not lie on the line that the rest lies on, not because anybody found it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from forensics.pairs.grid import F64, U8, Lay, pair_readers, places_in, seen_part
from forensics.record_pair import ColourChange, Sureness

Edges = tuple[float, float, float, float]

COLUMNS: Final = 96
_DARK, _BRIGHT = 6.0, 249.0  # beyond, a value may have been cut off and says nothing
_LEAST_SAMPLES: Final = 200
_TUKEY: Final = 4.685
_LEAST_NOISE: Final = 0.7
_ROUNDS: Final = 12
_GAINS: Final = (0.3, 3.0)
CERTAIN_SPREAD: Final = 12.0
"""Spread of the source's levels, grey, from which a gain can be told from an offset."""


@dataclass(frozen=True)
class ColourPair:
    """Two frames of one time: RGB (H, W, 3) uint8 of source and other."""

    source: U8
    other: U8


def find_colour(pairs: Sequence[ColourPair], lay: Lay, content: Edges) -> ColourChange | None:
    """Gain and offset of each channel, or None where they cannot be told: nothing is guessed."""
    seen, shown = [], []
    for pair in pairs:
        sizes = (_size(pair.source), _size(pair.other))
        part = seen_part(lay, sizes[0], content)
        step = max(1.0, 1 / lay.scale_x, 1 / lay.scale_y, (part[2] - part[0]) / COLUMNS)
        read_source, read_other = pair_readers(places_in(part, step), lay, sizes, 1.0)
        inner = (slice(2, -2), slice(2, -2))
        seen.append(np.stack([read_source(pair.source[..., c])[inner] for c in range(3)], -1))
        shown.append(np.stack([read_other(pair.other[..., c])[inner] for c in range(3)], -1))
    if not seen:
        return None
    s = np.concatenate([plane.reshape(-1, 3) for plane in seen]).astype(np.float64)
    o = np.concatenate([plane.reshape(-1, 3) for plane in shown]).astype(np.float64)
    within = ((s > _DARK) & (s < _BRIGHT) & (o > _DARK) & (o < _BRIGHT)).all(axis=1)
    if within.sum() < _LEAST_SAMPLES:
        return None
    return _fitted(s[within], o[within])


def _size(picture: U8) -> tuple[int, int]:
    return picture.shape[1], picture.shape[0]


def _fitted(s: F64, o: F64) -> ColourChange | None:
    """Reweighted least squares; a place that is odd in one channel is odd in all."""
    weight = np.ones(len(s))
    gain, offset = np.ones(3), np.zeros(3)
    rest = o - s
    for _ in range(_ROUNDS):
        total = weight.sum()
        ms, mo = weight @ s / total, weight @ o / total
        variance = weight @ (s - ms) ** 2 / total
        shared = weight @ ((s - ms) * (o - mo)) / total
        # Levels that hardly differ cannot tell gain from offset.
        gain = np.where(variance > 4.0, shared / np.maximum(variance, 1e-9), 1.0)
        offset = mo - gain * ms
        rest = o - gain * s - offset
        odd = np.abs(rest).max(axis=1)
        noise = max(_LEAST_NOISE, 1.4826 * float(np.median(odd)))
        weight = np.square(np.clip(1 - np.square(odd / (_TUKEY * noise)), 0, None))
    kept = weight > 0.05
    residual = float(np.sqrt(np.mean(rest[kept] ** 2)))
    sure = _sure(float(s[kept].std(axis=0).min()), float(kept.mean()), residual)
    if sure == "unsure" or gain.min() < _GAINS[0] or gain.max() > _GAINS[1]:
        return None  # taking a guess out would change the picture that is scored
    return ColourChange(
        gain_rgb=_three(gain),
        offset_rgb=_three(offset),
        residual_grey=residual,
        sure=sure,
    )


def _three(values: F64) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _sure(spread: float, kept: float, residual: float) -> Sureness:
    levels: dict[Literal["certain", "likely"], tuple[float, float, float]] = {
        "certain": (CERTAIN_SPREAD, 0.7, 6.0),
        "likely": (6.0, 0.5, 12.0),
    }
    for name, (least_spread, least_kept, most_rest) in levels.items():
        if spread >= least_spread and kept >= least_kept and residual <= most_rest:
            return name
    return "unsure"


def without_colour_change(rgb_u8: U8, change: ColourChange | None) -> U8:
    """The other's picture (H, W, 3) in the source's colours, rounded to the nearest level.

    Values that the change cut off (below 0 or above 255) stay cut off.
    """
    if change is None:
        return rgb_u8
    gain, offset = np.array(change.gain_rgb), np.array(change.offset_rgb)
    levels = np.arange(256)[:, None]
    safe = np.where(np.abs(gain) < 1e-3, 1.0, gain)
    table = np.clip(np.rint((levels - offset) / safe), 0, 255).astype(np.uint8)
    planes = [table[rgb_u8[..., channel], channel] for channel in range(3)]
    return np.stack(planes, axis=-1)

"""Calibration, figures: how well a risk ranks and how honest its probabilities are.

Every function takes labels ``y`` (N,) of 0 and 1 and numbers (N,), and optional weights (B, N), one
row a resample, and gives (B,) figures, so that a bootstrap is one call.  Resamples draw people, not
faces: faces of one person are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import beta

F64 = NDArray[np.float64]
BINS = 15
RESAMPLES = 2000
SEED = 20261123
_LEAST = 1e-6


def one(y: F64) -> F64:
    """The weights of no resampling: (1, N)."""
    return np.ones((1, len(y)))


def resamples(people: Sequence[str], count: int = RESAMPLES, seed: int = SEED) -> F64:
    """Weights (count, N): how often a face's person was drawn, people drawn with replacement."""
    names, index = np.unique(np.array(people), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=count)
    return drawn[:, index].astype(np.float64)


def auroc(y: F64, score: F64, weights: F64 | None = None) -> F64:
    """Chance that an erred face scores above an accurate one, ties count half; NaN without both."""
    w = one(y) if weights is None else weights
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    erred = np.add.reduceat((w * y)[:, order], starts, axis=1)
    accurate = np.add.reduceat((w * (1 - y))[:, order], starts, axis=1)
    below = np.cumsum(accurate, 1) - accurate
    pairs = erred.sum(1) * accurate.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((erred * (below + accurate / 2)).sum(1) / pairs)


def auprc(y: F64, score: F64, weights: F64 | None = None) -> F64:
    """Average precision: precision at each threshold, weighted by the recall it adds."""
    w = one(y) if weights is None else weights
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) < 0])
    erred = np.add.reduceat((w * y)[:, order], starts, axis=1)
    everyone = np.cumsum(np.add.reduceat(w[:, order], starts, axis=1), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(everyone > 0, np.cumsum(erred, 1) / everyone, 0.0)
        return np.asarray((precision * erred).sum(1) / erred.sum(1))


def brier(y: F64, p: F64, weights: F64 | None = None) -> F64:
    """Mean squared difference of probability and outcome."""
    w = one(y) if weights is None else weights
    return np.asarray(w @ ((p - y) ** 2) / w.sum(1))


def share_interval(share: float, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share (Clopper and Pearson 1934), as of ``trials`` independent ones.

    Holds at 0 and at 1, where resampling says that nothing is uncertain.
    """
    if trials < 1:
        raise ValueError("an interval needs a trial")
    hits, tail = share * trials, (1 - level) / 2
    low = float(beta.ppf(tail, hits, trials - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, trials - hits)) if hits < trials else 1.0
    return low, high


def bins_of(p: F64, count: int = BINS) -> NDArray[np.intp]:
    """Bin of each face, ``count`` bins of equal mass; faces of one probability share a bin."""
    order = np.argsort(p, kind="stable")
    place = np.empty(len(p), np.intp)
    place[order] = np.arange(len(p)) * count // max(len(p), 1)
    _, index = np.unique(p, return_inverse=True)
    first = np.full(index.max() + 1, count, np.intp)
    np.minimum.at(first, index, place)
    return np.asarray(first[index], np.intp)


def reliability(y: F64, p: F64) -> list[tuple[float, float, int]]:
    """Mean probability, share that erred, and faces, for each bin in order."""
    bins = bins_of(p)
    rows = []
    for k in np.unique(bins):
        here = bins == k
        rows.append((float(p[here].mean()), float(y[here].mean()), int(here.sum())))
    return rows


def ece(y: F64, p: F64, weights: F64 | None = None, *, debiased: bool = True) -> F64:
    """Expected calibration error over bins of equal mass.

    ``debiased`` takes away what chance alone gives in bins of this size when every probability is
    right (the mean of a half-normal with the binomial's variance), and never goes below 0.
    """
    w = one(y) if weights is None else weights
    bins = bins_of(p)
    total, error = w.sum(1), np.zeros(len(w))
    for k in np.unique(bins):
        here = w[:, bins == k]
        mass = np.maximum(here.sum(1), _LEAST)
        mean = here @ p[bins == k] / mass
        gap = np.abs(here @ y[bins == k] / mass - mean)
        # Repeats of a resample carry no news: the variance is that of the distinct faces.
        count = int((bins == k).sum())
        chance = np.sqrt(2 / np.pi * np.clip(mean * (1 - mean), 0, None) / count)
        error += mass / total * (gap - chance if debiased else gap)
    return np.maximum(error, 0.0)


def cllr(y: F64, p: F64, prior: float, weights: F64 | None = None) -> F64:
    """Cost of the log likelihood ratio in bits (Brummer and du Preez 2006); 1 says nothing.

    ``prior`` is the prevalence where the probabilities were calibrated.
    """
    w = one(y) if weights is None else weights
    q = np.clip(p, _LEAST, 1 - _LEAST)
    ratio = q / (1 - q) * (1 - prior) / prior
    erred, accurate = w * y, w * (1 - y)
    with np.errstate(invalid="ignore", divide="ignore"):
        missed = erred @ np.log2(1 + 1 / ratio) / erred.sum(1)
        false = accurate @ np.log2(1 + ratio) / accurate.sum(1)
    return np.asarray((missed + false) / 2)


def isotonic(y: F64, score: F64, weights: F64 | None = None) -> tuple[F64, F64]:
    """The rising steps that fit best: distinct scores in order, and the share at each.

    ``weights`` (N,); faces of one score are pooled first, faces of weight 0 left out.
    """
    w = np.ones(len(y)) if weights is None else weights
    scores, index = np.unique(score, return_inverse=True)
    mass = np.bincount(index, w)
    kept = mass > 0
    share = np.bincount(index, w * y)[kept] / mass[kept]
    return scores[kept], np.asarray(isotonic_regression(share, weights=mass[kept]).x, np.float64)


def cllr_min(y: F64, score: F64) -> float:
    """What `cllr` would be after the best monotone calibration on these very faces."""
    scores, values = isotonic(y, score)
    best = values[np.searchsorted(scores, score)]
    return float(cllr(y, best, float(y.mean()))[0])


def risk_coverage(y: F64, score: F64) -> tuple[F64, F64]:
    """Coverage and the share that erred among the faces of least risk up to there, both (N,)."""
    ordered = y[np.argsort(score, kind="stable")]
    count = np.arange(1, len(y) + 1)
    return count / len(y), np.cumsum(ordered) / count


def interval(values: F64, share: float = 0.95) -> tuple[float, float]:
    """Percentile interval of resamples; those without a figure (one class only) are left out."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)

"""Traces, fit: a logistic sum of differences, held back by a ridge, folds by person."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forensics.scoring.traces import cut, read_differences
from forensics.scoring.traces_table import MOST_SPREADS, shipped_traces
from training.traces.scenes import Studio, photos

F64 = NDArray[np.float64]
RIDGE, FOLDS, ROUNDS = 20.0, 5, 30
HIGHEST = 3.0  # what the highest untouched sample of other folds reads
SAYS = "python -m training.traces; people of fit and train, nobody of val or cal"
log = logging.getLogger(__name__)


class Row(NamedTuple):
    """One sample: what it is, and its differences by name."""

    person: str
    kind: str
    restored: bool
    post: str
    size_px: float
    family: str
    differences: dict[str, float]


def rows(data: Path, groups: tuple[str, ...], people: int, seed: int) -> list[Row]:
    """Film people of the groups and read every sample that can be read."""
    studio, found = Studio(data), []
    for number, photo in enumerate(photos(data, groups, seed)[:people]):
        rng = np.random.default_rng([seed, number])
        for scene in studio.film(photo, rng):
            for s in studio.samples(scene, rng):
                read = read_differences(*cut(s.rgb_u8, s.affine))
                if read is not None:
                    head = (photo.person, s.kind, s.restored, s.post, scene.size_px)
                    found.append(Row(*head, scene.known.family, read))
        if number % 10 == 0:
            log.info("%d people, %d samples", number + 1, len(found))
    return found


def fit(found: list[Row]) -> dict[str, Any]:
    """The table as JSON: one sum for the oval alone, one for the head with hair.

    Each is shifted so that the highest untouched sample, scored by the folds it is not in, reads
    `HIGHEST`.  The head's sum sees only what lies beyond the template's square, because hair and
    ears are drawn too.
    """
    hair = np.array(["hair" in row.kind for row in found])
    restored = np.array([row.restored for row in found])
    names = sorted({name for row in found for name in row.differences})
    far = [name for name in names if name.endswith("_far")]
    return {
        "version": "1",
        "says": SAYS,
        "people": len({row.person for row in found}),
        "samples": {"untouched": int((~restored).sum()), "restored": int(restored.sum())},
        "sums": {
            "oval": _sum([row for row, out in zip(found, hair, strict=True) if not out], names),
            "head": _sum([r for r, h in zip(found, hair, strict=True) if h or not r.restored], far),
        },
    }


def _sum(found: list[Row], names: list[str]) -> dict[str, Any]:
    """One weighted sum, with what untouched people of other folds score."""
    given = np.array([[row.differences.get(n, np.nan) for n in names] for row in found])
    restored = np.array([row.restored for row in found])
    people = sorted({row.person for row in found})
    fold = np.array([people.index(row.person) % FOLDS for row in found])
    held = np.zeros(len(found))
    for k in range(FOLDS):
        usual, spread, weights = _solve(given[fold != k], restored[fold != k])
        held[fold == k] = _away(given[fold == k], usual, spread) @ weights[:-1] + weights[-1]
    shift = HIGHEST - float(held[~restored].max())
    held += shift
    usual, spread, weights = _solve(given, restored)
    told = held[restored] > HIGHEST
    log.info("%d differences: %.2f of restored above every untouched", len(names), told.mean())
    return {
        "untouched_other_folds": {
            f"p{q:g}": round(float(np.percentile(held[~restored], q)), 3)
            for q in (50, 95, 99, 99.8, 100)
        },
        "constant": round(float(weights[-1]) + shift, 5),
        "weights": {
            name: {
                "usual": round(float(usual[k]), 5),
                "spread": round(float(spread[k]), 5),
                "weight": round(float(weights[k]), 5),
            }
            for k, name in enumerate(names)
        },
    }


def _away(given: F64, usual: F64, spread: F64) -> F64:
    """Differences in spreads from what is usual; one that could not be read is usual."""
    away = np.clip((given - usual) / spread, -MOST_SPREADS, MOST_SPREADS)
    return np.asarray(np.where(np.isnan(away), 0.0, away), np.float64)


def _solve(given: F64, restored: NDArray[np.bool_]) -> tuple[F64, F64, F64]:
    """Usual values, spreads, and the weights with the constant last (Newton's method)."""
    usual, spread = np.nanmedian(given, 0), np.nanstd(given, 0) + 1e-6
    design = np.hstack([_away(given, usual, spread), np.ones((len(given), 1))])
    share = float(restored.mean())
    counts = np.where(restored, 0.5 / share, 0.5 / (1 - share))  # both sides count alike
    ridge = np.eye(design.shape[1]) * RIDGE
    ridge[-1, -1] = 0
    weights = np.zeros(design.shape[1])
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (counts * (chance - restored)) + ridge @ weights
        bend = (design.T * (counts * chance * (1 - chance))) @ design + ridge
        step = np.linalg.solve(bend, slope)
        weights = weights - step
        if float(np.abs(step).max()) < 1e-5:
            break
    return usual, spread, weights


def scored(found: list[Row]) -> list[dict[str, Any]]:
    """What each sample scores with the shipped table."""
    table = shipped_traces()
    return [
        {**{k: v for k, v in row._asdict().items() if k != "differences"},
         "score": round(table.score(row.differences), 3)}
        for row in found
    ]  # fmt: skip

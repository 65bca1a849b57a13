"""Scoring, toggling: does a drawn attribute come and go while the footage stays the same?

A hidden Markov model of two states (drawn, not drawn) over the faces of one person; a switch counts
where both sides are more than 90 % sure.  The measure is already a difference from the footage, so
somebody who takes glasses off in front of the camera does not toggle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

SURE = 0.9
SWITCH = 0.02  # chance of a switch from one face to the next, before looking
_STEEP = 6.0  # log-odds at twice the limit; bounded, so that one face alone does not decide
_BOUND = 2.5


@dataclass(frozen=True)
class Toggling:
    """In how many of the faces it differs from the footage, and how often that changes."""

    drawn: int
    faces: int
    switches: int

    @property
    def words(self) -> str:
        """For a reader."""
        return f"so in {self.drawn} of {self.faces} faces, with {self.switches} switches between"


def find_toggling(values: Sequence[float], limit: float) -> Toggling | None:
    """Two switches or more in a person's values, in order of time; None otherwise.

    ``limit`` is the value from which the attribute counts as drawn, > 0.
    """
    if len(values) < 3:
        return None
    odds = np.clip(_STEEP * (np.asarray(values, float) / limit - 1), -_BOUND, _BOUND)
    drawn = _posterior(odds)
    sure = [p > SURE for p in drawn if p > SURE or p < 1 - SURE]
    switches = int(sum(a != b for a, b in pairwise(sure)))
    if switches < 2:
        return None
    return Toggling(int((drawn > 0.5).sum()), len(values), switches)


def _posterior(log_odds: np.ndarray) -> np.ndarray:
    """Chance of the state "drawn" for each face (forwards and backwards), (N,)."""
    likelihood = np.stack([np.ones_like(log_odds), np.exp(log_odds)], 1)
    move = np.array([[1 - SWITCH, SWITCH], [SWITCH, 1 - SWITCH]])
    count = len(log_odds)
    forward, backward = np.zeros((count, 2)), np.ones((count, 2))
    belief = np.array([0.5, 0.5])
    for k in range(count):
        belief = (move.T @ belief if k else belief) * likelihood[k]
        belief = belief / belief.sum()
        forward[k] = belief
    for k in range(count - 2, -1, -1):
        later = move @ (backward[k + 1] * likelihood[k + 1])
        backward[k] = later / later.sum()
    both = forward * backward
    return np.asarray(both[:, 1] / both.sum(1))

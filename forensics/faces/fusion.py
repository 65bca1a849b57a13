"""Detection, one answer of several views: the same frame seen smaller, or mirrored.

A face that one view finds hardly, another often finds; what only looks like a face seldom does so
in all of them.  Boxes of different views that lie on one another become one box, and the score is
the mean over all views, 0 in a view that did not see it.  Weighted boxes fusion: Solovyev, Wang and
Gabruseva 2021, "Weighted boxes fusion: Ensembling boxes from different object detection models".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from forensics.records import Detection

F64 = NDArray[np.float64]


@dataclass(eq=False)
class _Pile:
    """Boxes of different views that are one face."""

    numbers: F64  # (14,): the mean box and five points so far, weighted by score
    views: set[int] = field(default_factory=set)
    parts: list[Detection] = field(default_factory=list)

    def add(self, view: int, part: Detection) -> None:
        self.views.add(view)
        self.parts.append(part)
        weights = [p.score for p in self.parts]
        self.numbers = np.average([_numbers(p) for p in self.parts], axis=0, weights=weights)


def fuse(
    answers: Sequence[Sequence[Detection]], *, overlap_min: float, score_min: float
) -> list[Detection]:
    """The faces of one frame from what each view found, all in px of the frame; best score first.

    ``overlap_min``: IoU from which boxes of two views are one face. ``score_min``: least mean score
    over all views. Scores must be above 0. A view counts once for a face: a second box of it on the
    same place is a double and is left out. With one view the boxes come back as they are.
    """
    found = [(part, view) for view, parts in enumerate(answers) for part in parts]
    found.sort(key=lambda pair: -pair[0].score)
    piles: list[_Pile] = []
    for part, view in found:
        numbers = _numbers(part)
        near = [(overlap(pile.numbers, numbers), pile) for pile in piles]
        near = [(shared, pile) for shared, pile in near if shared >= overlap_min]
        open_ones = [(shared, pile) for shared, pile in near if view not in pile.views]
        if open_ones:
            max(open_ones, key=lambda pair: pair[0])[1].add(view, part)
        elif not near:
            pile = _Pile(numbers)
            pile.add(view, part)
            piles.append(pile)
    faces = [_face(pile, len(answers)) for pile in piles]
    return sorted((f for f in faces if f.score >= score_min), key=lambda f: -f.score)


def unmirrored(part: Detection, width_px: float) -> Detection:
    """A detection in the mirror image of a picture ``width_px`` wide, as it lies in the picture."""
    x0, y0, x1, y1 = part.box_px
    last = width_px - 1
    eye_r, eye_l, nose, mouth_r, mouth_l = ((last - x, y) for x, y in part.landmarks_px)
    return replace(
        part,
        box_px=(last - x1, y0, last - x0, y1),
        landmarks_px=(eye_l, eye_r, nose, mouth_l, mouth_r),
    )


def _numbers(part: Detection) -> F64:
    return np.array([*part.box_px, *np.ravel(part.landmarks_px)], np.float64)


def _face(pile: _Pile, views: int) -> Detection:
    score = sum(part.score for part in pile.parts) / views
    if len(pile.parts) == 1:
        return replace(pile.parts[0], score=score)
    x0, y0, x1, y1, *rest = pile.numbers.tolist()
    five = [(rest[k], rest[k + 1]) for k in range(0, 10, 2)]
    return Detection((x0, y0, x1, y1), (five[0], five[1], five[2], five[3], five[4]), score)


def overlap(a: F64, b: F64) -> float:
    """IoU of two boxes; the first four numbers of each are x0 y0 x1 y1."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:4], b[2:4])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    whole = float(np.prod(a[2:4] - a[:2]) + np.prod(b[2:4] - b[:2])) - shared
    return shared / max(whole, 1e-9)

"""Known answers, kinds: which edit, at which sizes, who should see it, and from which size on.

A gate is stated from the cards and thresholds, before recall is looked at: what the measure says it
needs, turned into a size.  Below it misses are counted and printed, and nothing is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.records import FlagCode
from tests.known_answers import paint, pairs, texture, warp
from tests.known_answers.footage import Filmed
from tests.known_answers.truths import IRIS_RADIUS_PX, U8, Truth

# Looked at by eye: who already wears or has what would be painted.
GLASSES = frozenset({"hopper", "P0155", "P0559", "P0290", "P0504"})
FACIAL_HAIR = frozenset({"P0255", "P0527", "P0508"})


@dataclass(frozen=True)
class Case:
    """What an edit may use: the filmed truth, another person's, the size, and a seed."""

    filmed: Filmed
    other: Truth
    size: float
    seed: int

    @property
    def rgb_u8(self) -> U8:
        """The truth's template picture (512, 512, 3)."""
        return self.filmed.truth.rgb_u8


@dataclass(frozen=True)
class Kind:
    """One kind of edit.

    ``flags`` are right answers (any of them counts as seen), ``names`` the one that says what it
    is; ``asks`` the measures to take.  ``above``: measures whose 99th percentile counts too.
    ``gate(size, eye distance in px)``: whether it must be seen.  ``unseen_by``: measures that must
    not see it.  ``by_footage``: the edit depends on the footage and is made on its own alignment.
    ``refilm``: the edit is of the footage; frame and affine to the template.
    """

    name: str
    unit: str
    sizes: tuple[float, ...]
    edit: Callable[[Case], U8]
    asks: tuple[str, ...]
    flags: tuple[FlagCode, ...]
    gate: Callable[[float, float], bool]
    gate_words: str
    names: FlagCode | None = None
    above: tuple[str, ...] = ()
    unseen_by: tuple[str, ...] = ()
    by_footage: bool = False
    refilm: Callable[[Case], tuple[U8, NDArray[np.float64]]] | None = None
    not_on: frozenset[str] = frozenset()


def _points(case: Case) -> tuple[U8, warp.Points]:
    return case.rgb_u8, case.filmed.truth.points_px


STRUCTURE = ("landmark_shift", "contradiction")
MOVED_WORDS = "8 % from 16 px between the eyes: what `structure_least` lets pass reads under 8 %"


def moved_far(percent: float, interocular_px: float) -> bool:
    """Whether a part moved far enough that `structure_shift` must see it."""
    return percent >= 8 and interocular_px >= 16


KINDS: tuple[Kind, ...] = (
    Kind(
        "glasses painted", "line, % of the eye distance", (2.0, 4.0, 6.0),
        lambda c: paint.glasses(*_points(c), c.size, 1.0),
        ("glasses", "contradiction"), ("glasses", "contradicts_footage"),
        lambda size, iod: size / 100 * iod >= 0.5,
        "the line covers at least half a pixel of the footage",
        names="glasses", not_on=GLASSES,
    ),
    Kind(
        "glasses, half transparent", "line, % of the eye distance", (4.0, 6.0),
        lambda c: paint.glasses(*_points(c), c.size, 0.5),
        ("glasses", "contradiction"), ("glasses", "contradicts_footage"),
        lambda size, iod: size / 100 * iod >= 1.0,
        "the line covers at least one pixel of the footage",
        names="glasses", not_on=GLASSES,
    ),
    Kind(
        "moustache painted", "opacity", (0.3, 0.6, 0.9),
        lambda c: paint.moustache(*_points(c), c.size, c.seed),
        ("facial_hair", "contradiction"), ("facial_hair", "contradicts_footage"),
        lambda size, iod: size >= 0.6 and iod >= 16,
        "opacity 0.6 and 16 px between the eyes",
        names="facial_hair", not_on=FACIAL_HAIR,
    ),
    Kind(
        "beard painted", "opacity", (0.3, 0.6, 0.9),
        lambda c: paint.beard(*_points(c), c.size, c.seed),
        ("facial_hair", "contradiction"), ("facial_hair", "contradicts_footage"),
        lambda size, iod: size >= 0.6 and iod >= 16,
        "opacity 0.6 and 16 px between the eyes",
        names="facial_hair", not_on=FACIAL_HAIR,
    ),
    Kind(
        "one iris recoloured", "dE2000", (10.0, 20.0, 30.0),
        lambda c: paint.iris_recoloured(c.rgb_u8, c.filmed.truth.irises_px, c.size, c.seed),
        ("iris_delta",), ("eye_colour",),
        lambda size, iod: size >= 20 and iod * IRIS_RADIUS_PX / 125.92 >= 3.0,
        "dE 20 and an iris of 3 px radius in the footage",
        names="eye_colour", not_on=GLASSES,
    ),
    Kind(
        "jaw widened", "% of its width", (2.0, 4.0, 8.0),
        lambda c: warp.jaw_widened(*_points(c), c.size),
        STRUCTURE, ("structure_shift", "contradicts_footage"), moved_far, MOVED_WORDS,
        names="structure_shift",
    ),
    Kind(
        "face widened", "%", (4.0, 8.0),
        lambda c: warp.face_widened(*_points(c), c.size),
        STRUCTURE, ("structure_shift", "contradicts_footage"), moved_far, MOVED_WORDS,
        names="structure_shift",
    ),
    Kind(
        "one eye moved", "% of the eye distance", (2.0, 4.0, 8.0),
        lambda c: warp.eye_moved(*_points(c), c.size, c.seed),
        STRUCTURE, ("structure_shift", "contradicts_footage"), moved_far, MOVED_WORDS,
        names="structure_shift",
    ),
    Kind(
        "mouth moved", "% of the eye distance", (2.0, 4.0, 8.0),
        lambda c: warp.mouth_moved(*_points(c), c.size, c.seed),
        STRUCTURE, ("structure_shift", "contradicts_footage"), moved_far, MOVED_WORDS,
        names="structure_shift",
    ),
    Kind(
        "texture of another face", "times its own", (1.0, 2.0, 4.0),
        lambda c: texture.nullspace_splice(
            c.filmed.face.restored_rgb_u8,
            c.filmed.laid(c.other.rgb_u8),
            c.filmed.face.scale,
            c.size,
        ),
        ("contradiction", "invented_detail"), (),
        lambda size, iod: size >= 4 and iod <= 40,
        "four times the other's texture, at most 40 px between the eyes",
        above=("invented_detail",), unseen_by=("contradiction",), by_footage=True,
    ),
    Kind(
        "hair grid of 8 px", "amplitude, grey levels", (4.0, 8.0, 16.0),
        lambda c: texture.hair_lattice(c.rgb_u8, 8.0, c.size),
        ("hair_grid",), ("hair_grid",),
        lambda size, iod: size >= 16, "amplitude 16", names="hair_grid",
    ),
    Kind(
        "hair grid of 4 px", "amplitude, grey levels", (4.0, 8.0, 16.0),
        lambda c: texture.hair_lattice(c.rgb_u8, 4.0, c.size),
        ("hair_grid",), ("hair_grid",),
        lambda size, iod: size >= 16, "amplitude 16", names="hair_grid",
    ),
    Kind(
        "identity replaced", "share of the other face", (0.5, 0.75, 1.0),
        lambda c: pairs.identity_replaced(c.filmed.truth, c.other, c.size),
        ("contradiction", "identity_drift"), ("identity_drift", "contradicts_footage"),
        lambda size, iod: size >= 1.0 and iod >= 16,
        "the whole face, 16 px between the eyes",
        names="identity_drift",
    ),
    Kind(
        "restored twice", "enlargement of the earlier restoration", (1.0, 2.0),
        lambda c: c.rgb_u8,
        (), ("restored_twice",),
        lambda size, iod: iod >= 16, "16 px between the eyes",
        names="restored_twice",
        refilm=lambda c: pairs.restored_before(c.filmed, int(c.size)),
    ),
    Kind(
        "pair mismatched", "another photograph", (1.0,),
        lambda c: pairs.mismatched(c.other, c.seed),
        ("contradiction", "identity_drift", "pair_likeness"),
        ("mismatched_pair", "contradicts_footage"),
        lambda size, iod: iod >= 12, "12 px between the eyes", names="mismatched_pair",
    ),
    Kind(
        "pair shifted in time", "head moved by % of the eye distance", (4.0, 8.0, 16.0),
        lambda c: pairs.shifted_in_time(*_points(c), c.size, c.seed),
        ("contradiction", "pair_likeness"), ("mismatched_pair", "contradicts_footage"),
        lambda size, iod: size / 100 * iod >= 2.5,
        "moves the head by 1.5 px of the footage beyond the 1 px that registration forgives",
        names="mismatched_pair",
    ),
)  # fmt: skip

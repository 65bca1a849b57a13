"""Restore, other faces that fit: pictures that shrink to the same pixels of the footage.

Pure functions: which answers to draw for a crop, how an answer is brought back to the footage
(``r <- r + up(y - down(r))``, repeated), which four of them differ most, and whether they differ
at all.  Promise: the same crop gives the same choice; what is brought back disagrees with the
footage by no more than its noise, or says by how much it does.

Four of many: what is drawn are samples of one small network, not the range of what is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.restore.restorer import F32, TEMPLATE_PX, U8

Bool = NDArray[np.bool_]
F64 = NDArray[np.float64]

CANDIDATES: Final = 8
SHOWN: Final = 4
LETTERS: Final = "abcd"
MOST_ROUNDS: Final = 24
_NO_BETTER: Final = 0.002  # of the residual, gained in one round: further rounds change nothing


@dataclass(frozen=True)
class Footage:
    """A face as the footage holds it and what the footage did to it.

    ``native_rgb_u8`` (h, h, 3); ``mask`` (h, h) is where the residual counts; ``soft`` blurs a
    picture (h, h, 3) float32 as the footage is blurred; ``shift_px`` in native px; ``gain`` and
    ``offset_grey`` of each channel; ``floor_grey``: a root mean square that is the footage's own
    noise.
    """

    native_rgb_u8: U8
    mask: Bool
    soft: Callable[[F32], F32]
    shift_px: tuple[float, float]
    gain: tuple[float, float, float]
    offset_grey: tuple[float, float, float]
    floor_grey: float

    def __post_init__(self) -> None:
        side = self.native_rgb_u8.shape[0]
        if self.native_rgb_u8.shape != (side, side, 3) or self.native_rgb_u8.dtype != np.uint8:
            raise ValueError(
                f"native_rgb_u8 must be (h, h, 3) uint8, is {_kind(self.native_rgb_u8)}"
            )
        if self.mask.shape != (side, side) or not self.mask.any():
            raise ValueError(f"mask must be ({side}, {side}) and hold a pixel")
        if self.floor_grey <= 0 or min(self.gain) <= 0:
            raise ValueError("floor and gains must be above 0")


@dataclass(frozen=True)
class Projected:
    """A picture brought back to the footage, and how far it still disagrees with it."""

    rgb_u8: U8
    residual_grey: float
    rounds: int


def shrink(picture: F32, footage: Footage) -> F32:
    """What the footage would have made of a picture (512, 512, 3) in grey levels: (h, h, 3)."""
    side = footage.native_rgb_u8.shape[0]
    how = cv2.INTER_AREA if side < TEMPLATE_PX else cv2.INTER_CUBIC
    small = cv2.resize(picture, (side, side), interpolation=how)
    small = footage.soft(_shifted(np.asarray(small, np.float32), *footage.shift_px))
    gain, offset = np.array(footage.gain, np.float32), np.array(footage.offset_grey, np.float32)
    return np.asarray(small * gain + offset, np.float32)


def enlarge(residual: F32, footage: Footage) -> F32:
    """A residual of the footage (h, h, 3) on the template (512, 512, 3), shift and gain undone."""
    dx, dy = footage.shift_px
    part = _shifted(np.asarray(residual / np.array(footage.gain, np.float32)), -dx, -dy)
    size = (TEMPLATE_PX, TEMPLATE_PX)
    how = cv2.INTER_CUBIC if part.shape[0] <= TEMPLATE_PX else cv2.INTER_AREA
    return np.asarray(cv2.resize(part, size, interpolation=how), np.float32)


def project(picture: F32, footage: Footage, most: int = MOST_ROUNDS) -> Projected:
    """Bring a picture (512, 512, 3) float32 in grey levels back to the footage.

    Rounds of ``r + up(y - down(r))`` until the residual within the mask is the footage's noise, or
    no round lowers it any more.  The last round goes only as far as the noise: beyond it the
    picture would take over the footage's grain and the traces of its codec.  The result is what is
    left after rounding to uint8.
    """
    if picture.shape != (TEMPLATE_PX, TEMPLATE_PX, 3):
        raise ValueError(f"picture must be (512, 512, 3), is {_kind(picture)}")
    seen = footage.native_rgb_u8.astype(np.float32)
    here = np.clip(picture.astype(np.float32), 0, 255)
    left = seen - shrink(here, footage)
    rms, rounds = _rms(left, footage.mask), 0
    while rounds < most and rms > footage.floor_grey:
        added = enlarge(left, footage)
        tried = np.clip(here + added, 0, 255)
        after = seen - shrink(tried, footage)
        now = _rms(after, footage.mask)
        if now < footage.floor_grey:
            share = _share(left, after, footage)
            tried = np.clip(here + np.float32(share) * added, 0, 255)
            after = seen - shrink(tried, footage)
            now = _rms(after, footage.mask)
        if now > rms * (1 - _NO_BETTER):
            break
        here, left, rms, rounds = tried, after, now, rounds + 1
    rgb_u8 = np.rint(here).astype(np.uint8)
    return Projected(
        rgb_u8, _rms(seen - shrink(rgb_u8.astype(np.float32), footage), footage.mask), rounds
    )


def _share(before: F32, after: F32, footage: Footage) -> float:
    """How far to go from one residual towards another, to end at the noise: 0..1.

    The residual is linear in the step as long as nothing is clipped, so its square is a parabola.
    """
    a, b = before[footage.mask].astype(np.float64), after[footage.mask].astype(np.float64)
    step = b - a
    square, mixed = float(np.square(step).mean()), float((a * step).mean())
    rest = float(np.square(a).mean()) - footage.floor_grey**2
    root = mixed * mixed - square * rest
    if square <= 0 or root < 0:
        return 1.0
    return float(np.clip((-mixed - root**0.5) / square, 0.0, 1.0))


def within_face(own: F32, answers: F32, mask: F32) -> F32:
    """Answers (N, 512, 512, 3) that differ from the own one (512, 512, 3) inside ``mask`` alone.

    ``mask`` (512, 512) float32 in 0..1, feathered.
    """
    return np.asarray(own + mask[..., None] * (answers - own), np.float32)


def draw_weights(crop_sha256: str, directions: int, count: int = CANDIDATES) -> F32:
    """Where to look for other faces of a crop: (count, directions) of unit length.

    Pairs of opposite points along orthogonal axes, turned at random by the crop's digest, so that
    no two lie close together.  Raises ``ValueError`` when ``count`` is odd or above twice the
    number of directions.
    """
    if count % 2 or not 0 < count <= 2 * directions:
        raise ValueError(f"count must be even and at most {2 * directions}, is {count}")
    draw = np.random.default_rng(int(crop_sha256[:16], 16))
    axes, upper = np.linalg.qr(draw.normal(size=(directions, directions)))
    axes = axes * np.where(np.diag(upper) < 0, -1.0, 1.0)  # one of the two valid signs
    half = axes.T[: count // 2]
    return np.concatenate([half, -half]).astype(np.float32)


def pick_apart(distances: F64, count: int = SHOWN) -> tuple[int, ...]:
    """Which of N pictures to show so that they differ most: greedy, from their distances (N, N).

    The pair that lies furthest apart, then each time the picture whose nearest chosen one is
    furthest away; the first of equals.  All of them where N <= ``count``, in order.
    """
    total = len(distances)
    if distances.shape != (total, total):
        raise ValueError(f"distances must be square, are {distances.shape}")
    if total <= count:
        return tuple(range(total))
    above = np.triu(np.ones((total, total), bool), 1)
    first = int(np.argmax(np.where(above, distances, -1.0)))
    chosen = [first // total, first % total]
    while len(chosen) < count:
        nearest = distances[:, chosen].min(1)
        nearest[chosen] = -1.0
        chosen.append(int(np.argmax(nearest)))
    return tuple(chosen)


def spread(distances: F64, chosen: Sequence[int]) -> float:
    """Median distance over all pairs of the chosen pictures; 0 for fewer than two."""
    pairs = [float(distances[a, b]) for a, b in combinations(chosen, 2)]
    return float(np.median(pairs)) if pairs else 0.0


def _shifted(picture: F32, dx: float, dy: float) -> F32:
    if dx == 0 and dy == 0:
        return picture
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    moved = cv2.warpAffine(
        picture,
        matrix,
        (picture.shape[1], picture.shape[0]),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(moved, np.float32)


def _rms(residual: F32, mask: Bool) -> float:
    return float(np.sqrt(np.square(residual[mask], dtype=np.float64).mean()))


def _kind(array: NDArray[np.generic]) -> str:
    return f"{array.shape} {array.dtype}"

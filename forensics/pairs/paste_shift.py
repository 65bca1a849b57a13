"""Pairs, paste shift: whether faces lie off their surroundings, as upstream's paste puts them.

At an enlargement above 1 upstream GFPGAN (facexlib) pastes every face half an output pixel too far
right and down.  The face is registered against the source and so is the ring around it; what
differs between the two is the paste's.  One redrawn face can seem moved by more than that, so the
answer is given over many: `half_pixel`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forensics.pairs.fitting import gain_offset
from forensics.pairs.grid import F32, F64, U8, Lay, Places, luma, pair_readers

Box = tuple[float, float, float, float]

UPSTREAM_PX: Final = 0.5
"""What upstream adds in x and in y, px of the other."""
LEAST_FACE_PX: Final = 24.0
"""Shorter side of a box, source px, below which a face is not registered."""
_INNER: Final = 0.8  # of a box: away from the paste's feather
_RING: Final = (1.5, 2.4)  # of a box: beyond the feather, near enough to be of one depth
_STEPS: Final = 6
_MOST_PX: Final = 3.0  # source px; more is another place, not a paste's shift
_LEAST_TEXTURE: Final = 1.5  # grey levels of gradient, RMS
_TUKEY: Final = 4.685
LEAST_FACES: Final = 3
SEEMS_MOVED: Final = 0.0013
"""Of a box's width: by how much GFPGAN's redrawing alone makes a face seem moved (deviation)."""
_OTHER_WAY_PX: Final = 0.3


def paste_shift(
    source_rgb_u8: U8, other_rgb_u8: U8, to_other: F64, boxes_px: Sequence[Box]
) -> tuple[float, float] | None:
    """How far the faces lie right and down of where their surroundings put them, px of the other.

    ``to_other`` (2, 3): source px to px of the other, without a turn; ``boxes_px``: face boxes x0,
    y0, x1, y1 in source px.  The median over the faces of these two frames.  Colour as found: gain
    and offset are taken out.  None where no face and ring can be registered.
    """
    (scale_x, _, shift_x), (_, scale_y, shift_y) = np.asarray(to_other, np.float64).tolist()
    lay = Lay(scale_x, scale_y, shift_x, shift_y)
    source, other = luma(source_rgb_u8), luma(other_rgb_u8)
    found = [s for box in boxes_px if (s := _one(source, other, lay, box, boxes_px)) is not None]
    if not found:
        return None
    middle = np.median(np.array(found), axis=0)
    return float(middle[0] * lay.scale_x), float(middle[1] * lay.scale_y)


def half_pixel(
    shifts_px: Sequence[tuple[float, float]], face_px: float, people: int = 1
) -> bool | None:
    """Whether shifts of many frames (as `paste_shift` gives them) are upstream's half pixel.

    ``face_px``: usual width of the boxes, px of the other (source px times scale).  ``people``: how
    many different people the shifts are of: a redrawn face seems moved by the same amount in every
    frame, so that more frames of one person do not make it surer.  True: the mean of x and y lies
    nearer to 0.5 than to 0 by twice its standard error, and so do x and y on the whole; False: the
    same for 0.  None: too few, too near to both, or neither.
    """
    if len(shifts_px) < LEAST_FACES or people < 1:
        return None
    values = np.array(shifts_px)
    middle = np.median(values, axis=0)
    spread = 1.4826 * np.median(np.abs(values - middle), axis=0)
    drawn = SEEMS_MOVED * face_px / np.sqrt(people)
    error = np.hypot(1.2533 * spread / np.sqrt(len(values)), drawn)  # 1.2533: of a median
    both, error_both = float(middle.mean()), float(np.sqrt((error**2).sum()) / 2)
    half = UPSTREAM_PX / 2
    if (np.abs(middle) > UPSTREAM_PX + _OTHER_WAY_PX).any():
        return None
    if both - 2 * error_both > half and (middle > half / 2).all():
        return True
    if both + 2 * error_both < half and (middle < half * 1.5).all():
        return False
    return None


def _one(
    source: U8, other: U8, lay: Lay, box: Box, every: Sequence[Box]
) -> tuple[float, float] | None:
    """Face less ring, source px."""
    x0, y0, x1, y1 = box
    if min(x1 - x0, y1 - y0) < LEAST_FACE_PX:
        return None
    outer = _around(box, _RING[1])
    height, width = source.shape
    margin = 3
    left, top = max(margin, int(outer[0])), max(margin, int(outer[1]))
    right, bottom = min(width - margin, int(outer[2])), min(height - margin, int(outer[3]))
    if right - left < LEAST_FACE_PX or bottom - top < LEAST_FACE_PX:
        return None
    places = Places(np.arange(left, right, dtype=float), np.arange(top, bottom, dtype=float), 1.0)
    ring = ~_inside(places, _around(box, _RING[0]))
    for one in every:
        if one != box:
            ring &= ~_inside(places, _around(one, _RING[0]))
    sizes = ((source.shape[1], source.shape[0]), (other.shape[1], other.shape[0]))
    face = _shift(source, other, lay, places, sizes, _inside(places, _around(box, _INNER)))
    rest = _shift(source, other, lay, places, sizes, ring)
    if face is None or rest is None:
        return None
    return face[0] - rest[0], face[1] - rest[1]


def _around(box: Box, factor: float) -> Box:
    x0, y0, x1, y1 = box
    cx, cy, half_x, half_y = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
    return cx - factor * half_x, cy - factor * half_y, cx + factor * half_x, cy + factor * half_y


def _inside(places: Places, box: Box) -> NDArray[np.bool_]:
    across = (places.xs >= box[0]) & (places.xs <= box[2])
    down = (places.ys >= box[1]) & (places.ys <= box[3])
    return down[:, None] & across[None, :]


def _shift(
    source: U8,
    other: U8,
    lay: Lay,
    places: Places,
    sizes: tuple[tuple[int, int], tuple[int, int]],
    where: NDArray[np.bool_],
) -> tuple[float, float] | None:
    """How far the other lies right and down there, source px; None without texture in x and y."""
    if where.sum() < LEAST_FACE_PX**2 / 4:
        return None
    dx = dy = 0.0
    for _ in range(_STEPS):
        right, down = lay.shift_x + lay.scale_x * dx, lay.shift_y + lay.scale_y * dy
        moved = Lay(lay.scale_x, lay.scale_y, right, down)
        read_source, read_other = pair_readers(places, moved, sizes, 1.0)
        step = _step(read_source(source), read_other(other), where)
        if step is None:
            return None
        dx, dy = dx + step[0], dy + step[1]
        if max(abs(dx), abs(dy)) > _MOST_PX:
            return None
        if max(abs(step[0]), abs(step[1])) < 0.003:
            break
    return dx, dy


def _step(source: F32, other: F32, where: NDArray[np.bool_]) -> tuple[float, float] | None:
    laid = _laid(source, other, where)
    down, across = (np.asarray(g, np.float64) for g in np.gradient((source + laid) / 2))
    gx, gy, rest = across[where], down[where], (source - laid)[where]
    if min(float(np.mean(gx**2)), float(np.mean(gy**2))) < _LEAST_TEXTURE**2:
        return None
    noise = max(0.7, 1.4826 * float(np.median(np.abs(rest))))
    weight = np.square(np.clip(1 - np.square(rest / (_TUKEY * noise)), 0, None))
    normal = np.array([
        [np.sum(weight * gx * gx), np.sum(weight * gx * gy)],
        [np.sum(weight * gx * gy), np.sum(weight * gy * gy)],
    ])  # fmt: skip
    right = np.array([np.sum(weight * gx * rest), np.sum(weight * gy * rest)])
    if np.linalg.cond(normal) > 1e4:
        return None
    move = np.linalg.solve(normal, right)
    return float(move[0]), float(move[1])


def _laid(source: F32, other: F32, where: NDArray[np.bool_]) -> F32:
    """The other in the source's gain and offset, both fitted where asked."""
    laid = other.copy()
    laid[where] = gain_offset(source[where], other[where])
    outside = ~where
    # Only gradients at the border look at what lies outside.
    laid[outside] = source[outside]
    return laid

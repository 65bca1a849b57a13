"""Pairs, fitting: lays one picture on another to a fraction of a pixel, and says how well it fits.

Gauss-Newton on scale and shift in x and y over several frames at once, coarse to fine, with gain
and offset of each frame taken out and Tukey's weights on what is left: a redrawn face, a moving
hand between two frames that are not quite of one time, or a logo are outliers and decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.pairs.grid import F32, F64, U8, Lay, Places, pair_readers, places_in, seen_part

Edges = tuple[float, float, float, float]

LEVELS_COLUMNS: Final = (64, 160, 400, 640)
"""Columns of the coarser and finer grids; the last only where both pictures hold so much."""
_STEPS: Final = (8, 6, 5, 4)
_SIGMA_STEPS: Final = 1.0
_TUKEY: Final = 4.685
_LEAST_NOISE: Final = 0.7  # grey levels: rounding and what resampling leaves
JUDGED_COLUMNS: Final = 240
WINDOW: Final = 15  # grid px
TEXTURED_GREY: Final = 3.0
"""Standard deviation in a window, grey levels, from which it says something about the place."""
AGREES: Final = 0.7
"""Correlation in a window from which both pictures show the same there."""
_TOLD: Final = 0.15
"""Standard error of a window's shift, grid px, up to which it counts."""
# Neighbours on a grid that a Gaussian softened are not independent: about 4 pi sigma^2 share one.
_SHARED: Final = 12.6


@dataclass(frozen=True)
class KeyPair:
    """Two frames of about one time: luma (H, W) uint8 of source and other."""

    source: U8
    other: U8


@dataclass(frozen=True)
class Fit:
    """A way to lay the other on the source.

    ``agreement``: share of the textured places where both show the same, 0..1; ``textured``: how
    many windows of the grid that rests on, all frames together; ``by_frame``: each frame's own
    agreement, None where a frame holds no texture.  ``residual_px``: RMS of what windows that agree
    are still shifted by, source px; half a window where none tells a shift.  ``error_px``: standard
    error of the position at the edge of the picture, source px.
    """

    lay: Lay
    agreement: float
    textured: float
    by_frame: tuple[float | None, ...]
    residual_px: float
    error_px: float


def fit(pairs: Sequence[KeyPair], start: Lay, content: Edges, coarse: bool = True) -> Fit:
    """Refine ``start`` over the frames and judge the result.

    ``content``: edges of the other's picture without bars, px of the other.  ``coarse`` starts on
    the coarsest grid, which reaches a tenth of the picture; without it a good start is refined.
    """
    lay, error = start, np.inf
    done: set[int] = set()
    for level, columns in enumerate(LEVELS_COLUMNS):
        if level == 0 and not coarse:
            continue
        places = _places(pairs[0], lay, content, columns)
        if len(places.xs) in done and level < len(LEVELS_COLUMNS) - 1:
            continue
        done.add(len(places.xs))
        lay, error = _descend(pairs, lay, places, _STEPS[level])
        if not _sound(lay, start):
            return Fit(start, 0.0, 0.0, (), np.inf, np.inf)
    return judge(pairs, lay, content, error)


def _sound(lay: Lay, start: Lay) -> bool:
    """Whether the descent stayed where it can be believed."""
    values = (lay.scale_x, lay.scale_y, lay.shift_x, lay.shift_y)
    if not all(np.isfinite(values)):
        return False
    near = [lay.scale_x / start.scale_x, lay.scale_y / start.scale_y]
    return all(0.8 < ratio < 1.25 for ratio in near)


def _places(pair: KeyPair, lay: Lay, content: Edges, columns: int) -> Places:
    height, width = pair.source.shape
    part = seen_part(lay, (width, height), content)
    longest = max(part[2] - part[0], part[3] - part[1], 1.0)
    finest = max(1.0, 1 / lay.scale_x, 1 / lay.scale_y)
    return places_in(part, max(finest, longest / columns))


def _sizes(pair: KeyPair) -> tuple[tuple[int, int], tuple[int, int]]:
    return (
        (pair.source.shape[1], pair.source.shape[0]),
        (pair.other.shape[1], pair.other.shape[0]),
    )


def _descend(pairs: Sequence[KeyPair], lay: Lay, places: Places, steps: int) -> tuple[Lay, float]:
    """Some Gauss-Newton steps on one grid, and the standard error at the picture's edge."""
    sizes = _sizes(pairs[0])
    read, _ = pair_readers(places, lay, sizes, _SIGMA_STEPS)
    seen = [read(pair.source) for pair in pairs]
    # From -1 to 1 across the grid: scale and shift are then of one size.
    u = np.linspace(-1, 1, len(places.xs), dtype=np.float32)
    v = np.linspace(-1, 1, len(places.ys), dtype=np.float32)
    half = (float(places.xs[-1] - places.xs[0]) / 2, float(places.ys[-1] - places.ys[0]) / 2)
    middle = (float(places.xs.mean()), float(places.ys.mean()))
    error = np.inf
    for _ in range(steps):
        _, read_other = pair_readers(places, lay, sizes, _SIGMA_STEPS)
        normal, right, squares, count = np.zeros((4, 4)), np.zeros(4), 0.0, 0.0
        for source, pair in zip(seen, pairs, strict=True):
            part = _equations(source, read_other(pair.other), places, u, v)
            normal, right = normal + part[0], right + part[1]
            squares, count = squares + part[2], count + part[3]
        try:
            inverse = np.linalg.inv(normal)
        except np.linalg.LinAlgError:
            return lay, np.inf
        move = inverse @ right
        variance = squares / max(count, 1.0) * _SHARED
        error = float(np.sqrt(max(0.0, variance * np.trace(inverse))))
        lay = _moved(lay, move, half, middle)
        if np.abs(move).max() < 0.002 * places.step_px:
            break
    return lay, error


def _equations(
    source: F32, other: F32, places: Places, u: F32, v: F32
) -> tuple[F64, F64, float, float]:
    """Normal equations of one frame for shift x, stretch x, shift y, stretch y, in source px."""
    laid = gain_offset(source, other)
    rest = source - laid
    noise = max(_LEAST_NOISE, 1.4826 * float(np.median(np.abs(rest[::2, ::3]))))
    weight = np.square(np.clip(1 - np.square(rest / (_TUKEY * noise)), 0, None))
    _margin(weight)
    gy, gx = np.gradient((source + laid) / 2)
    # Equal say for every frame, whatever its contrast: divided by its own noise.
    weight = weight / noise**2
    gx, gy = gx / places.step_px, gy / places.step_px
    columns = np.stack([gx, gx * u, gy, gy * v[:, None]]).reshape(4, -1).astype(np.float64)
    weighted = columns * weight.ravel()
    squares = float((weight * rest**2).sum())
    count = float((weight > 0).sum())
    return weighted @ columns.T, weighted @ rest.ravel().astype(np.float64), squares, count


def _margin(weight: F32) -> None:
    """Takes no part: the outermost places, whose Gaussian reaches over the edge."""
    weight[:2] = weight[-2:] = 0
    weight[:, :2] = weight[:, -2:] = 0


def gain_offset(source: F32, other: F32) -> F32:
    """The other in the source's brightness and contrast, by a line fitted without outliers."""
    # Every few places will do for two numbers.
    sparse = slice(None, None, max(1, source.size // 20000))
    x, y = other.ravel()[sparse], source.ravel()[sparse]
    keep = np.ones(x.shape, bool)
    gain, offset = 1.0, 0.0
    for _ in range(3):
        xs, ys = x[keep], y[keep]
        spread = float(xs.std())
        gain = float(np.clip(np.mean((xs - xs.mean()) * (ys - ys.mean())) / spread**2, 0.3, 3.0)
                     if spread > 1e-3 else 1.0)  # fmt: skip
        offset = float(ys.mean() - gain * xs.mean())
        rest = np.abs(y - gain * x - offset)
        keep = rest <= max(2.0, 3 * float(np.median(rest)))
    return np.asarray(gain * other + offset, np.float32)


def _moved(lay: Lay, move: F64, half: tuple[float, float], middle: tuple[float, float]) -> Lay:
    """The lay after a correction in source px: shift and stretch (at the edge) in x and y."""
    sx, sy = move[1] / half[0], move[3] / half[1]
    return Lay(
        lay.scale_x * (1 + sx),
        lay.scale_y * (1 + sy),
        lay.shift_x + lay.scale_x * (move[0] - sx * middle[0]),
        lay.shift_y + lay.scale_y * (move[2] - sy * middle[1]),
    )


# ---------------------------------------------------------------- how well they agree


def judge(pairs: Sequence[KeyPair], lay: Lay, content: Edges, error_px: float = np.inf) -> Fit:
    """Hold the frames against each other as ``lay`` says, without moving anything."""
    shares: list[float | None] = []
    textured = agreeing = 0.0
    moved: list[NDArray[np.float32]] = []
    for pair in pairs:
        places = _places(pair, lay, content, JUDGED_COLUMNS)
        readers = pair_readers(places, lay, _sizes(pair), _SIGMA_STEPS)
        source, other = readers[0](pair.source), readers[1](pair.other)
        holds, agrees = agreement_maps(source, other)
        textured += float(holds.sum()) / WINDOW**2
        agreeing += float(agrees.sum()) / WINDOW**2
        shares.append(float(agrees.sum() / holds.sum()) if holds.sum() >= WINDOW**2 else None)
        moved.append(_local_shifts(source, other, agrees) * np.float32(places.step_px))
    every = np.concatenate(moved) if moved else np.zeros(0, np.float32)
    # Where no window tells a shift, it may be anything that a window could hide.
    hidden = WINDOW / 2 * _places(pairs[0], lay, content, JUDGED_COLUMNS).step_px
    residual = float(np.sqrt(np.mean(every**2))) if every.size else hidden
    share = agreeing / textured if textured > 0 else 0.0
    return Fit(lay, share, textured, tuple(shares), residual, error_px)


def agreement_maps(source: F32, other: F32) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where the source holds texture, and where the other shows the same there; (H, W) each."""

    def mean(plane: F32) -> F32:
        size = (WINDOW, WINDOW)
        return np.asarray(cv2.blur(plane, size, borderType=cv2.BORDER_REFLECT), np.float32)

    ms, mo = mean(source), mean(other)
    vs = np.maximum(mean(source * source) - ms * ms, 0)
    vo = np.maximum(mean(other * other) - mo * mo, 0)
    both = mean(source * other) - ms * mo
    holds = vs >= TEXTURED_GREY**2
    agrees = holds & (both >= AGREES * np.sqrt(vs * np.maximum(vo, 1e-3)))
    return holds, agrees


def _local_shifts(source: F32, other: F32, agrees: NDArray[np.bool_]) -> F32:
    """Length of what each agreeing window is still shifted by, grid px; one value a window."""
    laid = gain_offset(source, other)
    gy, gx = (np.asarray(g, np.float32) for g in np.gradient((source + laid) / 2))
    rest = source - laid

    def total(plane: F32) -> F32:
        size = (WINDOW, WINDOW)
        return np.asarray(cv2.boxFilter(plane, cv2.CV_32F, size, normalize=True), np.float32)

    xx, xy, yy = total(gx * gx), total(gx * gy), total(gy * gy)
    smaller = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    # Along an edge or in noise nobody can say how far a window moved: its own error says so.
    error = np.sqrt(total(rest * rest) * _SHARED / (WINDOW**2 * np.maximum(smaller, 1e-6)))
    use = agrees & (error < _TOLD)
    # At the edge a window holds places whose Gaussian reaches beyond one of the pictures.
    rim = WINDOW // 2 + 4
    use[:rim] = use[-rim:] = False
    use[:, :rim] = use[:, -rim:] = False
    picked = np.zeros_like(use)
    picked[:: WINDOW // 2, :: WINDOW // 2] = use[:: WINDOW // 2, :: WINDOW // 2]
    det = (xx * yy - xy * xy)[picked]
    bx, by = total(gx * rest)[picked], total(gy * rest)[picked]
    dx = (yy[picked] * bx - xy[picked] * by) / det
    dy = (xx[picked] * by - xy[picked] * bx) / det
    return np.asarray(np.hypot(dx, dy), np.float32)

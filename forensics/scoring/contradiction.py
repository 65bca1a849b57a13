"""Scoring, `contradiction`: shrunk back to the footage, does the restored face disagree with it?

The restored face is blurred, resized, shifted and matched in colour as far as that helps it; what
still differs is given in units of the footage's noise, whole and per region.  High is
contradiction.  Low proves nothing: detail finer than the footage passes unseen.

Colour is blurred by itself: JPEG and video codecs keep it at half the size (4:2:0) and more
coarsely, so that a saturated face would contradict its own footage at every edge.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.information import luma, noise_grey
from forensics.scoring.measure import F32, TEMPLATE_PX, Bool, FaceInput, Reading
from forensics.scoring.regions import REGIONS, mask_at

MIN_SIDE_PX = 24
MIN_REGION_PIXELS = 20
MAX_SIGMA_PX = 3.0
MAX_COLOUR_SIGMA_PX = 6.0  # half the size and a coarse quantiser: three times the luma's and more
MAX_SHIFT_PX = 1.0
GAIN_RANGE = (0.5, 2.0)  # contrast may fade; inverting or flattening a face is not a degradation
_GOLDEN = (math.sqrt(5) - 1) / 2

NAMES: tuple[str, ...] = ("contradiction", *(f"contradiction_{region}" for region in REGIONS))


@dataclass(frozen=True)
class Match:
    """The degradation that explains the footage best, and what it leaves.

    ``residual_grey`` (h, h) float32 is the root mean square over the channels; lengths: native px.
    ``sigma_px`` is the blur of the brightness, ``colour_sigma_px`` that of the colour.
    """

    sigma_px: float
    colour_sigma_px: float
    shift_px: tuple[float, float]
    gain: tuple[float, ...]
    offset_grey: tuple[float, ...]
    residual_grey: F32


def minimise(cost: Callable[[float], float], low: float, high: float, steps: int) -> float:
    """Golden-section search for the least cost in [low, high]; the ends are tried as well."""
    a, b = low, high
    c, d = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
    cost_c, cost_d = cost(c), cost(d)
    for _ in range(steps):
        if cost_c <= cost_d:
            b, d, cost_d = d, c, cost_c
            c = b - _GOLDEN * (b - a)
            cost_c = cost(c)
        else:
            a, c, cost_c = c, d, cost_d
            d = a + _GOLDEN * (b - a)
            cost_d = cost(d)
    found = [(cost_c, c), (cost_d, d)]
    if low in (a, c):
        found.append((cost(low), low))
    if high in (b, d):
        found.append((cost(high), high))
    return min(found)[1]


def blurred(picture: F32, sigma_px: float) -> F32:
    """Gaussian blur; nothing below 0.1 px, where a sampled kernel is the identity."""
    if sigma_px < 0.1:
        return picture
    return np.asarray(
        cv2.GaussianBlur(picture, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101), np.float32
    )


def filmed_soft(rgb: F32, sigma_px: float, colour_sigma_px: float) -> F32:
    """A picture (h, h, 3) whose brightness is blurred by one sigma and whose colour by another."""
    grey = grey_of(rgb)[..., None]
    return blurred(grey, sigma_px).reshape(grey.shape) + blurred(rgb - grey, colour_sigma_px)


def grey_of(rgb: F32) -> F32:
    """Rec. 601 brightness (h, h) of a float picture."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)


def fit_line(x: F32, y: F32) -> tuple[float, float]:
    """Least-squares gain (kept within `GAIN_RANGE`) and offset of y over x, flat arrays."""
    mean_x, mean_y = float(x.mean()), float(y.mean())
    variance = float(np.square(x - mean_x).mean())
    # Without contrast in x no gain is defined: leave it at one.
    gain = float(((x - mean_x) * (y - mean_y)).mean()) / variance if variance > 1e-3 else 1.0
    gain = min(max(gain, GAIN_RANGE[0]), GAIN_RANGE[1])
    return gain, mean_y - gain * mean_x


def _misfit(model: F32, seen: F32, mask: Bool) -> float:
    x, y = model[mask], seen[mask]
    gain, offset = fit_line(x, y)
    return float(np.square(gain * x + offset - y).mean())


def find_shift(model: F32, seen: F32, mask: Bool) -> tuple[float, float]:
    """Sub-pixel shift (dx, dy) that moves ``model`` onto ``seen``; at most 1 px either way.

    Two Gauss-Newton steps on shift, gain and offset together (least squares of the linearised
    difference).  (0, 0) when that does not lower the misfit.
    """
    best, shift = _misfit(model, seen, mask), (0.0, 0.0)
    dx = dy = 0.0
    for _ in range(2):
        now = shifted(model, dx, dy)
        gy, gx = np.asarray(np.gradient(now))
        columns = [gx[mask], gy[mask], now[mask], np.ones(int(mask.sum()), np.float32)]
        design = np.stack(columns).astype(np.float64)
        normal = design @ design.T + np.diag([1e-3, 1e-3, 0, 0])
        try:
            solution = np.linalg.solve(normal, design @ seen[mask].astype(np.float64))
        except np.linalg.LinAlgError:  # a flat picture has no place
            return shift
        gain = solution[2]
        if abs(gain) < 0.1:
            return shift
        dx = float(np.clip(dx - solution[0] / gain, -MAX_SHIFT_PX, MAX_SHIFT_PX))
        dy = float(np.clip(dy - solution[1] / gain, -MAX_SHIFT_PX, MAX_SHIFT_PX))
        misfit = _misfit(shifted(model, dx, dy), seen, mask)
        if misfit < best:
            best, shift = misfit, (dx, dy)
    return shift


def shifted(picture: F32, dx: float, dy: float) -> F32:
    """The picture moved by (dx, dy) px, bicubic, borders repeated by reflection."""
    if dx == 0 and dy == 0:
        return picture
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    size = (picture.shape[1], picture.shape[0])
    moved = cv2.warpAffine(
        picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(moved, np.float32)


def match_to_footage(face: FaceInput) -> Match:
    """Find blur, shift and colour that bring the restored face closest to the footage.

    Blur and shift are searched on luma over the head (0..3 and <= 1 native px), then the blur of
    what colour adds to it (0..6 px); gain and offset belong to each channel.
    """
    side = face.native_rgb_u8.shape[0]
    head = mask_at("head", side)
    how = cv2.INTER_AREA if side < TEMPLATE_PX else cv2.INTER_CUBIC
    small = cv2.resize(face.restored_rgb_u8, (side, side), interpolation=how).astype(np.float32)
    seen = face.native_rgb_u8.astype(np.float32)
    seen_grey = luma(face.native_rgb_u8)
    small_grey = grey_of(small)

    def search(picture: F32, low: float, high: float, steps: int) -> float:
        return minimise(lambda s: _misfit(blurred(picture, s), seen_grey, head), low, high, steps)

    sigma = search(small_grey, 0.0, MAX_SIGMA_PX, 4)
    dx, dy = find_shift(blurred(small_grey, sigma), seen_grey, head)
    moved = shifted(small_grey, dx, dy)
    sigma = search(moved, max(0.0, sigma - 0.4), min(MAX_SIGMA_PX, sigma + 0.4), 3)
    placed = shifted(small, dx, dy)
    colour = _colour_sigma(placed, seen, head)
    model = filmed_soft(placed, sigma, colour)
    lines = [fit_line(model[..., k][head], seen[..., k][head]) for k in range(3)]
    gain = np.array([line[0] for line in lines], np.float32)
    offset = np.array([line[1] for line in lines], np.float32)
    squares = np.square(model * gain + offset - seen).mean(2)
    return Match(
        sigma, colour, (dx, dy), tuple(gain.tolist()), tuple(offset.tolist()), np.sqrt(squares)
    )


def _colour_sigma(placed: F32, seen: F32, mask: Bool) -> float:
    """The blur that brings red and blue, less brightness, closest to the footage's."""
    own, footage = ((p - grey_of(p)[..., None])[..., ::2] for p in (placed, seen))

    def cost(sigma_px: float) -> float:
        soft = blurred(np.ascontiguousarray(own), sigma_px)
        return sum(_misfit(soft[..., k], footage[..., k], mask) for k in range(2))

    return minimise(cost, 0.0, MAX_COLOUR_SIGMA_PX, 6)


def pooled_rms(residual_grey: NDArray[np.float32], mask: Bool) -> float:
    """Root mean square of the residual over a mask, grey levels."""
    return float(np.sqrt(np.square(residual_grey[mask], dtype=np.float64).mean()))


def measure_contradiction(face: FaceInput) -> Reading:
    """`contradiction`, its five regions, and a map (512, 512) in noise units.

    Abstains below 24 native px, and for regions of fewer than 20 native pixels.
    """
    side = face.native_rgb_u8.shape[0]
    if side < MIN_SIDE_PX:
        reason = f"the face is only {side} px wide in the footage, under {MIN_SIDE_PX}"
        return Reading(reasons=dict.fromkeys(NAMES, reason))
    unit = max(1.0, noise_grey(face.native_rgb_u8))
    residual = match_to_footage(face).residual_grey
    values = {"contradiction": pooled_rms(residual, mask_at("head", side)) / unit}
    reasons = {}
    for region in REGIONS:
        mask = mask_at(region, side)
        if int(mask.sum()) < MIN_REGION_PIXELS:
            reasons[f"contradiction_{region}"] = "the region has too few pixels in the footage"
        else:
            values[f"contradiction_{region}"] = pooled_rms(residual, mask) / unit
    # Neighbouring residuals are pooled, so that the map shows structure and not single pixels.
    local = np.sqrt(cv2.blur(np.square(residual), (3, 3))) / unit
    where = cv2.resize(local, (TEMPLATE_PX, TEMPLATE_PX), interpolation=cv2.INTER_LINEAR)
    return Reading(values, reasons, np.asarray(where, np.float32))

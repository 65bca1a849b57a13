"""Scoring, `hair_grid`: does the hair show a regular grid that the footage does not have?

Upsampling layers and block codecs leave lattices: a few sharp peaks in the spectrum, the same in
every window.  The share of fine energy that lies in such peaks is read in the template's hair band
of the restored face, less the same of the enlarged footage.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.information import luma
from forensics.scoring.measure import TEMPLATE_PX, U8, FaceInput, Reading
from forensics.scoring.regions import template_mask

WINDOW_PX: Final = 64
MIN_WINDOWS: Final = 4
MOST_PEAKS: Final = 8
PEAK_MAD: Final = 6.0
LOWEST: Final = 1 / 20  # cycles per template px: coarser regularity is hair, not a grid
_STEP = 32
_LOBE = 2  # bins: where a line behind a Hann window ends
_COVER = 0.5  # of a window, weighted: the hair band is narrower than a large window
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


@cache
def windows() -> tuple[tuple[int, int], ...]:
    """Corners (y, x) of the windows that lie mostly in the template's hair band."""
    hair = template_mask("hair").astype(np.float64)
    weight = _hann()
    weight = weight / weight.sum()
    found = []
    for y in range(0, TEMPLATE_PX - WINDOW_PX + 1, _STEP // 2):
        for x in range(0, TEMPLATE_PX - WINDOW_PX + 1, _STEP // 2):
            part = hair[y : y + WINDOW_PX, x : x + WINDOW_PX]
            if float((part * weight).sum()) >= _COVER:
                found.append((y, x))
    return tuple(found)


@cache
def _hann() -> F64:
    one = np.hanning(WINDOW_PX + 2)[1:-1]
    return np.asarray(np.outer(one, one))


@cache
def _radius() -> F64:
    f = np.fft.fftfreq(WINDOW_PX)
    return np.asarray(np.hypot(f[:, None], f[None, :]))


def spectrum(grey: NDArray[np.float32]) -> F64 | None:
    """Geometric mean of the windows' power spectra (64, 64); None with fewer than 4 windows.

    Each window is scaled to unit energy first, so that no bright lock outvotes the others; the
    geometric mean keeps what all windows share and drops what one of them has.
    """
    logs = []
    weight = _hann()
    fine = _radius() >= LOWEST
    for y, x in windows():
        part = grey[y : y + WINDOW_PX, x : x + WINDOW_PX].astype(np.float64)
        part = (part - part.mean()) * weight
        power = np.abs(np.fft.fft2(part)) ** 2
        energy = float(power[fine].mean())
        if energy > 1e-3:
            logs.append(np.log(power / energy + 1e-6))
    if len(logs) < MIN_WINDOWS:
        return None
    return np.asarray(np.exp(np.mean(logs, axis=0)))


@cache
def _beside() -> tuple[tuple[F32, F32], tuple[F32, F32]]:
    """Where, on the centred spectrum, the same direction lies 2 bins nearer and 2 further out."""
    f = np.fft.fftshift(np.fft.fftfreq(WINDOW_PX) * WINDOW_PX)
    y, x = np.meshgrid(f, f, indexing="ij")
    radius = np.hypot(x, y)
    found = []
    for step in (-_LOBE, _LOBE):
        share = np.maximum(radius + step, 0) / np.maximum(radius, 1e-6)
        found.append(tuple((part * share + WINDOW_PX // 2).astype(np.float32) for part in (x, y)))
    return found[0], found[1]


def ground(log_power: F64) -> F64:
    """What stands under each place of a logarithmic spectrum where no line is.

    The higher of two: the median of its ring, and the mean of what lies 2 bins nearer and further
    in its own direction, beyond the main lobe of a line.  Natural pictures have more energy along
    some directions (a hairline, locks) than across them, and that is no grid.
    """
    ring = np.minimum((_radius() * WINDOW_PX).astype(int), WINDOW_PX // 2)
    rings = np.zeros_like(log_power)
    for k in range(WINDOW_PX // 2 + 1):
        here = ring == k
        if here.any():
            rings[here] = np.median(log_power[here])
    centred = np.fft.fftshift(log_power).astype(np.float32)
    near, far = (
        np.fft.ifftshift(cv2.remap(centred, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))
        for x, y in _beside()
    )
    return np.asarray(np.maximum(rings, (near.astype(np.float64) + far) / 2))


def peak_share(power: F64, lowest: float) -> float:
    """Share of the energy at and above ``lowest`` in at most eight peaks, 0..1.

    The spectrum is whitened by its `ground`; a peak stands 6 median deviations (of the logarithm)
    above it and is a local maximum.
    """
    log = np.log(power + 1e-9)
    under = ground(log)
    white = log - under
    radius = _radius()
    asked = (radius >= lowest) & (radius <= 0.5 * np.sqrt(2))
    deviation = float(np.median(np.abs(white[asked]))) + 1e-3
    top = cv2.dilate(np.pad(white, 1, mode="wrap").astype(np.float32), np.ones((3, 3), np.uint8))
    local = white.astype(np.float32) >= top[1:-1, 1:-1]
    peaks = asked & local & (white > PEAK_MAD * deviation)
    # Energy above the ground; a real spectrum has each peak twice.
    excess = np.where(peaks, power - np.exp(under), 0.0)
    best = np.sort(excess.ravel())[::-1][: 2 * MOST_PEAKS]
    # A Hann window spreads a line over its neighbours: nine bins hold it.
    total = float(power[asked].sum())
    return min(1.0, float(best.sum()) * _SPREAD / max(total, 1e-12))


_SPREAD = 2.25  # energy of a line in the main lobe over that of its highest bin, Hann, 2-D


def grid_share(rgb_u8: U8, lowest: float) -> float | None:
    """Share of fine energy in regular peaks of the hair band of a template picture."""
    power = spectrum(luma(rgb_u8))
    return None if power is None else peak_share(power, lowest)


def measure_hair_grid(face: FaceInput) -> Reading:
    """`hair_grid`: share of the restored face less that of the footage, about -1..1."""
    name = "hair_grid"
    drawn = grid_share(face.restored_rgb_u8, LOWEST)
    if drawn is None:
        return Reading(reasons={name: "the hair band of the template has no fine detail"})
    seen = grid_share(face.crop_rgb_u8, LOWEST)
    return Reading({name: drawn - (seen or 0.0)})

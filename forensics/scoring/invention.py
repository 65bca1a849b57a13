"""Scoring, `invented_detail`: what share of the drawn detail lies beyond what the footage carries.

Exposure, not error: a true sharp face and a wrong sharp face read the same.
"""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.information import luma
from forensics.scoring.measure import F32, TEMPLATE_PX, FaceInput, Reading

LOWEST_CYCLES = 4 / TEMPLATE_PX  # below it lies lighting, which every crop carries
_WINDOW_PX = 8.0  # sigma of the neighbourhood in which the map compares energies
_QUIET_GREY = 2.0  # below this local contrast nothing visible is drawn, and the share fades out


def footage_limit_cycles(scale: float, cutoff: float | None) -> float:
    """Highest frequency the footage can carry, in cycles per template px; at most 0.5 / scale."""
    native = 0.5 if cutoff is None else min(0.5, cutoff)
    return max(native / scale, LOWEST_CYCLES)


@cache
def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Hann window (512, 512), radius and multiplicity of each coefficient of `rfft2`."""
    hann = np.hanning(TEMPLATE_PX)
    fx = np.fft.rfftfreq(TEMPLATE_PX)
    radius = np.hypot(np.fft.fftfreq(TEMPLATE_PX)[:, None], fx[None, :])
    # rfft2 keeps one of each conjugate pair: inner columns stand for two coefficients.
    twice = np.where((fx == 0) | (fx == 0.5), 1.0, 2.0)[None, :]
    return np.outer(hann, hann), radius, np.broadcast_to(twice, radius.shape)


def invented_share(grey: F32, limit_cycles: float) -> float:
    """Share of spectral energy above the limit in (512, 512) luma; 0..1.

    Energy between ``limit_cycles`` and 0.5 over energy between 4/512 and 0.5, of the Hann-windowed,
    mean-free picture.  0 for a picture without contrast.
    """
    window, radius, twice = _grid()
    centred = (grey - float((grey * window).sum() / window.sum())) * window
    power = np.abs(np.fft.rfft2(centred)) ** 2 * twice
    whole = float(power[(radius > LOWEST_CYCLES) & (radius < 0.5)].sum())
    # Rounding alone leaves about the window's energy / 12 per coefficient: no detail to speak of.
    if whole < float((window**2).sum()) * TEMPLATE_PX:
        return 0.0
    return float(power[(radius > limit_cycles) & (radius < 0.5)].sum()) / whole


def invented_map(grey: F32, limit_cycles: float) -> F32:
    """The same share in each neighbourhood: (512, 512) float32 in 0..1.

    High and whole bands by Gaussians whose half-power points are the two limits; where contrast is
    under 2 grey levels the share fades to 0.
    """
    high = grey - _low(grey, limit_cycles)
    band = grey - _low(grey, LOWEST_CYCLES)
    above = cv2.GaussianBlur(high**2, (0, 0), _WINDOW_PX)
    whole = cv2.GaussianBlur(band**2, (0, 0), _WINDOW_PX)
    return np.asarray(np.clip(above / (whole + _QUIET_GREY**2), 0.0, 1.0), np.float32)


def _low(grey: F32, limit_cycles: float) -> F32:
    """Gaussian low-pass with half its power at the limit; wide ones run on a smaller picture."""
    sigma = math.sqrt(math.log(2)) / (2 * math.pi * limit_cycles)
    step = 4 if sigma > 12 else 1
    if step > 1:
        side = TEMPLATE_PX // step
        small = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), sigma / step)
        return np.asarray(
            cv2.resize(small, (TEMPLATE_PX, TEMPLATE_PX), interpolation=cv2.INTER_CUBIC), np.float32
        )
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma), np.float32)


def measure_invention(face: FaceInput, cutoff: float | None) -> Reading:
    """`invented_detail` and its map; ``cutoff`` is the footage's, in cycles per native px.

    Abstains where the footage is finer than the restored picture.
    """
    if face.scale <= 1.0:
        reason = "the footage is finer than the picture"
        return Reading(reasons={"invented_detail": reason})
    grey = luma(face.restored_rgb_u8)
    limit = footage_limit_cycles(face.scale, cutoff)
    share = invented_share(grey, limit)
    return Reading({"invented_detail": share}, map_=invented_map(grey, limit))

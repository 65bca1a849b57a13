"""Scoring, input information: how much of the face the footage holds at all.

Facts about the input alone, blind to the restoration: `interocular_px`, `cutoff`, `blur`,
`noise`, `contrast`, `blockiness`, `qp`.  They say whether a feature could have been seen, never
whether it was drawn rightly.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import pywt

from forensics.scoring.measure import F32, U8, FaceInput, Reading
from forensics.scoring.regions import mask_at

MIN_SIDE_PX = 16  # the wavelet of the noise estimate and the spectrum need some pixels
MIN_REGION_PX = 48  # six lines per grid phase; fewer make the largest phase a matter of chance
MIN_EDGE_POINTS = 12
# Widths of the two derivative filters of `blur_px`: fine enough for 0.3 px, wide against noise.
_NARROW_PX, _WIDE_PX = 0.8, 1.6
_DIFFERENCE_VARIANCE = 1 / 3  # of the central difference, seen as a box of 2 px
BLUR_MAX_PX = 8.0
H264_QP_MAX = 51
ROUNDING_VARIANCE = 1 / 12  # of values rounded to whole grey levels
_SPECTRUM_BINS = 24
_NORMAL_QUARTILE = 0.6744897501960817


def luma(rgb_u8: U8) -> F32:
    """Rec. 601 luma (H, W) float32 in 0..255."""
    return cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY).astype(np.float32)


def noise_grey(rgb_u8: U8) -> float:
    """Standard deviation of noise in grey levels, mean of three channels; 0 for a flat picture.

    The numbers of scikit-image's `estimate_sigma` (median of the finest db2 wavelet's diagonal
    coefficients that are not zero, over the normal quartile), which gives NaN for a flat picture.
    On warped pixels it reads low, because warping averages neighbours.
    """
    sigmas = []
    for channel in np.moveaxis(rgb_u8.astype(np.float32), 2, 0):
        detail = pywt.dwt2(channel, "db2")[1][2]
        magnitudes = np.abs(detail[detail != 0])
        sigmas.append(float(np.median(magnitudes)) / _NORMAL_QUARTILE if magnitudes.size else 0.0)
    return sum(sigmas) / 3


def blur_px(grey: F32, sigma_noise: float) -> float | None:
    """Width of the strong edges as the sigma of a Gaussian, in px of the picture; 0..8.

    A straight edge of width s, seen through derivative filters of widths a < b, peaks at heights in
    the ratio R = sqrt((s^2 + b^2) / (s^2 + a^2)), so s^2 = (b^2 - R^2 a^2) / (R^2 - 1).  The median
    over the strongest edge points.  None when too few points stand out of the noise.
    """
    narrow = _slope(grey, _NARROW_PX)
    wide = _slope(grey, _WIDE_PX)
    peak = narrow >= cv2.dilate(narrow, np.ones((3, 3), np.uint8))
    # White noise of sigma leaves about sigma / (2 sqrt(2 pi) a^2) in each derivative component.
    floor = 4.0 * max(sigma_noise, 0.5) / (2 * math.sqrt(2 * math.pi) * _NARROW_PX**2) + 1.0
    inner = np.zeros_like(peak)
    inner[3:-3, 3:-3] = True
    strengths = narrow[peak & inner & (narrow > floor)]
    if strengths.size < MIN_EDGE_POINTS:
        return None
    strong = peak & inner & (narrow >= max(floor, float(np.quantile(strengths, 0.7))))
    if int(strong.sum()) < MIN_EDGE_POINTS:
        return None
    ratio2 = (narrow[strong] / np.maximum(wide[strong], 1e-6)) ** 2
    a2 = _NARROW_PX**2 + _DIFFERENCE_VARIANCE
    b2 = _WIDE_PX**2 + _DIFFERENCE_VARIANCE
    sigma2 = np.where(ratio2 > 1.001, (b2 - ratio2 * a2) / np.maximum(ratio2 - 1, 1e-3), 1e6)
    sigma = np.sqrt(np.clip(sigma2, 0.0, BLUR_MAX_PX**2))
    return float(np.median(sigma))


def _slope(grey: F32, sigma_px: float) -> F32:
    """Gradient magnitude after a Gaussian of ``sigma_px``."""
    smooth = cv2.GaussianBlur(grey, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101)
    padded = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_REFLECT_101)
    dx = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    dy = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    return np.asarray(np.hypot(dx, dy), np.float32)


def quantiser_step(qp: float) -> float:
    """Step of H.264's quantiser in grey levels (orthonormal transform): 1 at QP 4, double per 6."""
    return float(2 ** ((qp - 4) / 6))


def cutoff_cycles(grey: F32, sigma_noise: float, qp: float | None = None) -> float:
    """Highest frequency up to which the spectrum stands at twice the noise floor, cycles per px.

    Radial means of the Hann-windowed power spectrum, read upwards from the first ring until two
    rings in a row lie below; 0..0.5.  The floor is the largest of the noise estimate's, that of
    rounding, and, where H.264's ``qp`` is known, that of its quantiser (step^2 / 12): a codec hides
    what it dropped under edges of its own, which the noise estimate does not see.
    """
    side = int(grey.shape[0])
    window = np.outer(np.hanning(side), np.hanning(grey.shape[1]))
    centred = (grey - float((grey * window).sum() / window.sum())) * window
    power = np.abs(np.fft.rfft2(centred)) ** 2 / float((window**2).sum())
    fy = np.fft.fftfreq(side)[:, None]
    fx = np.fft.rfftfreq(grey.shape[1])[None, :]
    radius = np.hypot(fx, fy)
    bins = min(_SPECTRUM_BINS, side // 2)
    ring = np.minimum((radius * 2 * bins).astype(int), bins)
    counts = np.bincount(ring.ravel(), minlength=bins + 1)[:bins]
    sums = np.bincount(ring.ravel(), power.ravel(), minlength=bins + 1)[:bins]
    rings = sums / np.maximum(counts, 1)
    coded = quantiser_step(qp) ** 2 / 12 if qp is not None else 0.0
    floor = 2.0 * max(sigma_noise**2, ROUNDING_VARIANCE, coded)
    below = 0
    for k in range(1, bins):
        below = below + 1 if rings[k] <= floor else 0
        if below == 2:
            return 0.5 * (k - 1) / bins
    return 0.5 * (bins - 1) / bins if below else 0.5


def blockiness_ratio(rgb_u8: U8) -> float | None:
    """Strongest of eight grid phases against their median, over columns and over rows; >= 1.

    Mean absolute step between neighbours, per phase modulo 8.  None when the region is too small
    or flat.  A picture scaled by sample aspect ratio keeps its grid in one direction only, so the
    larger of both directions counts.
    """
    if min(rgb_u8.shape[:2]) < MIN_REGION_PX:
        return None
    grey = luma(rgb_u8)
    ratios = []
    for axis in (0, 1):
        steps = np.abs(np.diff(grey, axis=axis)).mean(axis=1 - axis)
        phases = np.array([steps[p::8].mean() for p in range(8)])
        median = float(np.median(phases))
        if median > 0.05:  # a flat region has no phases
            ratios.append(float(phases.max()) / median)
    return max(ratios) if ratios else None


def contrast_grey(grey: F32) -> float:
    """Root mean square of the slope over the head, grey levels per native px.

    Whatever blurs, moves or codes a face errs in proportion to it.
    """
    head = mask_at("head", grey.shape[0])
    down, right = (np.asarray(part, np.float64) for part in np.gradient(grey))
    return float(np.sqrt((right[head] ** 2 + down[head] ** 2).mean()))


def effective_interocular_px(interocular_px: float, cutoff: float) -> float:
    """Eye distance in px that carry detail: the native one times the used share of the band."""
    return interocular_px * min(1.0, 2.0 * cutoff)


def measure_information(face: FaceInput) -> Reading:
    """All facts about the input. Abstains part by part, with a reason each."""
    values: dict[str, float] = {"interocular_px": face.interocular_px}
    reasons: dict[str, str] = {}
    qp = face.qp if face.qp is not None and face.qp <= H264_QP_MAX else None
    side = face.native_rgb_u8.shape[0]
    if side < MIN_SIDE_PX:
        small = f"the face is only {side} px wide in the footage"
        reasons.update(dict.fromkeys(("noise", "blur", "cutoff", "contrast"), small))
    else:
        grey = luma(face.native_rgb_u8)
        sigma = noise_grey(face.native_rgb_u8)
        values["noise"] = sigma
        values["cutoff"] = cutoff_cycles(grey, sigma, qp)
        values["contrast"] = contrast_grey(grey)
        width = blur_px(grey, sigma)
        if width is None:
            reasons["blur"] = "no edge stands out of the noise"
        else:
            values["blur"] = width
    if face.region_rgb_u8 is None:
        reasons["blockiness"] = "the frame's own pixels were not given"
    else:
        ratio = blockiness_ratio(face.region_rgb_u8)
        if ratio is None:
            reasons["blockiness"] = "the region is too small or too flat for the codec's grid"
        else:
            values["blockiness"] = ratio
    if face.qp is None:
        reasons["qp"] = face.qp_reason or "the decoder gives no quantiser for this picture"
    elif qp is None:
        reasons["qp"] = (
            f"a quantiser of {face.qp:.0f} is not on H.264's scale of 0 to {H264_QP_MAX}"
        )
    else:
        values["qp"] = qp
    return Reading(values, reasons)

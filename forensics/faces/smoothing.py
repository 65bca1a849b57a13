"""Landmark smoothing along a person's track: less trembling, no lag, raw points kept by the caller.

The five points of each frame are read as a similarity of the FFHQ template (centre, log size,
angle) plus what is left over on the template; each of these is fitted by a line in time under a
Gaussian window, which follows steady movement without lag (local linear regression, Cleveland
1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from forensics.faces.align import TEMPLATE_512, TEMPLATE_INTEROCULAR_PX, fit_similarity

WINDOW_S = 0.045  # standard deviation: about one frame to each side at 25 frames a second
SMALL_EYES_PX = 24.0  # below this the detector trembles more against the face: wider window
BREAK_S = 0.25  # no smoothing across a longer gap
MOST_OF_EYES = 0.08  # a point is never moved further than this share of the eye distance

Points = NDArray[np.float64]


def smooth_landmarks(
    points_px: Points, times_s: NDArray[np.float64], starts: Sequence[int] = ()
) -> Points:
    """Smoothed points (T, 5, 2) of one person from raw ones (T, 5, 2) at ascending times (T,).

    ``starts``: rows where something new begins (a cut, a return), never smoothed across; longer
    gaps than 0.25 s break by themselves.  A frame whose points define no similarity keeps its raw
    points.
    """
    points = np.asarray(points_px, np.float64)
    times = np.asarray(times_s, np.float64)
    if points.shape != (len(times), 5, 2):
        raise ValueError(f"points of shape {points.shape} for {len(times)} times")
    out = points.copy()
    breaks = {0, len(times), *starts}
    breaks |= {k for k in range(1, len(times)) if times[k] - times[k - 1] > BREAK_S}
    edges = sorted(breaks)
    for begin, end in pairwise(edges):
        if end - begin >= 3:
            out[begin:end] = _smooth_run(points[begin:end], times[begin:end])
    return out


def _smooth_run(points: Points, times: NDArray[np.float64]) -> Points:
    centre = points.mean(1)
    linear = np.zeros((len(points), 2))
    for k, five in enumerate(points):
        try:
            matrix = fit_similarity(TEMPLATE_512, five)
        except ValueError:
            return points
        linear[k] = matrix[0, 0], matrix[1, 0]
    size = np.linalg.norm(linear, axis=1)
    if float(size.min()) < 1e-6:
        return points
    angle = np.unwrap(np.arctan2(linear[:, 1], linear[:, 0]))
    shape = _untransform(points, centre, size, angle)
    eyes = size * TEMPLATE_INTEROCULAR_PX
    widths = WINDOW_S * np.clip(SMALL_EYES_PX / eyes, 1.0, 2.0)
    table = np.column_stack([centre, np.log(size), angle, shape.reshape(len(points), 10)])
    fitted = _local_lines(table, times, widths)
    smooth = _transform(
        fitted[:, 4:].reshape(-1, 5, 2), fitted[:, :2], np.exp(fitted[:, 2]), fitted[:, 3]
    )
    move = smooth - points
    length = np.linalg.norm(move, axis=2, keepdims=True)
    most = (MOST_OF_EYES * eyes)[:, None, None]
    out: Points = points + move * np.minimum(1.0, most / np.maximum(length, 1e-9))
    return out


def _local_lines(
    table: NDArray[np.float64], times: NDArray[np.float64], widths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Value at each time of a weighted line fit over its neighbours, column by column."""
    out = np.empty_like(table)
    for k, width in enumerate(widths):
        away = times - times[k]
        weight = np.exp(-0.5 * (away / width) ** 2)
        weight[weight < 1e-3] = 0.0
        mean = float(weight @ away) / float(weight.sum())
        spread = float(weight @ (away - mean) ** 2)
        level = weight @ table / weight.sum()
        slope = (weight * (away - mean)) @ table / spread if spread > 1e-12 else 0.0
        out[k] = level - slope * mean
    return out


def _untransform(
    points: Points, centre: Points, size: NDArray[np.float64], angle: NDArray[np.float64]
) -> Points:
    x, y = np.moveaxis(points - centre[:, None], 2, 0) / size[:, None]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.stack([cos * x + sin * y, cos * y - sin * x], 2)


def _transform(
    shape: Points, centre: Points, size: NDArray[np.float64], angle: NDArray[np.float64]
) -> Points:
    x, y = np.moveaxis(shape, 2, 0)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    turned = np.stack([cos * x - sin * y, sin * x + cos * y], 2)
    return turned * size[:, None, None] + centre[:, None]

"""Scoring, `iris_delta`: was a difference in eye colour created that the footage does not have?

Rings by geometry: the eyes' centres are refined together, in restored face and footage, by the edge
between iris and white on both sides, then the ring between pupil and rim is read, without glints
and lids.  The value is the larger of two colour differences (CIEDE2000): left against right beyond
what the footage shows, and each iris against the same iris of the footage at the footage's
sharpness.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from forensics.scoring.matched import Matched
from forensics.scoring.measure import (
    F32,
    TEMPLATE_INTEROCULAR_PX,
    U8,
    FaceInput,
    Reading,
    turned,
)

EYES: Final = ((192.98, 239.95), (318.90, 240.19))
"""Centres of the eyes on the template, template px (x, y)."""
RADIUS_PX: Final = 11.7  # of the iris, template px: 0.093 of the eye distance
RING: Final = (0.35, 0.9)  # of the radius: outside the pupil, inside the dark rim
MIN_RADIUS_NATIVE_PX: Final = 3.0
GLINT_L: Final = 90.0  # CIE L*, 0 to 100
MIN_PIXELS: Final = 60  # of about 300 on the template
_REACH_PX = 12  # landmarks miss by about 2 % of the eye distance, and eyes look aside
_NEARNESS, _TOGETHER = 0.06, 0.08  # grey levels for each squared px off the landmark, and apart
_HALF = 40  # half side of the patch looked at, template px
_EYES_BOX = (180, 300, 130, 382)  # rows, columns of the template that hold both eyes
_LAB = NDArray[np.float32]
Centres = tuple[tuple[float, float], tuple[float, float]]
Colours = tuple[NDArray[np.float64], NDArray[np.float64]]


@cache
def _edge_kernel() -> F32:
    """Mean just outside the iris less mean just inside, on both sides and a little below."""
    half = 18
    x = np.arange(-half, half + 1, dtype=np.float64)[None, :]
    y = np.arange(-half, half + 1, dtype=np.float64)[:, None]
    r = np.hypot(x, y) / RADIUS_PX
    # Lids cover the top and often the bottom: only sectors near the horizontal are asked.
    sector = (y > -0.45 * RADIUS_PX) & (y < 0.6 * RADIUS_PX)
    outside = sector & (r > 1.1) & (r < 1.5)
    inside = (r < 0.95) & (np.abs(y) < 0.6 * RADIUS_PX)
    kernel = outside / outside.sum() - inside / inside.sum()
    out = np.asarray(kernel, np.float32)
    out.setflags(write=False)
    return out


def _likeness(rgb_u8: U8, near_px: tuple[float, float]) -> F32:
    """How much each place within `_REACH_PX` of a point looks like an iris's centre (25, 25).

    The surround brighter than the disc, in grey levels; darkened glints aside.
    """
    x, y = round(near_px[0]), round(near_px[1])
    patch = rgb_u8[y - _HALF : y + _HALF + 1, x - _HALF : x + _HALF + 1]
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # A glint inside the iris must not push the centre away: openings take small bright spots out.
    calm = cv2.morphologyEx(grey, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    score = cv2.filter2D(calm, cv2.CV_32F, _edge_kernel(), borderType=cv2.BORDER_REFLECT_101)
    part = slice(_HALF - _REACH_PX, _HALF + _REACH_PX + 1)
    return np.asarray(score[part, part], np.float32)


@cache
def _places() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """x and y (625,) off the usual place, and what it costs that two places lie apart."""
    grid = np.arange(-_REACH_PX, _REACH_PX + 1)
    y, x = (part.ravel() for part in np.meshgrid(grid, grid, indexing="ij"))
    apart = (x[:, None] - x[None, :]) ** 2 + (y[:, None] - y[None, :]) ** 2
    return x, y, _TOGETHER * apart


def centres(*pictures_rgb_u8: U8) -> Centres:
    """Centres of both irises, template px (x, y), from pictures (512, 512, 3) of one face.

    Where all pictures together look most like irises: the restored face is sharp, and the footage
    still knows the place of an iris that was recoloured.  Eyes look the same way, so that both
    centres lie off their usual places alike, or nearly.
    """
    x, y, apart = _places()
    # Ties and weak edges stay near the landmark.
    left, right = (
        np.mean([_likeness(p, eye) for p in pictures_rgb_u8], axis=0).ravel()
        - _NEARNESS * (x**2 + y**2)
        for eye in EYES
    )
    together = left[:, None] + right[None, :] - apart
    found = np.unravel_index(int(together.argmax()), together.shape)
    one, two = (
        (float(round(eye[0]) + x[k]), float(round(eye[1]) + y[k]))
        for eye, k in zip(EYES, found, strict=True)
    )
    return one, two


def ring_colour(lab: _LAB, centre_px: tuple[float, float]) -> NDArray[np.float64] | None:
    """Median Lab (3,) of the ring round a centre, template px; None with too few pixels left.

    Only the band of rows that lids seldom cover counts, without glints (L* > 90).
    """
    reach = int(RADIUS_PX) + 1
    x0, y0 = round(centre_px[0]), round(centre_px[1])
    part = lab[y0 - reach : y0 + reach + 1, x0 - reach : x0 + reach + 1].reshape(-1, 3)
    grid = np.arange(-reach, reach + 1, dtype=np.float64)
    r = np.hypot(grid[None, :], grid[:, None]).ravel() / RADIUS_PX
    down = np.repeat(grid, len(grid)) / RADIUS_PX
    inside = (r >= RING[0]) & (r <= RING[1]) & (down > -0.5) & (down < 0.65)
    pixels = part[inside & (part[:, 0] <= GLINT_L)]
    if len(pixels) < MIN_PIXELS:
        return None
    return np.asarray(np.median(pixels, axis=0), np.float64)


def as_lab(rgb_u8: U8) -> _LAB:
    """CIE Lab (H, W, 3) float32 of an sRGB picture: L* 0..100."""
    return np.asarray(
        cv2.cvtColor(rgb_u8.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32
    )


def difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """CIEDE2000 between two Lab colours."""
    found = deltaE_ciede2000(a, b)  # type: ignore[no-untyped-call]  # scikit-image has no types
    return float(found)


def gate(face: FaceInput) -> str | None:
    """Why the measure abstains for this face, or None."""
    radius = RADIUS_PX / TEMPLATE_INTEROCULAR_PX * face.interocular_px
    if radius < MIN_RADIUS_NATIVE_PX:
        return f"the irises are {radius:.1f} px in radius: too small to show a colour"
    return turned(face.yaw_deg)


def colours(rgb_u8: U8, centres_px: Centres) -> Colours | None:
    """Iris colours (Lab), left and right of the picture; None when one of them is covered."""
    y0, y1, x0, x1 = _EYES_BOX
    lab = as_lab(rgb_u8[y0:y1, x0:x1])
    left, right = (ring_colour(lab, (x - x0, y - y0)) for x, y in centres_px)
    return None if left is None or right is None else (left, right)


def created(face: FaceInput, matched: Matched) -> dict[str, float] | None:
    """The differences in CIEDE2000; None when an iris is covered.

    ``sides``: left against right in the restored face, less the same in the footage.
    ``left``, ``right``: each iris against the footage's, at the footage's sharpness.
    """
    shown, seen = matched.on_template()
    where = centres(face.restored_rgb_u8, seen)
    drawn = colours(face.restored_rgb_u8, where)
    held, footage = colours(shown, where), colours(seen, where)
    if drawn is None or held is None or footage is None:
        return None
    return {
        "sides": difference(*drawn) - difference(*footage),
        "left": difference(held[0], footage[0]),
        "right": difference(held[1], footage[1]),
    }


def measure_iris(face: FaceInput, matched: Matched | None) -> Reading:
    """`iris_delta`: the largest colour difference created in the irises, CIEDE2000."""
    name = "iris_delta"
    reason = gate(face)
    if reason is None and matched is None:
        reason = "the face is too small in the footage"
    if reason is not None or matched is None:
        return Reading(reasons={name: reason or ""})
    found = created(face, matched)
    if found is None:
        return Reading(reasons={name: "glints or lids cover an iris"})
    return Reading({name: max(found.values())})

"""Known answers, attributes: glasses, facial hair and an eye colour painted on a face.

Every function takes the template picture (512, 512, 3) uint8 RGB with landmarks and gives the
edited picture; sizes are a share of the eye distance, an opacity or a colour difference (dE2000).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from tests.known_answers.truths import IRIS_RADIUS_PX

U8 = NDArray[np.uint8]
Points = NDArray[np.float64]
Field = NDArray[np.float64]
FRAME_RGB = (30.0, 26.0, 28.0)
# Lab directions an iris is taken along: towards blue, green, amber, dark brown.
_HUES = ((0.45, -0.15, -1.0), (0.35, -0.9, 0.25), (0.3, 0.3, 1.0), (-0.5, 0.5, 0.4))


def laid_over(rgb_u8: U8, colour: Field, alpha: Field) -> U8:
    """``colour`` (3,) or (H, W, 3) over the picture with ``alpha`` (H, W) in 0..1."""
    a = alpha[..., None]
    return np.asarray(np.clip(np.rint(rgb_u8 * (1 - a) + colour * a), 0, 255), np.uint8)


def glasses(rgb_u8: U8, points_px: Points, thickness_percent: float, opacity: float) -> U8:
    """Two rounded frames, a bridge and two temples, dark, without tint of the lenses.

    ``thickness_percent``: width of the frame's line in % of the eye distance.
    """
    eyes = points_px[:2]
    unit = float(np.linalg.norm(eyes[1] - eyes[0]))
    half = thickness_percent / 200 * unit
    along = (eyes[1] - eyes[0]) / unit
    y, x = np.mgrid[0:512, 0:512].astype(np.float64)
    alpha = np.zeros((512, 512))
    middle = eyes.mean(0)
    u = (x - middle[0]) * along[0] + (y - middle[1]) * along[1]
    v = -(x - middle[0]) * along[1] + (y - middle[1]) * along[0]
    for side in (-0.5, 0.5):
        alpha = np.maximum(alpha, _line(_rounded(u - side * unit, v - 0.06 * unit, unit), half))
    bridge = np.maximum(np.abs(u) - 0.12 * unit, 0)
    alpha = np.maximum(alpha, _line(np.hypot(bridge, v + 0.04 * unit), half))
    temple = np.maximum(np.abs(np.abs(u) - 1.0 * unit) - 0.12 * unit, 0)
    alpha = np.maximum(alpha, _line(np.hypot(temple, v + 0.06 * unit), half))
    return laid_over(rgb_u8, np.array(FRAME_RGB), opacity * alpha)


def _rounded(u: Field, v: Field, unit: float) -> Field:
    """Distance to the outline of a rounded rectangle around an eye (0.76 x 0.56 eye distances)."""
    corner = 0.16 * unit
    du = np.abs(u) - 0.38 * unit + corner
    dv = np.abs(v) - 0.28 * unit + corner
    outside = np.hypot(np.maximum(du, 0), np.maximum(dv, 0))
    return np.asarray(np.abs(outside + np.minimum(np.maximum(du, dv), 0) - corner))


def _line(distance: Field, half_width: float) -> Field:
    """Cover of a line by its distance: soft over one pixel."""
    return np.asarray(np.clip(half_width - distance + 0.5, 0.0, 1.0))


def moustache(rgb_u8: U8, points_px: Points, opacity: float, seed: int) -> U8:
    """Hair between nose and upper lip, 0.84 eye distances wide, of stated opacity."""
    u, v, unit = _about_the_mouth(points_px)
    centre = -0.20 * unit + 0.10 * unit * (u / (0.42 * unit)) ** 2
    away = np.hypot(u / (0.42 * unit), (v - centre) / (0.095 * unit))
    mask = cv2.GaussianBlur(np.clip((1.12 - away) / 0.24, 0, 1), (0, 0), 2.0)
    return laid_over(rgb_u8, _hair(rgb_u8, points_px, seed), opacity * mask)


def beard(rgb_u8: U8, points_px: Points, opacity: float, seed: int) -> U8:
    """Hair on chin, jaw and upper lip, open at the mouth, of stated opacity."""
    u, v, unit = _about_the_mouth(points_px)
    outer = np.hypot(u / (1.02 * unit), (v + 0.35 * unit) / (1.15 * unit)) < 1
    cheeks = np.hypot(u / (0.76 * unit), (v + 0.42 * unit) / (0.62 * unit)) < 1
    lips = np.hypot(u / (0.50 * unit), v / (0.17 * unit)) < 1
    mask = (outer & ~cheeks & (v > -0.28 * unit)) | (
        (np.abs(u) < 0.48 * unit) & (v > -0.28 * unit) & (v < 0.3 * unit)
    )
    soft = cv2.GaussianBlur((mask & ~lips).astype(np.float64), (0, 0), 4.0)
    return laid_over(rgb_u8, _hair(rgb_u8, points_px, seed), opacity * soft)


def _about_the_mouth(points_px: Points) -> tuple[Field, Field, float]:
    """Coordinates along the mouth and down the face from its middle, px, and the eye distance."""
    middle = points_px[3:].mean(0)
    across = points_px[1] - points_px[0]
    unit = float(np.linalg.norm(across))
    along = across / unit
    y, x = np.mgrid[0:512, 0:512].astype(np.float64)
    u = (x - middle[0]) * along[0] + (y - middle[1]) * along[1]
    v = -(x - middle[0]) * along[1] + (y - middle[1]) * along[0]
    return u, v, unit


def _hair(rgb_u8: U8, points_px: Points, seed: int) -> Field:
    """Strands (512, 512, 3): a third of the skin's brightness, brownish, drawn downwards."""
    nose_x, nose_y = np.rint(points_px[2]).astype(int)
    skin = np.median(rgb_u8[nose_y - 40 : nose_y, nose_x - 12 : nose_x + 12].reshape(-1, 3), 0)
    noise = np.random.default_rng(seed).normal(0, 1, (512, 512))
    strands = cv2.GaussianBlur(noise, (0, 0), sigmaX=0.9, sigmaY=6.0)
    strands /= strands.std()
    level = 0.32 * float(skin.mean()) * (1 + 0.3 * strands)
    return np.asarray(np.clip(level[..., None] * np.array([1.12, 0.98, 0.9]), 0, 255))


def lab_of(rgb_u8: U8) -> Field:
    """CIE Lab (D65) of sRGB pixels (H, W, 3): L 0..100."""
    return np.asarray(cv2.cvtColor(rgb_u8.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float64)


def iris_masks(irises_px: Points) -> tuple[NDArray[np.bool_], Field]:
    """Ring of the iris (2, 512, 512) bool that a colour is read from, and the painted cover 0..1.

    The ring spans 0.35 to 0.9 of the radius and leaves the rows under the lids out; the paint also
    covers its soft border.
    """
    y, x = np.mgrid[0:512, 0:512].astype(np.float64)
    rings, covers = [], []
    for cx, cy in irises_px:
        r, dy = np.hypot(x - cx, y - cy) / IRIS_RADIUS_PX, (y - cy) / IRIS_RADIUS_PX
        rings.append((r >= 0.35) & (r <= 0.9) & (np.abs(dy) <= 0.6))
        cover = np.clip((1.05 - r) / 0.12, 0, 1) * np.clip((r - 0.28) / 0.08, 0, 1)
        covers.append(cover * np.clip((0.75 - np.abs(dy)) / 0.15, 0, 1))
    return np.stack(rings), np.stack(covers)


def iris_colour(rgb_u8: U8, ring: NDArray[np.bool_]) -> Field:
    """Median Lab (3,) of a ring without its highlights (L above 85)."""
    lab = lab_of(rgb_u8[ring][None])[0]
    return np.asarray(np.median(lab[lab[:, 0] <= 85] if (lab[:, 0] <= 85).any() else lab, axis=0))


def iris_recoloured(rgb_u8: U8, irises_px: Points, delta_e: float, seed: int) -> U8:
    """One iris recoloured until the median of its ring is ``delta_e`` (dE2000) from what it was.

    Which eye and which hue is seeded; a hue that cannot reach the size gives way to the next.
    Raises `ValueError` when none can.
    """
    rng = np.random.default_rng(seed)
    eye = int(rng.integers(2))
    ring, cover = (part[eye] for part in iris_masks(irises_px))
    before = iris_colour(rgb_u8, ring)
    for k in rng.permutation(len(_HUES)):
        low, high = 0.0, 110.0
        for _ in range(22):
            middle = (low + high) / 2
            painted = _tinted(rgb_u8, cover, middle * np.array(_HUES[k]))
            if deltaE_ciede2000(before, iris_colour(painted, ring)) < delta_e:
                low = middle
            else:
                high = middle
        painted = _tinted(rgb_u8, cover, high * np.array(_HUES[k]))
        if abs(deltaE_ciede2000(before, iris_colour(painted, ring)) - delta_e) <= 0.5:
            return painted
    raise ValueError(f"no hue reaches a colour difference of {delta_e} on this iris")


def _tinted(rgb_u8: U8, cover: Field, step_lab: Field) -> U8:
    """The picture with Lab moved by ``step_lab`` where ``cover`` is above 0."""
    rows, columns = np.nonzero(cover > 0)
    y0, y1, x0, x1 = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    patch = rgb_u8[y0:y1, x0:x1]
    lab = (lab_of(patch) + step_lab).astype(np.float32)
    new = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1).astype(np.float64) * 255
    out = rgb_u8.copy()
    out[y0:y1, x0:x1] = laid_over(patch, new, cover[y0:y1, x0:x1])
    return out

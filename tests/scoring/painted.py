"""Painted defects of known size on a template face (512, 512, 3), for known-answer tests."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

Picture = NDArray[np.uint8]
EYES = ((193, 240), (319, 240))


def glasses(face: Picture, thickness: int = 6, grey: int = 25, round_: bool = False) -> Picture:
    """Frames round both eyes with a bridge and the start of the arms."""
    out = face.copy()
    colour = (grey, grey, grey)
    for x, y in EYES:
        if round_:
            cv2.ellipse(out, (x, y + 6), (46, 40), 0, 0, 360, colour, thickness, cv2.LINE_AA)
        else:
            box = np.array([[-50, -26], [50, -26], [44, 40], [-44, 40]], np.int32)
            cv2.polylines(
                out, [box + np.array([x, y], np.int32)], True, colour, thickness, cv2.LINE_AA
            )
    cv2.line(out, (243, 234), (269, 234), colour, thickness, cv2.LINE_AA)
    cv2.line(out, (143, 228), (104, 222), colour, thickness, cv2.LINE_AA)
    cv2.line(out, (369, 228), (408, 222), colour, thickness, cv2.LINE_AA)
    return out


def moustache(face: Picture, strength: float = 0.6, seed: int = 3) -> Picture:
    """A moustache: the skin between nose and mouth darkened by ``strength``, with hairs."""
    mask = np.zeros(face.shape[:2], np.float32)
    shape = [[196, 362], [214, 344], [256, 336], [298, 344], [316, 362], [286, 360], [256, 356],
             [226, 360]]  # fmt: skip
    cv2.fillPoly(mask, [np.array(shape, np.int32)], 1.0)
    return _hair(face, mask, strength, seed)


def beard(face: Picture, strength: float = 0.5, seed: int = 4) -> Picture:
    """A beard along the jaw and on the chin."""
    mask = np.zeros(face.shape[:2], np.float32)
    shape = [[118, 330], [140, 400], [180, 448], [256, 478], [332, 448], [372, 400], [394, 330],
             [352, 392], [318, 424], [256, 430], [194, 424], [160, 392]]  # fmt: skip
    cv2.fillPoly(mask, [np.array(shape, np.int32)], 1.0)
    return _hair(face, mask, strength, seed)


def _hair(face: Picture, mask: NDArray[np.float32], strength: float, seed: int) -> Picture:
    soft = cv2.GaussianBlur(mask, (0, 0), 3.0)[..., None]
    grain = np.random.default_rng(seed).normal(0, 1, mask.shape).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 1.0)[..., None] * 30
    dark = face.astype(np.float32) * (1 - strength) + grain
    return np.clip(face * (1 - soft) + dark * soft, 0, 255).astype(np.uint8)


def recoloured(face: Picture, delta: float, eye: int = 0, centre: tuple[float, float] | None = None,
               blue: bool = True) -> Picture:  # fmt: skip
    """One iris moved by ``delta`` (CIEDE2000) in hue, towards blue or towards yellow."""
    x, y = centre if centre is not None else EYES[eye]
    yy, xx = np.mgrid[:512, :512]
    mask = (np.hypot(xx - x, yy - y) <= 11.7).astype(np.float32)
    soft = cv2.GaussianBlur(mask, (0, 0), 1.0)[..., None]
    lab = rgb2lab(face)
    middle = np.median(lab[mask > 0.5], axis=0)
    way = np.array([0.0, -0.2, -1.0]) if blue else np.array([0.0, -0.4, 1.0])
    steps = np.linspace(0, 90, 361)
    found = deltaE_ciede2000(middle[None], middle[None] + steps[:, None] * way)
    step = steps[int(np.argmin(np.abs(found - delta)))]
    changed = _srgb(lab + step * way)
    return np.clip(face * (1 - soft) + changed * soft, 0, 255).astype(np.uint8)


def _srgb(lab: NDArray[np.float64]) -> NDArray[np.float32]:
    """0..255, clipped; OpenCV's, because skimage warns of each colour outside sRGB."""
    return np.asarray(cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB) * 255, np.float32)


def _moved(face: Picture, dx: NDArray[np.float64], dy: NDArray[np.float64]) -> Picture:
    yy, xx = np.mgrid[:512, :512].astype(np.float64)
    return cv2.remap(
        face, (xx - dx).astype(np.float32), (yy - dy).astype(np.float32),
        cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip


def jaw_widened(face: Picture, share: float) -> Picture:
    """The lower face wider by ``share`` about the middle; eyes and brow stay."""
    yy, xx = np.mgrid[:512, :512].astype(np.float64)
    low = 1 / (1 + np.exp(-(yy - 350) / 18))
    return _moved(face, share * (xx - 256) * low, np.zeros_like(yy))


def eyes_moved(face: Picture, dx_px: float, dy_px: float = 0.0) -> Picture:
    """Both eyes moved apart by ``dx_px`` each and down by ``dy_px``, softly."""
    yy, xx = np.mgrid[:512, :512].astype(np.float64)
    dx, dy = np.zeros_like(xx), np.zeros_like(xx)
    for k, (x, y) in enumerate(EYES):
        near = np.exp(-(((xx - x) / 50) ** 4 + ((yy - y) / 36) ** 4))
        dx += (dx_px if k else -dx_px) * near
        dy += dy_px * near
    return _moved(face, dx, dy)


def widened(face: Picture, share: float) -> Picture:
    """The whole picture wider by ``share`` about its middle."""
    matrix = np.array([[1 + share, 0, -share * 256], [0, 1, 0]])
    return cv2.warpAffine(
        face, matrix, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )


def lattice(face: Picture, period_px: int = 8, amplitude: float = 10.0) -> Picture:
    """A regular grid over the hair band: a line every ``period_px``, both ways."""
    from forensics.scoring.regions import template_mask

    yy, xx = np.mgrid[:512, :512]
    wave = np.cos(2 * np.pi * xx / period_px) + np.cos(2 * np.pi * yy / period_px)
    soft = cv2.GaussianBlur(template_mask("hair").astype(np.float32), (0, 0), 4.0)
    return np.clip(face + (amplitude * wave * soft)[..., None], 0, 255).astype(np.uint8)

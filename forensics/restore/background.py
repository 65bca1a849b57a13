"""Restore, background: enlarge the picture outside the faces.

Promise: every method says what it is and what it ran with, and a method that could not do a frame
says so and gives Lanczos in its place (`Enlarged.fallen_back`), never another frame's or another
tile's pixels.  Lanczos invents nothing; at scale 1 it hands back the same pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
METHOD = "lanczos4"


@dataclass(frozen=True)
class Enlarged:
    """An enlarged frame (H', W', 3) uint8 RGB.

    ``fallen_back``: None when the method asked for drew it, else why Lanczos had to.
    """

    rgb_u8: U8
    fallen_back: str | None = None


@dataclass(frozen=True)
class BackgroundFacts:
    """What identifies a background and its numbers; None where a method has no such thing.

    ``halo_px`` is what is read around a tile, ``reach_px`` what it would take for tiles that equal
    the whole exactly; ``denoise`` is the share of the plain weights where two sets were mixed.
    """

    method: str
    model: str | None = None
    version: str | None = None
    sha256: str | None = None
    licence: str | None = None
    dtype: str | None = None
    net_scale: int | None = None
    tile_px: int | None = None
    halo_px: int | None = None
    reach_px: int | None = None
    blend_px: int | None = None
    batch_size: int | None = None
    denoise: float | None = None
    denoise_sha256: str | None = None
    deterministic: bool = True


class Background(Protocol):
    """Anything that enlarges a frame."""

    @property
    def facts(self) -> BackgroundFacts:
        """Method, model, digest, licence and numeric settings."""
        ...

    def enlarge(self, frame_rgb_u8: U8, scale: float) -> Enlarged:
        """Enlarge (H, W, 3) uint8 by ``scale`` >= 1 to `enlarged_size_px`; a new array.

        Raises ``ValueError`` for a wrong dtype, shape or scale.
        """
        ...


class LanczosBackground:
    """The plain one: an 8-tap kernel, no model."""

    @property
    def facts(self) -> BackgroundFacts:
        """The method's name; there is nothing else to say."""
        return BackgroundFacts(METHOD)

    def enlarge(self, frame_rgb_u8: U8, scale: float) -> Enlarged:
        """As `enlarge`; it cannot fall back."""
        return Enlarged(enlarge(frame_rgb_u8, scale))


def enlarged_size_px(width: int, height: int, scale: float) -> tuple[int, int]:
    """(width, height) after enlargement by ``scale`` >= 1, each rounded to nearest.

    Raises ``ValueError`` for a scale below 1 or not finite.
    """
    if not math.isfinite(scale) or scale < 1:
        raise ValueError(f"scale must be finite and at least 1, is {scale}")
    return round(width * scale), round(height * scale)


def check_frame(frame_rgb_u8: U8) -> None:
    """Raise ``ValueError`` unless the frame is (H, W, 3) uint8 with pixels in it."""
    if frame_rgb_u8.dtype != np.uint8 or frame_rgb_u8.ndim != 3 or frame_rgb_u8.shape[2] != 3:
        raise ValueError(
            f"frame must be (H, W, 3) uint8, is {frame_rgb_u8.shape} {frame_rgb_u8.dtype}"
        )
    if frame_rgb_u8.size == 0:
        raise ValueError(f"frame must have pixels, is {frame_rgb_u8.shape}")


def enlarge(frame_rgb_u8: U8, scale: float) -> U8:
    """Enlarge (H, W, 3) uint8 by ``scale`` with an 8-tap Lanczos kernel (cv2.INTER_LANCZOS4).

    Pixel edges coincide: output x shows input ``(x + 0.5) * W / W' - 0.5``.  A new array, also at
    scale 1.  Raises ``ValueError`` for a wrong dtype, shape or scale.
    """
    check_frame(frame_rgb_u8)
    height, width = frame_rgb_u8.shape[:2]
    return resized(frame_rgb_u8, enlarged_size_px(width, height, scale))


def resized(frame_rgb_u8: U8, size_px: tuple[int, int]) -> U8:
    """(H, W, 3) uint8 by the same kernel to (width, height); a new array, also at the same size."""
    if size_px == (frame_rgb_u8.shape[1], frame_rgb_u8.shape[0]):
        return frame_rgb_u8.copy()
    return np.asarray(
        cv2.resize(frame_rgb_u8, size_px, interpolation=cv2.INTER_LANCZOS4), dtype=np.uint8
    )

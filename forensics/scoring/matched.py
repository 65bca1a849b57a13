"""Scoring, matched: the restored face as the footage would show it, beside the footage.

Several measures ask whether restored face and footage differ at the footage's own sharpness.  They
share one picture: the restored face shrunk, blurred, shifted and matched in colour as
`contradiction.match_to_footage` found best.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from forensics.scoring.contradiction import MIN_SIDE_PX, filmed_soft, match_to_footage, shifted
from forensics.scoring.information import noise_grey
from forensics.scoring.measure import F32, TEMPLATE_PX, U8, FaceInput


@dataclass(frozen=True)
class Matched:
    """Footage and restored face at the footage's sampling: (h, h, 3) float32 RGB, grey levels.

    ``shown_rgb`` is the restored face brought to the footage, ``seen_rgb`` the footage;
    ``noise_grey`` is the footage's noise, at least one grey level.
    """

    shown_rgb: F32
    seen_rgb: F32
    noise_grey: float

    @property
    def side_px(self) -> int:
        """h, native px."""
        return int(self.seen_rgb.shape[0])

    def on_template(self) -> tuple[U8, U8]:
        """Restored face and footage enlarged alike (bicubic): two (512, 512, 3) uint8."""
        return _enlarged(self.shown_rgb), _enlarged(self.seen_rgb)


def _enlarged(rgb: F32) -> U8:
    how = cv2.INTER_CUBIC if rgb.shape[0] <= TEMPLATE_PX else cv2.INTER_AREA
    big = cv2.resize(rgb, (TEMPLATE_PX, TEMPLATE_PX), interpolation=how)
    return np.asarray(np.clip(np.rint(big), 0, 255), np.uint8)


def bring_to_footage(face: FaceInput) -> Matched | None:
    """Both pictures of one face; None under 24 native px, where blur and shift are not defined."""
    side = face.native_rgb_u8.shape[0]
    if side < MIN_SIDE_PX:
        return None
    match = match_to_footage(face)
    how = cv2.INTER_AREA if side < TEMPLATE_PX else cv2.INTER_CUBIC
    small = cv2.resize(face.restored_rgb_u8, (side, side), interpolation=how).astype(np.float32)
    placed = shifted(small, *match.shift_px)
    moved = filmed_soft(placed, match.sigma_px, match.colour_sigma_px)
    gain = np.array(match.gain, np.float32)
    offset = np.array(match.offset_grey, np.float32)
    return Matched(
        shown_rgb=np.asarray(moved * gain + offset, np.float32),
        seen_rgb=face.native_rgb_u8.astype(np.float32),
        noise_grey=max(1.0, noise_grey(face.native_rgb_u8)),
    )

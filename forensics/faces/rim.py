"""Faces that the rim of the frame cuts off: what lies beyond it is not measured.

A crop is grey where the footage ends.  Held against it, a face that was drawn whole contradicts
footage that does not exist, and the grey, which has no noise, makes the rest look less noisy than
it is.  For measuring, footage and restored face therefore both go on as their own mirror image
beyond the rim: nothing new is compared, and noise, blur and fine detail keep their share.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.faces.align import TEMPLATE_PX

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
# Pixels next to the rim are mixed with the grey beyond it by bicubic sampling.
MARGIN_PX = 1.0


@dataclass(frozen=True)
class Rim:
    """Where a frame of ``width`` x ``height`` px ends on the template.

    ``affine`` (2, 3) maps frame px to template px; pixel centres at integers.
    """

    affine: NDArray[np.float64]
    width: int
    height: int

    def beyond(self, side: int = TEMPLATE_PX) -> NDArray[np.bool_]:
        """(side, side) bool: what lies beyond the frame or is mixed with it."""
        x, y = self._places(side)
        low, right, bottom = self._edges()
        return np.asarray((x < low) | (x > right) | (y < low) | (y > bottom))

    def share(self) -> float:
        """Share of the template's square that lies beyond the frame, 0..1."""
        corners = np.array([[0, 0, 1, 1], [0, 1, 0, 1]], np.float64) * (TEMPLATE_PX - 1)
        back = cv2.invertAffineTransform(self.affine)
        x, y = back[:, :2] @ corners + back[:, 2:]
        low, right, bottom = self._edges()
        if x.min() >= low and x.max() <= right and y.min() >= low and y.max() <= bottom:
            return 0.0
        return float(self.beyond().mean())

    def mirrored(self, picture_rgb_u8: U8) -> U8:
        """A square picture of the template, (h, h, 3), that goes on as its mirror image."""
        side = picture_rgb_u8.shape[0]
        x, y = self._places(side)
        low, right, bottom = self._edges()
        x, y = _folded(x, low, right), _folded(y, low, bottom)
        u = self.affine[0, 0] * x + self.affine[0, 1] * y + self.affine[0, 2]
        v = self.affine[1, 0] * x + self.affine[1, 1] * y + self.affine[1, 2]
        k = side / TEMPLATE_PX
        at = [np.asarray(a * k + 0.5 * k - 0.5, np.float32) for a in (u, v)]
        way, rim = cv2.INTER_LINEAR, cv2.BORDER_REFLECT
        moved = cv2.remap(picture_rgb_u8, at[0], at[1], way, borderMode=rim)
        return np.where(self.beyond(side)[..., None], moved, picture_rgb_u8).astype(np.uint8)

    def _edges(self) -> tuple[float, float, float]:
        """Left and upper edge, right edge, lower edge of what is clean, frame px."""
        scale = float(np.sqrt(abs(np.linalg.det(self.affine[:, :2]))))
        margin = MARGIN_PX * max(1.0, 1.0 / scale)
        return margin, self.width - 1 - margin, self.height - 1 - margin

    def _places(self, side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Frame px of each pixel of a (side, side) picture of the template."""
        at = (np.arange(side) + 0.5) * (TEMPLATE_PX / side) - 0.5
        back = cv2.invertAffineTransform(self.affine)
        u, v = np.meshgrid(at, at)
        x = back[0, 0] * u + back[0, 1] * v + back[0, 2]
        y = back[1, 0] * u + back[1, 1] * v + back[1, 2]
        return x, y


def _folded(at: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Places mirrored at both ends until they lie between them."""
    reach = max(high - low, 1e-6)
    turned = np.abs((at - low) % (2 * reach))
    return low + np.minimum(turned, 2 * reach - turned)

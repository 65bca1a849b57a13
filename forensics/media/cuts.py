"""Media, cuts: says where a new shot begins, so that nothing is smoothed or followed across it.

The measure is the change of hue, saturation and lightness between two frames, as PySceneDetect's
content detector takes it; a cut is a change that is large and stands out from the changes just
before it, as its adaptive detector asks (https://www.scenedetect.com/docs/).  Only frames that were
already read are looked at.  Fades and dissolves are not found: they have no first frame.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

SMALL_PX = (64, 36)  # width, height: a face that turns or a hand that passes hardly counts
# Defaults of PySceneDetect 0.6: content 27 without looking around, else 15 and three times as much
# as around.
SURE_CHANGE = 27.0
LEAST_CHANGE = 15.0
RATIO = 3.0
WINDOW = 3  # changes before this one; a pan or a shake is many changes in a row
# Under this much change around, any ratio is large: a still picture that is lit anew.
QUIET_CHANGE = 1.0


class CutMeter:
    """Takes the frames of a clip in order; `add` tells whether one begins a new shot."""

    def __init__(self) -> None:
        self._last: NDArray[np.int16] | None = None
        self._changes: deque[float] = deque(maxlen=WINDOW)

    def add(self, rgb_u8: NDArray[np.uint8]) -> bool:
        """Whether this frame (H, W, 3) begins a new shot; the first frame of a clip does not."""
        small = _small_hsv(rgb_u8)
        last, self._last = self._last, small
        if last is None:
            return False
        change = change_of(last, small)
        usual = max(QUIET_CHANGE, float(np.mean(self._changes))) if self._changes else QUIET_CHANGE
        least = LEAST_CHANGE if self._changes else SURE_CHANGE
        if change < least or change < RATIO * usual:
            self._changes.append(change)
            return False
        # What was usual in one shot says nothing about the next.
        self._changes.clear()
        return True


def change_of(a_hsv: NDArray[np.int16], b_hsv: NDArray[np.int16]) -> float:
    """Mean change of hue (0..90, around the circle), saturation and value (0..255), averaged."""
    difference = np.abs(a_hsv - b_hsv)
    difference[..., 0] = np.minimum(difference[..., 0], 180 - difference[..., 0])
    return float(difference.mean(axis=(0, 1)).mean())


def _small_hsv(rgb_u8: NDArray[np.uint8]) -> NDArray[np.int16]:
    small = cv2.resize(rgb_u8, SMALL_PX, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2HSV).astype(np.int16)

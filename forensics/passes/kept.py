"""Kept: restored faces of an interrupted run, so that a resumed one need not draw them again.

Promise: a face is handed out only when the crop it was drawn from and its own pixels have the
recorded digests; in every other case the answer is None and the network runs.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray


class Kept(Protocol):
    """Looks up restored faces."""

    def get(self, frame: int, person: int, crop_sha256: str) -> NDArray[np.uint8] | None:
        """The restored face (512, 512, 3) uint8 RGB drawn from exactly that crop, or None."""


class _Nothing:
    def get(self, frame: int, person: int, crop_sha256: str) -> NDArray[np.uint8] | None:
        """None: nothing was kept."""
        return None


NOTHING_KEPT: Final[Kept] = _Nothing()

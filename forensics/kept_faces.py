"""Kept faces: restored faces of an interrupted run, read back and held against its journal.

A picture that is missing, torn or altered is no error: its face is restored again, and the log says
so.
"""

from __future__ import annotations

import logging

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.evidence.bundle import BundleWriter
from forensics.evidence.journal import Journal
from forensics.passes.face_line import rgb_sha256
from forensics.passes.sink import picture_name

log = logging.getLogger(__name__)


class KeptFaces:
    """A `forensics.passes.kept.Kept` over the faces of one journal."""

    def __init__(self, bundle: BundleWriter, journal: Journal) -> None:
        self._bundle, self._journal = bundle, journal

    def get(self, frame: int, person: int, crop_sha256: str) -> NDArray[np.uint8] | None:
        """The restored face (512, 512, 3) uint8 RGB drawn from exactly that crop, or None."""
        known = self._journal.kept.get((frame, person))
        if known is None or known.crop_sha256 != crop_sha256:
            return None
        path = self._bundle.kept_face(picture_name(frame, person))
        try:
            raw = np.frombuffer(path.read_bytes(), np.uint8)
        except OSError as error:
            log.info("%s was not kept: %s", path.name, error)
            return None
        bgr = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
        if bgr is None:
            log.warning("%s of the interrupted run is damaged; restored again", path.name)
            return None
        rgb_u8 = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        if rgb_sha256(rgb_u8) != known.restored_sha256:
            log.warning("%s of the interrupted run was altered; restored again", path.name)
            return None
        return rgb_u8

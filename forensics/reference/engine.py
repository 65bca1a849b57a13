"""Reference engine: whole frames through upstream's own `enhance`; what it hides is recorded.

Promise: the pictures are upstream's to the last bit.  A face whose network fails is a recorded
failure, and the frame is made again without it; a background that fails falls back to upstream's
own Lanczos enlargement, recorded.  Never an unrestored crop as restored, never another tile's
pixels, never a missing frame.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.errors import EnvironmentLacks
from forensics.models.official import fetch_command
from forensics.records import Affine, Detection, Failure, Rejected
from forensics.reference.build import (
    TILE_PX,
    ReferenceModels,
    arch_of,
    build_gfpganer,
    build_upsampler,
)
from forensics.reference.frame import Noise, ReferenceFace, ReferenceFacts, ReferenceFrame
from forensics.reference.loud import Heard, LoudForward, make_loud
from forensics.reference.packages import official_classes

log = logging.getLogger(__name__)

EYES_MIN_PX = 5.0  # gfpgan/utils.py:114
# What official code without checks can raise on one frame; the frame says so and the next goes on.
UPSTREAM_ERRORS = (
    RuntimeError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
    cv2.error,
)
_REASONS = {
    "align": "the official code could not align this face",
    "restore": "the official network failed on this face",
    "background": "the official network failed on the background; Lanczos stands in",
    "detect": "the official code failed to look for faces in this frame",
    "paste": "the official code failed to paste the faces of this frame",
}
Rows = NDArray[np.float32]  # (N, 15): box, score, five points


@dataclass
class _Asked:
    """What the detector found in this frame, and which of it upstream is to use."""

    found: Rows | None = None
    forced: Rows | None = None
    left_out: set[int] = field(default_factory=set)
    used: list[int] = field(default_factory=list)


@dataclass
class ReferenceEngine:
    """Upstream's restorer, background and helper, wrapped so that errors come out."""

    restorer: Any
    facts: ReferenceFacts
    _face: LoudForward = field(init=False)
    _tile: LoudForward | None = field(init=False, default=None)
    _upsampler: Any = field(init=False)
    _asked: _Asked = field(init=False, default_factory=_Asked)

    def __post_init__(self) -> None:
        # RestoreFormer has no noise and takes no such argument by name; its kwargs ignore it.
        fixed = {"randomize_noise": False} if self.facts.noise == "stored" else {}
        self._face = make_loud(self.restorer.gfpgan, "restore", fixed)
        self._upsampler = self.restorer.bg_upsampler
        if self._upsampler is not None:
            self._tile = make_loud(self._upsampler.model, "background", {})
        detector = self.restorer.face_helper.face_det
        self._detect = detector.detect_faces
        object.__setattr__(detector, "detect_faces", self._detected)

    @classmethod
    def load(
        cls,
        models: ReferenceModels,
        device: torch.device,
        *,
        upscale: float = 2,
        background: str = "lanczos",
        noise: Noise = "fresh",
        tile_px: int = TILE_PX,
    ) -> ReferenceEngine:
        """Build upstream's objects from verified weights; nothing is downloaded.

        ``noise``: ``fresh`` is upstream's own (two runs differ), ``stored`` binds
        ``randomize_noise=False`` for comparisons.  Raises `EnvironmentLacks` (5) without the extra
        ``reference`` or the background's weights, `UsageError` (2) for weights of other networks.
        """
        official = official_classes()
        upsampler = None
        if background != "lanczos":
            if models.background is None:
                raise EnvironmentLacks(
                    f"--background {background}: its weights were not loaded",
                    f"Run '{fetch_command(background)}'.",
                )
            upsampler = build_upsampler(official, models.background, background, device, tile_px)
        restorer = build_gfpganer(official, models, upscale, device)
        restorer.bg_upsampler = upsampler
        facts = ReferenceFacts(
            versions=official.versions,
            upscale=upscale,
            background=background,
            tile_px=0 if background == "lanczos" else tile_px,
            half_background=background != "lanczos" and device.type == "cuda",
            noise="stored" if arch_of(models.restorer) == "RestoreFormer" else noise,
            device=str(device),
        )
        return cls(restorer, facts)

    def enhance(
        self, frame_rgb_u8: NDArray[np.uint8], detections: Sequence[Detection] | None = None
    ) -> ReferenceFrame | Failure:
        """One frame (H, W, 3) uint8 RGB.  `Failure` when no picture could be made of it at all.

        ``detections``: use these faces and not what the official detector finds (it runs all the
        same); for comparisons on the same faces.
        """
        forced = None if detections is None else rows_of(detections)
        self._asked = _Asked(forced=forced)
        failed: dict[int, ReferenceFace] = {}
        background_failure: Failure | None = None
        self.restorer.bg_upsampler = self._upsampler
        bgr = np.ascontiguousarray(frame_rgb_u8[..., ::-1])
        # Each round takes one face or the background out of what is asked, so this ends.
        while True:
            trouble = self._round(bgr)
            if isinstance(trouble, np.ndarray):
                return self._frame(trouble, failed, background_failure)
            stage, index, error = trouble
            failure = Failure.of(stage, _REASONS[stage], error)
            log.warning("%s: %s", failure.reason, failure.error)
            if stage == "background" and self.restorer.bg_upsampler is not None:
                self.restorer.bg_upsampler, background_failure = None, failure
            elif index is not None:
                failed[index] = self._face_record(index, failure)
                self._asked.left_out.add(index)
            elif stage == "paste" and self._asked.used:
                for k in self._asked.used:
                    failed[k] = self._face_record(k, failure)
                    self._asked.left_out.add(k)
            else:
                return failure

    def _round(
        self, frame_bgr_u8: NDArray[np.uint8]
    ) -> NDArray[np.uint8] | tuple[str, int | None, Exception]:
        """Run upstream once: the picture (BGR), or the stage, the face and the error."""
        self._face.begin()
        if self._tile is not None:
            self._tile.begin()
        self._asked.used = []
        said = io.StringIO()
        try:
            # Upstream prints a line per tile; standard output belongs to results.
            with contextlib.redirect_stdout(said):
                crops, restored, picture = self.restorer.enhance(frame_bgr_u8, paste_back=True)
        except Heard as heard:
            if heard.part == "background":
                return "background", None, heard.cause
            return "restore", self._asked.used[heard.call], heard.cause
        except UPSTREAM_ERRORS as error:
            return (*self._place(), error)
        finally:
            log.debug("upstream said: %s", said.getvalue())
        for k, (crop, face) in enumerate(zip(crops, restored, strict=True)):
            # A way to the swallowed error that the wrapped network does not see.
            if np.array_equal(crop, face):
                same = ValueError("the restored face is the crop, byte for byte")
                return "restore", self._asked.used[k], same
        if picture.dtype != np.uint8:
            return "paste", None, ValueError(f"the picture is {picture.dtype}, not uint8")
        return np.asarray(picture, np.uint8)

    def _place(self) -> tuple[str, int | None]:
        """Stage, and face where it is one face's, that upstream had reached when it broke off."""
        helper, used = self.restorer.face_helper, self._asked.used
        if self._asked.found is None:
            return "detect", None
        if len(helper.cropped_faces) < len(used):
            return "align", used[len(helper.cropped_faces)]
        if len(helper.restored_faces) < len(used):
            return "restore", used[len(helper.restored_faces)]
        # The inverse matrices are made after the background and before the paste.
        if self.restorer.bg_upsampler is not None and not helper.inverse_affine_matrices:
            return "background", None
        return "paste", None

    def _detected(self, image_bgr_u8: NDArray[np.uint8], *args: Any, **kwargs: Any) -> Rows:
        """In the place of upstream's ``detect_faces``: its answer, less the faces that failed."""
        asked = self._asked
        if asked.found is None:
            found = self._detect(image_bgr_u8, *args, **kwargs)
            asked.found = found if asked.forced is None else asked.forced
        wide = [k for k in range(len(asked.found)) if eyes_px(asked.found[k]) >= EYES_MIN_PX]
        asked.used = [k for k in wide if k not in asked.left_out]
        return asked.found[asked.used]

    def _face_record(self, index: int, failure: Failure) -> ReferenceFace:
        """A failed face with what upstream's helper still holds of it."""
        helper, place = self.restorer.face_helper, self._asked.used.index(index)
        crops, affines = helper.cropped_faces, helper.affine_matrices
        crop = rgb(crops[place]) if place < len(crops) else None
        affine = affines[place] if place < len(affines) else None
        return self._record(index, crop, failure, affine)

    def _record(
        self,
        index: int,
        crop: NDArray[np.uint8] | None,
        restored: NDArray[np.uint8] | Failure,
        affine: NDArray[np.float64] | None,
    ) -> ReferenceFace:
        if self._asked.found is None:
            raise AssertionError("a face is recorded after the detector has run")
        box, score, points = split_row(self._asked.found[index])
        return ReferenceFace(crop, restored, affine_rows(affine), points, box, score)

    def _frame(
        self,
        picture_bgr_u8: NDArray[np.uint8],
        failed: dict[int, ReferenceFace],
        background_failure: Failure | None,
    ) -> ReferenceFrame:
        helper, faces = self.restorer.face_helper, dict(failed)
        for place, index in enumerate(self._asked.used):
            faces[index] = self._record(
                index,
                rgb(helper.cropped_faces[place]),
                rgb(helper.restored_faces[place]),
                helper.affine_matrices[place],
            )
        found = self._asked.found if self._asked.found is not None else np.zeros((0, 15))
        rejected = []
        for k in range(len(found)):
            if k not in faces:
                box, score, _ = split_row(found[k])
                rejected.append(Rejected(box_px=box, score=score, reason="below_eye_px"))
        return ReferenceFrame(
            picture_rgb_u8=rgb(picture_bgr_u8),
            faces=tuple(faces[k] for k in sorted(faces)),
            rejected=tuple(rejected),
            background_failure=background_failure,
        )


def rgb(picture_bgr_u8: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The other order of channels, as an array of its own."""
    return np.ascontiguousarray(picture_bgr_u8[..., ::-1])


def eyes_px(row: NDArray[np.float32]) -> float:
    """Distance between the eye points of a row, as upstream takes it."""
    return float(np.linalg.norm([row[5] - row[7], row[6] - row[8]]))


def rows_of(detections: Sequence[Detection]) -> Rows:
    """Detections as upstream's detector gives them, (N, 15) float32."""
    rows = [
        [*d.box_px, d.score, *(value for point in d.landmarks_px for value in point)]
        for d in detections
    ]
    return np.asarray(rows, np.float32).reshape(len(rows), 15)


def split_row(row: NDArray[np.float32]) -> tuple[Any, float, Any]:
    """Box, score and five points of a row, as plain numbers."""
    values = [float(v) for v in row]
    points = tuple((values[k], values[k + 1]) for k in range(5, 15, 2))
    return tuple(values[:4]), values[4], points


def affine_rows(matrix: NDArray[np.float64] | None) -> Affine | None:
    """The matrix as the records store it."""
    if matrix is None:
        return None
    (a, b, c), (d, e, f) = np.asarray(matrix, np.float64).tolist()
    return ((a, b, c), (d, e, f))

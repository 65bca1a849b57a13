"""Drawing: from followed faces to restored ones and to the whole restored picture.

`Drawer` is what the second pass asks; `NativeDrawer` answers with our own networks.  Promise: one
`DrawnFace` for each followed face, in order, restored or with its failure or reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forensics.faces.align import Aligned, align_face
from forensics.media.reader import DecodedFrame
from forensics.passes.follow import FollowedFace
from forensics.passes.kept import Kept
from forensics.records import Failure, Rejected, SkipReason
from forensics.restore.background import Background, Enlarged
from forensics.restore.mask import FaceMask
from forensics.restore.parsing import FaceParser
from forensics.restore.paste import PlacedFace, paste_into
from forensics.restore.paste_upstream import paste_upstream
from forensics.restore.restorer import FallenBack, Restorer, Result, face_seed

U8 = NDArray[np.uint8]
NO_FACE = "the eyes, nose and mouth corners found here form no face"


@dataclass(frozen=True)
class DrawnFace:
    """A face with what became of it: restored, failed, or skipped for a reason."""

    followed: FollowedFace
    aligned: Aligned | None = None
    restored_rgb_u8: U8 | None = None
    failure: Failure | None = None
    skipped: SkipReason | None = None
    seed: int | None = None
    note: str | None = None  # a lesser method that stepped in
    mask: FaceMask | None = None  # None: the template's
    held_rgb_u8: U8 | None = None  # what is measured, where it is not the restored face as it lies

    @property
    def measured_rgb_u8(self) -> U8 | None:
        """The restored face that measures see; None for one that was not restored."""
        return self.restored_rgb_u8 if self.held_rgb_u8 is None else self.held_rgb_u8


@dataclass(frozen=True)
class DrawnFrame:
    """A frame with its faces drawn.

    ``extra``: faces that were drawn into the picture though nobody is followed there.
    ``other``: of somebody else's restoration, the frame that shows this one; where there is none
    or it cannot be read, ``skipped`` or ``failed`` says why.
    """

    decoded: DecodedFrame
    faces: tuple[DrawnFace, ...]
    extra: tuple[Rejected, ...] = ()
    note: str | None = None
    other: int | None = None
    skipped: str | None = None
    failed: Failure | None = None


Followed = tuple[DecodedFrame, tuple[FollowedFace, ...]]


def placed_face(
    decoded: DecodedFrame,
    followed: FollowedFace,
    *,
    unsupported_signal: bool,
    upstream_compat: bool = False,
) -> DrawnFace:
    """A followed face on the template, nothing drawn yet: aligned, skipped or failed.

    ``upstream_compat`` aligns by the detector's own points, as the official code does.
    """
    if unsupported_signal:
        return DrawnFace(followed, skipped="unsupported_signal")
    points = followed.detection.landmarks_px if upstream_compat else followed.landmarks_px
    try:
        aligned = align_face(
            decoded.rgb_u8, np.asarray(points, np.float64), upstream_compat=upstream_compat
        )
    except ValueError as error:
        return DrawnFace(followed, failure=Failure.of("align", NO_FACE, error))
    return DrawnFace(followed, aligned)


class Drawer(Protocol):
    """Draws faces of several frames at once, then each whole picture."""

    def draw(self, frames: Sequence[Followed]) -> list[DrawnFrame]:
        """The faces of these frames, drawn; one result a frame, in order."""
        ...

    def picture(self, frame: DrawnFrame) -> Enlarged | None:
        """The whole picture of a frame that this drawer drew, enlarged, with its faces in it.

        None where there is no restored picture of it.
        """
        ...


@dataclass(frozen=True)
class Manner:
    """How the native engine draws, beyond its networks."""

    upscale: int
    upstream_compat: bool
    noise_seed: int | None  # of `--noise seed:N`
    unsupported_signal: bool


@dataclass
class NativeDrawer:
    """Our own engine: faces of many frames in batches of a fixed size."""

    restorer: Restorer
    background: Background
    parser: FaceParser | None  # None: the mask of the template
    manner: Manner
    kept: Kept

    def draw(self, frames: Sequence[Followed]) -> list[DrawnFrame]:
        """See `Drawer.draw`."""
        drawn = [
            DrawnFrame(decoded, tuple(self._align(decoded, face) for face in faces))
            for decoded, faces in frames
        ]
        return self._masked(self._restore(drawn))

    def picture(self, frame: DrawnFrame) -> Enlarged:
        """See `Drawer.picture`."""
        rgb_u8 = frame.decoded.rgb_u8
        enlarged = self.background.enlarge(rgb_u8, self.manner.upscale)
        drawn = [face for face in frame.faces if face.restored_rgb_u8 is not None]
        if self.manner.upstream_compat:
            # Upstream pastes in the order of its detector: the most certain face lies lowest.
            drawn.sort(key=lambda face: (-face.followed.detection.score, face.followed.person))
            placed = [self._placed(face) for face in drawn]
            paste_upstream(enlarged.rgb_u8, placed, self.manner.upscale)
        else:
            placed = [self._placed(face) for face in drawn]
            paste_into(enlarged.rgb_u8, placed, (rgb_u8.shape[1], rgb_u8.shape[0]))
        return enlarged

    def _placed(self, face: DrawnFace) -> PlacedFace:
        if face.aligned is None or face.restored_rgb_u8 is None:
            raise AssertionError("only restored faces are pasted")
        person = face.followed.person
        return PlacedFace(face.restored_rgb_u8, face.aligned.affine, person, face.mask)

    def _align(self, decoded: DecodedFrame, followed: FollowedFace) -> DrawnFace:
        face = placed_face(
            decoded,
            followed,
            unsupported_signal=self.manner.unsupported_signal,
            upstream_compat=self.manner.upstream_compat,
        )
        if face.aligned is None:
            return face
        return replace(face, seed=self._seed(decoded.frame, followed.person))

    def _seed(self, frame: int, person: int) -> int | None:
        number = self.manner.noise_seed
        return None if number is None else face_seed(number, frame, person)

    def _restore(self, frames: list[DrawnFrame]) -> list[DrawnFrame]:
        faces = [self._kept(frame, face) for frame in frames for face in frame.faces]
        due = [f for f in faces if f.aligned is not None and f.restored_rgb_u8 is None]
        crops = [f.aligned.crop_rgb_u8 for f in due if f.aligned]
        seeds = [f.seed for f in due if f.seed is not None]
        results = iter(self.restorer.restore(crops, seeds) if due else [])
        drawn = iter(
            _with(face, next(results))
            if face.aligned is not None and face.restored_rgb_u8 is None
            else face
            for face in faces
        )
        return [replace(frame, faces=tuple(next(drawn) for _ in frame.faces)) for frame in frames]

    def _masked(self, frames: list[DrawnFrame]) -> list[DrawnFrame]:
        """The faces with the masks that they are pasted through.

        A face whose parts were not found is not pasted, so it is not restored.
        """
        if self.parser is None:
            return frames
        restored = [f.restored_rgb_u8 for frame in frames for f in frame.faces]
        masks = iter(self.parser.masks([face for face in restored if face is not None]))
        return [
            replace(
                frame,
                faces=tuple(
                    face if face.restored_rgb_u8 is None else _through(face, next(masks))
                    for face in frame.faces
                ),
            )
            for frame in frames
        ]

    def _kept(self, frame: DrawnFrame, face: DrawnFace) -> DrawnFace:
        """The face with what an interrupted run restored from the same crop, where there is any."""
        if face.aligned is None:
            return face
        known = self.kept.get(frame.decoded.frame, face.followed.person, face.aligned.crop_sha256)
        return face if known is None else replace(face, restored_rgb_u8=known)


def _through(face: DrawnFace, mask: FaceMask | Failure) -> DrawnFace:
    if isinstance(mask, Failure):
        return replace(face, restored_rgb_u8=None, failure=mask)
    return replace(face, mask=mask)


def _with(face: DrawnFace, result: Result) -> DrawnFace:
    if isinstance(result, Failure):
        return replace(face, failure=result)
    if isinstance(result, FallenBack):
        return replace(face, restored_rgb_u8=result.rgb_u8, note=result.reason)
    return replace(face, restored_rgb_u8=result)

"""Paired: the second pass over a pair. Nothing is drawn; the restored face is somebody else's.

Faces are aligned by the geometry of the source and the restored face is fetched from the other's
frame through the same alignment.  Promise: one result for each followed face; a face that the
other does not show is skipped, one whose frame of the other cannot be read is failed, with the
reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.faces.align import (
    BORDER_RGB,
    TEMPLATE_512,
    TEMPLATE_INTEROCULAR_PX,
    TEMPLATE_PX,
    Aligned,
)
from forensics.media.reader import DecodedFrame
from forensics.pairs.alignment import Alignment, OtherFrame
from forensics.pairs.colour import without_colour_change
from forensics.pairs.paste_shift import half_pixel, paste_shift
from forensics.pairs.reading import OtherLost
from forensics.passes.drawing import DrawnFace, DrawnFrame, Followed, placed_face
from forensics.passes.follow import FollowedFace
from forensics.records import Failure
from forensics.restore.background import Enlarged

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
UNREAD: Final = "the restoration's frame that shows this one cannot be read"
NOT_SHOWN: Final = "the restoration that was given shows no frame for this one"
INNER_PX: Final = (110.0, 90.0, 402.0, 480.0)
"""Of the template, what must lie within the other's picture for a face to be held against it."""
LEAST_SHARE: Final = 0.97
UPSTREAM_NOISE_GREY: Final = (0.9, 2.6)
"""Two runs of official GFPGAN v1.3 on one crop: RMS of their difference in grey levels, lowest and
highest of seven real crops restored on two machines.  Upstream draws its noise anew at every call.
"""
SHIFT_FRAMES: Final = 12
"""Frames on which the place of pasted faces is looked at, beside those that show new people."""
FACE_MISS: Final = 0.3
"""Of the eye distance: single faces further from the face's own points are somebody else's."""


@dataclass
class PairedDrawer:
    """A `forensics.passes.drawing.Drawer` that fetches and draws nothing.

    ``pictures`` gives the other's frames as `forensics.pairs.reading.read_other` does.
    """

    alignment: Alignment
    pictures: Iterator[OtherFrame | OtherLost]
    unsupported_signal: bool = False
    changed_grey: list[float] = field(default_factory=list)
    """RMS of restored face less crop, one a face, grey levels; colour taken out."""
    shifts_px: list[tuple[float, float]] = field(default_factory=list)
    """How far faces lie right and down of their surroundings, px of the other; some frames."""
    _people: set[int] = field(default_factory=set)  # whose place was looked at
    _widths_px: list[float] = field(default_factory=list)  # of their boxes, px of the other
    _ahead: OtherFrame | OtherLost | None = None
    _shown: dict[int, U8] = field(default_factory=dict)  # by source frame, until it is written

    def draw(self, frames: Sequence[Followed]) -> list[DrawnFrame]:
        """See `forensics.passes.drawing.Drawer.draw`; frames come in ascending order."""
        return [self._frame(decoded, faces) for decoded, faces in frames]

    def picture(self, frame: DrawnFrame) -> Enlarged | None:
        """The other's frame that shows this one, as it lies in its file; None where none does."""
        found = self._shown.pop(frame.decoded.frame, None)
        return None if found is None else Enlarged(found)

    def _frame(self, decoded: DecodedFrame, faces: tuple[FollowedFace, ...]) -> DrawnFrame:
        numbers = self._numbers(decoded.frame)
        if not numbers:
            reason = self.alignment.reasons.get(decoded.frame, NOT_SHOWN)
            skipped = tuple(DrawnFace(face, skipped="no_counterpart") for face in faces)
            return DrawnFrame(decoded, skipped, skipped=reason)
        found = [self._fetch(number) for number in numbers]
        read = [one for one in found if isinstance(one, OtherFrame)]
        if not read:
            failure = Failure("pair", UNREAD, "; ".join(map(_why, found)))
            lost = tuple(DrawnFace(face, failure=failure) for face in faces)
            return DrawnFrame(decoded, lost, other=numbers[0], failed=failure)
        drawn = tuple(self._face(decoded, face, read) for face in faces)
        self._look_at_paste(decoded, drawn, read[0])
        whole = len(numbers) == 1 and not self.alignment.faces
        if whole:
            self._shown[decoded.frame] = read[0].rgb_u8
        return DrawnFrame(decoded, drawn, other=numbers[0] if whole else None)

    def _numbers(self, frame: int) -> tuple[int, ...]:
        """Frames of the other that show this one, or the single faces of it."""
        if self.alignment.faces:
            return self.alignment.faces.get(frame, ())
        number = self.alignment.frames.get(frame)
        return () if number is None else (number,)

    def _fetch(self, number: int) -> OtherFrame | OtherLost | None:
        """The other's frame of this number; the one before is kept, for frames shown twice."""
        while self._ahead is None or self._ahead.other < number:
            following = next(self.pictures, None)
            if following is None:
                return None
            self._ahead = following
        return self._ahead if self._ahead.other == number else None

    def _face(
        self, decoded: DecodedFrame, followed: FollowedFace, read: Sequence[OtherFrame]
    ) -> DrawnFace:
        face = placed_face(decoded, followed, unsupported_signal=self.unsupported_signal)
        aligned = face.aligned
        if aligned is None:
            return face
        shown = _own_face(followed.landmarks_px, read) if self.alignment.faces else read[0]
        if shown is None or not shows(shown, aligned):
            return replace(face, skipped="no_counterpart")
        restored = fetch_face(shown, aligned)
        change = self.alignment.record.colour
        held = None if change is None else without_colour_change(restored, change)
        seen = restored if held is None else held
        inner = (slice(120, 460), slice(120, 400))
        away = seen[inner].astype(np.float32) - aligned.crop_rgb_u8[inner]
        self.changed_grey.append(float(np.sqrt(np.square(away).mean())))
        return replace(face, restored_rgb_u8=restored, held_rgb_u8=held)

    def _look_at_paste(
        self, decoded: DecodedFrame, faces: Sequence[DrawnFace], shown: OtherFrame
    ) -> None:
        """Whether faces lie off their surroundings; asked in a few frames that show some."""
        found = [face.followed for face in faces if face.restored_rgb_u8 is not None]
        people = {face.person for face in found}
        enough = len(self.shifts_px) >= SHIFT_FRAMES and people <= self._people
        if not found or self.alignment.faces or enough:
            return
        boxes = [face.detection.box_px for face in found]
        shift = paste_shift(decoded.rgb_u8, shown.rgb_u8, shown.to_other, boxes)
        if shift is None:
            return
        self.shifts_px.append(shift)
        self._people |= people
        scale = float(shown.to_other[0, 0])
        self._widths_px += [(box[2] - box[0]) * scale for box in boxes]

    @property
    def pasted_off(self) -> bool | None:
        """Whether faces lie half an output pixel off, as upstream pastes; None: cannot be told."""
        if not self.shifts_px:
            return None
        return half_pixel(self.shifts_px, float(np.median(self._widths_px)), len(self._people))


def fetch_face(shown: OtherFrame, aligned: Aligned) -> U8:
    """The face as the other shows it, on the template: (512, 512, 3) RGB, colour as found.

    Bicubic; where the other is finer than the template its pixels are averaged first, so that no
    alias enters.  What lies beyond the other's picture has the colour of a crop's border.
    """
    there = _template_to_other(shown.to_other, aligned.affine)
    scale = math.sqrt(abs(float(np.linalg.det(there[:, :2]))))
    picture, there = _part(shown.rgb_u8, there)
    if scale > 1:
        height, width = picture.shape[:2]
        size = max(1, round(width / scale)), max(1, round(height / scale))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        kx, ky = size[0] / width, size[1] / height
        there = np.array([[kx], [ky]]) * there
        there[:, 2] += (0.5 * kx - 0.5, 0.5 * ky - 0.5)
    face = cv2.warpAffine(
        picture,
        there,
        (TEMPLATE_PX, TEMPLATE_PX),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=BORDER_RGB,
    )
    return np.asarray(face, np.uint8)


def shows(shown: OtherFrame, aligned: Aligned) -> bool:
    """Whether the inner face lies within the other's picture."""
    x0, y0, x1, y1 = INNER_PX
    x, y = np.meshgrid(np.linspace(x0, x1, 24), np.linspace(y0, y1, 24))
    there = _template_to_other(shown.to_other, aligned.affine)
    at = there[:, :2] @ np.stack([x.ravel(), y.ravel()]) + there[:, 2:]
    height, width = shown.rgb_u8.shape[:2]
    inside = (at[0] > -0.5) & (at[0] < width - 0.5) & (at[1] > -0.5) & (at[1] < height - 0.5)
    return float(inside.mean()) >= LEAST_SHARE


def _template_to_other(to_other: F64, affine: F64) -> F64:
    """(2, 3) from template px to px of the other."""
    source = cv2.invertAffineTransform(np.asarray(affine, np.float64))
    linear = to_other[:, :2] @ source[:, :2]
    shift = to_other[:, :2] @ source[:, 2] + to_other[:, 2]
    return np.hstack([linear, shift[:, None]])


def _part(rgb_u8: U8, there: F64) -> tuple[U8, F64]:
    """The part of the other that the template sees, with some pixels around it."""
    side = TEMPLATE_PX - 1
    corners = np.array([[0, side, side, 0], [0, 0, side, side]], np.float64)
    at = there[:, :2] @ corners + there[:, 2:]
    height, width = rgb_u8.shape[:2]
    margin = 8 + math.ceil(math.sqrt(abs(float(np.linalg.det(there[:, :2])))) * 4)
    x0 = min(max(0, math.floor(at[0].min()) - margin), width - 1)
    y0 = min(max(0, math.floor(at[1].min()) - margin), height - 1)
    x1 = max(x0 + 1, min(width, math.ceil(at[0].max()) + margin))
    y1 = max(y0 + 1, min(height, math.ceil(at[1].max()) + margin))
    moved = there.copy()
    moved[:, 2] -= (x0, y0)
    return np.ascontiguousarray(rgb_u8[y0:y1, x0:x1]), moved


def _own_face(points_px: F64, faces: Sequence[OtherFrame]) -> OtherFrame | None:
    """Of single faces, each aligned to the template, the one that lies on this face's points."""
    best: tuple[float, OtherFrame] | None = None
    for one in faces:
        size = one.rgb_u8.shape[1] / TEMPLATE_PX
        there = points_px @ one.to_other[:, :2].T + one.to_other[:, 2]
        away = np.linalg.norm(there - TEMPLATE_512 * size, axis=1)
        miss = float(away.mean()) / (TEMPLATE_INTEROCULAR_PX * size)
        if miss <= FACE_MISS and (best is None or miss < best[0]):
            best = miss, one
    return None if best is None else best[1]


def _why(found: OtherFrame | OtherLost | None) -> str:
    return found.reason if isinstance(found, OtherLost) else "it was not given"

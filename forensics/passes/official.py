"""Official drawing: whole frames by upstream's own code, its faces given to the people followed.

Upstream finds faces anew in every frame and knows no people.  A face it drew belongs to the person
whose box overlaps it most; a person without one is `not_detected`, and a face without a person is
named, because it is in the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from forensics.faces.align import Aligned, align_face
from forensics.media.reader import DecodedFrame
from forensics.passes.drawing import NO_FACE, DrawnFace, DrawnFrame, Followed
from forensics.passes.follow import FollowedFace
from forensics.records import Box, Failure, Rejected
from forensics.reference.engine import ReferenceEngine
from forensics.reference.frame import ReferenceFace, ReferenceFrame
from forensics.restore.background import Enlarged, enlarge

SAME_FACE_IOU = 0.5


@dataclass
class ReferenceDrawer:
    """A `forensics.passes.drawing.Drawer` around the reference engine."""

    engine: ReferenceEngine
    unsupported_signal: bool
    upscale: int
    _pictures: dict[int, Enlarged] = field(default_factory=dict)

    def draw(self, frames: Sequence[Followed]) -> list[DrawnFrame]:
        """See `Drawer.draw`; upstream makes the picture in the same breath."""
        return [self._draw(decoded, followed) for decoded, followed in frames]

    def picture(self, frame: DrawnFrame) -> Enlarged:
        """See `Drawer.picture`; each one is handed out once."""
        return self._pictures.pop(frame.decoded.frame)

    def _draw(self, decoded: DecodedFrame, followed: tuple[FollowedFace, ...]) -> DrawnFrame:
        if self.unsupported_signal:
            self._pictures[decoded.frame] = Enlarged(enlarge(decoded.rgb_u8, self.upscale))
            skipped = tuple(DrawnFace(face, skipped="unsupported_signal") for face in followed)
            return DrawnFrame(decoded, skipped)
        made = self.engine.enhance(decoded.rgb_u8)
        if isinstance(made, Failure):
            plain = enlarge(decoded.rgb_u8, self.upscale)
            self._pictures[decoded.frame] = Enlarged(plain, f"{made.reason} ({made.error})")
            return DrawnFrame(decoded, tuple(DrawnFace(face, failure=made) for face in followed))
        lost = made.background_failure
        reason = None if lost is None else f"{lost.reason} ({lost.error})"
        self._pictures[decoded.frame] = Enlarged(made.picture_rgb_u8, reason)
        return _given_out(decoded, followed, made)


def _given_out(
    decoded: DecodedFrame, followed: tuple[FollowedFace, ...], made: ReferenceFrame
) -> DrawnFrame:
    owners = match_boxes(
        [face.detection.box_px for face in followed], [face.box_px for face in made.faces]
    )
    faces = tuple(
        _drawn(decoded, person, made.faces[owners[number]])
        if number in owners
        else DrawnFace(person, skipped="not_detected")
        for number, person in enumerate(followed)
    )
    nobodys = [face for k, face in enumerate(made.faces) if k not in owners.values()]
    extra = [Rejected(box_px=f.box_px, score=f.score, reason="track_rejected") for f in nobodys]
    note = None
    if nobodys:
        note = (
            f"{len(nobodys)} face(s) drawn by the official code belong to nobody who is followed: "
            "they are in the picture and were not measured"
        )
    return DrawnFrame(decoded, faces, (*made.rejected, *extra), note)


def match_boxes(people: Sequence[Box], found: Sequence[Box]) -> dict[int, int]:
    """Index of a person to index of a found box, best overlap first, IoU at least 0.5."""
    pairs = sorted(
        ((_iou(a, b), i, j) for i, a in enumerate(people) for j, b in enumerate(found)),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    owners: dict[int, int] = {}
    for overlap, i, j in pairs:
        if overlap >= SAME_FACE_IOU and i not in owners and j not in owners.values():
            owners[i] = j
    return owners


def _drawn(decoded: DecodedFrame, person: FollowedFace, face: ReferenceFace) -> DrawnFace:
    detection = replace(
        person.detection, box_px=face.box_px, landmarks_px=face.landmarks_px, score=face.score
    )
    own = replace(person, detection=detection)
    if isinstance(face.restored, Failure):
        return DrawnFace(own, failure=face.restored)
    aligned = _as_upstream(decoded, face)
    if isinstance(aligned, Failure):
        return DrawnFace(own, failure=aligned)
    return DrawnFace(own, aligned, face.restored)


def _as_upstream(decoded: DecodedFrame, face: ReferenceFace) -> Aligned | Failure:
    """Our record of the alignment, with the very crop that upstream's network was given."""
    try:
        points = np.asarray(face.landmarks_px, np.float64)
        aligned = align_face(decoded.rgb_u8, points, upstream_compat=True)
    except ValueError as error:
        return Failure.of("align", NO_FACE, error)
    if face.crop_rgb_u8 is None or face.affine is None:
        raise AssertionError("a restored face has a crop and a place")
    return replace(aligned, crop_rgb_u8=face.crop_rgb_u8, affine=np.asarray(face.affine))


def _iou(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return both / (areas - both)

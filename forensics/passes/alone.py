"""Alone: the second pass over a restored clip that has no original. Nothing is drawn.

`AloneDrawer` gives each followed face as it lies in the clip; `AloneOverTime` measures it along
its track without footage to hold it against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from forensics.media.reader import DecodedFrame
from forensics.passes.drawing import DrawnFace, DrawnFrame, Followed, placed_face
from forensics.passes.follow import FollowedFace
from forensics.passes.over_time import Steps
from forensics.scoring.alone_over_time import AloneMeter, keeps
from forensics.scoring.maps import Scored


@dataclass(frozen=True)
class AloneDrawer:
    """A `forensics.passes.drawing.Drawer` that draws nothing.

    ``unsupported_signal``: the clip's transfer is one whose faces are not measured.
    """

    unsupported_signal: bool

    def draw(self, frames: Sequence[Followed]) -> list[DrawnFrame]:
        """Each face as it lies in the clip, on the template."""
        return [
            DrawnFrame(decoded, tuple(self._face(decoded, face) for face in faces))
            for decoded, faces in frames
        ]

    def picture(self, frame: DrawnFrame) -> None:
        """None: the clip itself is the restored picture, and it is kept whole."""
        return

    def _face(self, decoded: DecodedFrame, followed: FollowedFace) -> DrawnFace:
        face = placed_face(decoded, followed, unsupported_signal=self.unsupported_signal)
        if face.aligned is None:
            return face
        return replace(face, restored_rgb_u8=face.aligned.crop_rgb_u8)


@dataclass
class AloneOverTime:
    """A `forensics.passes.over_time.Watching` without footage and without usual values."""

    _meter: AloneMeter = field(default_factory=AloneMeter)

    def add(
        self,
        face: DrawnFace,
        scored: Scored | None,
        frame: int,
        pts_s: float | None,
        shot: int,
        qp: float | None = None,
    ) -> tuple[Scored | None, Steps]:
        """The face's measures with those over time; flags see changes of sharpness alone."""
        if face.restored_rgb_u8 is None:
            return scored, Steps()
        here, reasons = self._meter.add(
            person=face.followed.person,
            frame=frame,
            pts_s=pts_s,
            shot=shot,
            restored_rgb_u8=face.restored_rgb_u8,
            embedded=None if scored is None or scored.embedded is None else scored.embedded[0],
        )
        if scored is not None:
            scored = scored.joined([here.reading(dict(reasons))])
        return scored, Steps(None, keeps(here))

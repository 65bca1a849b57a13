"""Faces over time: what the frames before it add to a face's measures, and to its facts.

Takes faces in the order of the frames and keeps the last two seconds of each person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from forensics.passes.drawing import DrawnFace
from forensics.scoring.continuity import StepMeter
from forensics.scoring.facts import P99
from forensics.scoring.information import contrast_grey, luma
from forensics.scoring.maps import Scored
from forensics.scoring.over_time_table import FINE_QP, OverTimeTable, shipped_over_time
from forensics.scoring.temporal import OverTime, TemporalMeter


@dataclass(frozen=True)
class Steps:
    """What a face's fact keeps of the frames before it."""

    step_grey: float | None = None
    over_time: OverTime | None = None


class Watching(Protocol):
    """What the second pass asks about the frames before; called in the order of the frames."""

    def add(
        self,
        face: DrawnFace,
        scored: Scored | None,
        frame: int,
        pts_s: float | None,
        shot: int,
        qp: float | None = None,
    ) -> tuple[Scored | None, Steps]:
        """The face's measures with those over time, and what flags over time need of it."""
        ...


@dataclass
class FacesOverTime:
    """``digests``: of the networks at work, by role; a reference of another one is left out."""

    digests: Mapping[str, str]
    table: OverTimeTable = field(default_factory=shipped_over_time)
    _steps: StepMeter = field(default_factory=StepMeter)
    _meter: TemporalMeter = field(default_factory=TemporalMeter)

    def add(
        self,
        face: DrawnFace,
        scored: Scored | None,
        frame: int,
        pts_s: float | None,
        shot: int,
        qp: float | None = None,
    ) -> tuple[Scored | None, Steps]:
        """The face's measures with those over time, and what flags over time need of it.

        ``qp``: of the footage at the face, where the decoder says it.
        Every restored face is followed, also one whose frame is not scored.
        """
        restored = face.measured_rgb_u8
        if face.aligned is None or restored is None:
            return scored, Steps()
        crop = face.aligned.crop_rgb_u8
        person = face.followed.person
        step = self._steps.step(person, frame, crop, restored)
        here, reasons = self._meter.add(
            person=person,
            frame=frame,
            pts_s=pts_s,
            shot=shot,
            crop_rgb_u8=crop,
            restored_rgb_u8=restored,
            scale=face.aligned.scale,
            yaw_deg=face.aligned.yaw_deg,
            embedded=None if scored is None else scored.embedded,
        )
        here = replace(
            here,
            fine=qp is not None and qp <= FINE_QP,
            contrast_grey=contrast_grey(luma(face.aligned.native_rgb_u8)),
        )
        eyes_px = face.aligned.interocular_px
        if self.table.look_up("identity_dispersion", eyes_px, self.digests) is None:
            kept = replace(here, dispersion=None)  # there is nothing to hold it against
        else:
            kept = here
        if scored is not None:
            scored = self._joined(scored, here, reasons, eyes_px)
        return scored, Steps(step, kept)

    def _joined(
        self, scored: Scored, here: OverTime, reasons: Mapping[str, str], eyes_px: float
    ) -> Scored:
        reading = here.reading(dict(reasons))
        references: dict[str, float] = {}
        for name in reading.values:
            known = self.table.look_up(
                name, eyes_px, self.digests, fine=here.fine, contrast_grey=here.contrast_grey
            )
            if known is not None:
                references[name], references[name + P99] = known.median, known.p99
        return scored.joined([reading], references)

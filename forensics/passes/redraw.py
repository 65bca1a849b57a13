"""Second pass: restore, paste, write and measure, frame by frame, in bounded memory.

Every frame and every face leaves with an outcome.  A face that fails keeps the background's
pixels and becomes a failed line; its neighbours go on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forensics.config import Settings
from forensics.faces.align import Aligned, align_face
from forensics.media.probe import Media
from forensics.media.reader import DecodedFrame, FrameFailure, read_frames
from forensics.media.writer import Writer
from forensics.passes.follow import FollowedFace, Following
from forensics.passes.sink import Sink, picture_name
from forensics.progress import Progress
from forensics.records import FaceLine, Failure, FrameLine, Outcome, Risk
from forensics.restore.background import enlarge
from forensics.restore.paste import PlacedFace, paste_into
from forensics.restore.restorer import Restorer
from forensics.scoring.continuity import StepMeter
from forensics.scoring.facts import FaceFact
from forensics.scoring.flags import face_flags
from forensics.scoring.maps import Scored, render_map
from forensics.scoring.measure import FaceInput
from forensics.scoring.risk import face_risk
from forensics.scoring.scorer import Scorer

FACES_AT_ONCE = 16
FRAMES_AT_ONCE = 16


@dataclass(frozen=True)
class _Face:
    """A face on its way: aligned, then restored, then scored; or failed on the way."""

    followed: FollowedFace
    aligned: Aligned | None
    restored_rgb_u8: NDArray[np.uint8] | None
    failure: Failure | None
    scored: Scored | None


@dataclass(frozen=True)
class _Frame:
    decoded: DecodedFrame
    faces: tuple[_Face, ...]


@dataclass
class Redraw:
    """The second pass with what it needs at every frame."""

    media: Media
    following: Following
    restorer: Restorer
    scorer: Scorer
    settings: Settings
    writer: Writer
    sink: Sink
    _steps: StepMeter = field(default_factory=StepMeter)

    def run(self, progress: Progress) -> None:
        """Restore, paste, write and measure the whole clip."""
        waiting: list[_Frame] = []
        with progress.step("Restoring and measuring", self.following.frames) as step:
            for item in read_frames(self.media):
                if isinstance(item, FrameFailure):
                    self._finish(waiting)
                    waiting = []
                    self.sink.frame(_failed_frame(item))
                else:
                    waiting.append(self._prepare(item))
                if (
                    sum(len(frame.faces) for frame in waiting) >= FACES_AT_ONCE
                    or len(waiting) >= FRAMES_AT_ONCE
                ):
                    self._finish(waiting)
                    waiting = []
                step.advance()
            self._finish(waiting)

    def _prepare(self, decoded: DecodedFrame) -> _Frame:
        faces = []
        unsupported = self.media.unsupported_signal
        for followed in self.following.faces.get(decoded.frame, ()):
            if unsupported is not None:
                faces.append(_Face(followed, None, None, None, None))
                continue
            try:
                aligned = align_face(decoded.rgb_u8, followed.landmarks_px)
                faces.append(_Face(followed, aligned, None, None, None))
            except ValueError as error:
                reason = "the eyes, nose and mouth corners found here form no face"
                failure = Failure.of("align", reason, error)
                faces.append(_Face(followed, None, None, failure, None))
        return _Frame(decoded, tuple(faces))

    def _finish(self, frames: list[_Frame]) -> None:
        for frame in self._score(self._restore(frames)):
            self._write(frame)

    def _restore(self, frames: list[_Frame]) -> list[_Frame]:
        kept = [[self._kept(frame, face) for face in frame.faces] for frame in frames]
        crops = [
            face.aligned.crop_rgb_u8
            for frame, before in zip(frames, kept, strict=True)
            for face, known in zip(frame.faces, before, strict=True)
            if face.aligned and known is None
        ]
        results = iter(self.restorer.restore(np.stack(crops)) if crops else [])
        return [
            _Frame(
                frame.decoded,
                tuple(
                    _restored(f, next(results) if known is None else known) if f.aligned else f
                    for f, known in zip(frame.faces, before, strict=True)
                ),
            )
            for frame, before in zip(frames, kept, strict=True)
        ]

    def _kept(self, frame: _Frame, face: _Face) -> NDArray[np.uint8] | None:
        """What an interrupted run restored from the same crop."""
        if face.aligned is None:
            return None
        crop_sha256 = _digest(face.aligned.crop_rgb_u8)
        return self.sink.kept.get(frame.decoded.frame, face.followed.person, crop_sha256)

    def _score(self, frames: list[_Frame]) -> list[_Frame]:
        inputs = [
            _face_input(frame.decoded, face)
            for frame in frames
            for face in frame.faces
            if self._is_scored(frame, face)
        ]
        scores = iter(self.scorer.score(inputs) if inputs else [])
        return [
            _Frame(
                frame.decoded,
                tuple(
                    _Face(f.followed, f.aligned, f.restored_rgb_u8, f.failure, next(scores))
                    if self._is_scored(frame, f)
                    else f
                    for f in frame.faces
                ),
            )
            for frame in frames
        ]

    def _is_scored(self, frame: _Frame, face: _Face) -> bool:
        due = (frame.decoded.frame - 1) % self.settings.every == 0
        return due and face.restored_rgb_u8 is not None

    def _write(self, frame: _Frame) -> None:
        decoded, upscale = frame.decoded, self.settings.upscale
        placed = [
            PlacedFace(face.restored_rgb_u8, face.aligned.affine, face.followed.person)
            for face in frame.faces
            if face.aligned is not None and face.restored_rgb_u8 is not None
        ]
        size_px = (decoded.rgb_u8.shape[1], decoded.rgb_u8.shape[0])
        picture = enlarge(decoded.rgb_u8, upscale)
        paste_into(picture, placed, size_px)
        self.writer.write(decoded, picture)
        name = picture_name(decoded.frame)
        if "source" in self.settings.saves:
            self.sink.picture("source_imgs", name, decoded.rgb_u8)
        if "frames" in self.settings.saves:
            self.sink.picture("restored_imgs", name, picture)
        lines = [self._line(decoded, face) for face in frame.faces]
        for line, face in zip(lines, frame.faces, strict=True):
            self.sink.face(line, self._fact(line, face))
        flags = {code for line in lines for code in line.flags}
        self.sink.frame(
            FrameLine(
                frame=decoded.frame,
                name=decoded.name,
                pts=decoded.pts,
                pts_s=decoded.pts_s,
                duration=decoded.duration,
                shot=self.following.shot(decoded.frame),
                outcome="restored",
                reason=decoded.note,
                faces=len(lines),
                rejected=self.following.rejected.get(decoded.frame, ()),
                source_rgb_sha256=_digest(decoded.rgb_u8),
                restored_rgb_sha256=_digest(picture),
                flags=tuple(sorted(flags)),
            )
        )

    def _line(self, decoded: DecodedFrame, face: _Face) -> FaceLine:
        self._pictures(decoded.frame, face)
        detection, aligned, scored = face.followed.detection, face.aligned, face.scored
        outcome: Outcome = "restored"
        reason, error = None, None
        if face.failure:
            outcome, reason, error = "failed", face.failure.reason, face.failure.error
        elif aligned is None:
            outcome, reason = "skipped", "unsupported_signal"
        iod_px = aligned.interocular_px if aligned else detection.interocular_px
        measures = dict(scored.measures) if scored else {}
        references = dict(scored.references) if scored else {}
        if scored:
            not_measured = dict(scored.not_measured)
        elif outcome != "restored":
            not_measured = {"all": "the face was not restored"}
        else:
            not_measured = {"all": f"only one frame in {self.settings.every} is scored"}
        flags = face_flags(
            outcome=outcome,
            interocular_px=iod_px,
            yaw_deg=aligned.yaw_deg if aligned else None,
            measures=measures,
            references=references,
        )
        risk = (
            face_risk(
                measures=measures, not_measured=not_measured, references=references, flags=flags
            )
            if scored
            else Risk(band="not_calculable", because=())
        )
        return FaceLine(
            frame=decoded.frame,
            pts_s=decoded.pts_s,
            person=face.followed.person,
            score=detection.score,
            box_px=detection.box_px,
            landmarks_px=tuple((x, y) for x, y in face.followed.landmarks_px.tolist()),
            landmarks_raw_px=detection.landmarks_px,
            affine=aligned.affine_rows() if aligned else None,
            scale=aligned.scale if aligned else None,
            interocular_px=iod_px,
            yaw_deg=aligned.yaw_deg if aligned else None,
            outcome=outcome,
            reason=reason,
            error=error,
            crop_sha256=_digest(aligned.crop_rgb_u8) if aligned else None,
            restored_sha256=_digest(face.restored_rgb_u8)
            if face.restored_rgb_u8 is not None
            else None,
            measures=measures,
            not_measured=not_measured,
            references=references,
            risk=risk,
            flags=flags,
        )

    def _fact(self, line: FaceLine, face: _Face) -> FaceFact:
        step_grey = None
        if face.aligned is not None and face.restored_rgb_u8 is not None:
            step_grey = self._steps.step(
                line.person, line.frame, face.aligned.crop_rgb_u8, face.restored_rgb_u8
            )
        shot = self.following.shot(line.frame)
        return FaceFact.of(line, face.followed.similarity, face.followed.rival, step_grey, shot)

    def _pictures(self, frame: int, face: _Face) -> None:
        name = picture_name(frame, face.followed.person)
        if face.aligned is not None:
            self.sink.picture("cropped_faces", name, face.aligned.crop_rgb_u8)
        if face.aligned is not None and face.restored_rgb_u8 is not None:
            self.sink.picture("restored_faces", name, face.restored_rgb_u8)
            pair = np.hstack([face.aligned.crop_rgb_u8, face.restored_rgb_u8])
            self.sink.picture("cmp", name, pair)
        if face.scored is not None:
            self.sink.picture("maps", name, render_map(face.scored))


def _restored(face: _Face, result: NDArray[np.uint8] | Failure) -> _Face:
    if isinstance(result, Failure):
        return _Face(face.followed, face.aligned, None, result, None)
    return _Face(face.followed, face.aligned, result, None, None)


def _face_input(decoded: DecodedFrame, face: _Face) -> FaceInput:
    if face.aligned is None or face.restored_rgb_u8 is None:
        raise AssertionError("only restored faces are scored")
    box = face.followed.detection.box_px
    qp = decoded.qp_at(box)
    return FaceInput(
        crop_rgb_u8=face.aligned.crop_rgb_u8,
        restored_rgb_u8=face.restored_rgb_u8,
        native_rgb_u8=face.aligned.native_rgb_u8,
        region_rgb_u8=_region(decoded.rgb_u8, box),
        scale=face.aligned.scale,
        interocular_px=face.aligned.interocular_px,
        yaw_deg=face.aligned.yaw_deg,
        qp=qp,
        qp_reason=None if qp is not None else decoded.qp_reason,
    )


def _region(
    rgb_u8: NDArray[np.uint8], box_px: tuple[float, float, float, float]
) -> NDArray[np.uint8]:
    """The source's own pixels in the face's box, unwarped, at least one pixel large."""
    height, width = rgb_u8.shape[:2]
    x0 = min(max(0, int(box_px[0])), width - 1)
    y0 = min(max(0, int(box_px[1])), height - 1)
    x1 = min(width, max(x0 + 1, int(np.ceil(box_px[2]))))
    y1 = min(height, max(y0 + 1, int(np.ceil(box_px[3]))))
    return rgb_u8[y0:y1, x0:x1]


def _failed_frame(item: FrameFailure) -> FrameLine:
    return FrameLine(
        frame=item.frame,
        name=item.name,
        pts=item.pts,
        outcome="failed",
        reason=item.reason,
        error=item.error,
        faces=0,
        flags=("failed",),
    )


def _digest(rgb_u8: NDArray[np.uint8]) -> str:
    return hashlib.sha256(np.ascontiguousarray(rgb_u8).data).hexdigest()

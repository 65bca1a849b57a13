"""Second pass: restore, paste, write and measure, frame by frame, in bounded memory.

Every frame and every face leaves with an outcome.  A face that fails keeps the background's
pixels and becomes a failed line; its neighbours go on.  The networks run in this thread; what was
drawn is encoded, hashed and written by a relay beside it, in the order of the frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np

from forensics.config import Settings
from forensics.media.probe import Media
from forensics.media.reader import DecodedFrame, FrameFailure, read_frames
from forensics.media.writer import Writer
from forensics.passes.drawing import Drawer, DrawnFace, DrawnFrame
from forensics.passes.face_line import (
    blank_beyond,
    face_input,
    face_line,
    rgb_sha256,
    rim_of,
    within_frame,
)
from forensics.passes.follow import FollowedFace, Following
from forensics.passes.over_time import FacesOverTime, Steps, Watching
from forensics.passes.probe import Probing
from forensics.passes.relay import Relay
from forensics.passes.sink import Sink, picture_name
from forensics.passes.traces import SourceTraces
from forensics.progress import Progress
from forensics.records import FACE_FLAGS, FaceLine, Failure, FrameLine, FrameOutcome
from forensics.restore.alternatives import LETTERS
from forensics.restore.background import Enlarged
from forensics.scoring.background_figure import Redrawn, background_change
from forensics.scoring.facts import FaceFact
from forensics.scoring.maps import Scored, render_map
from forensics.scoring.measure import FaceInput
from forensics.scoring.mismatch import PAIR_LIKENESS, measure_likeness
from forensics.scoring.risk import plain_risk

FACES_AT_ONCE = 8
FRAMES_AT_ONCE = 8
FRAMES_WAITING = 4  # drawn, not yet written
PLAIN = "lanczos"  # the background that redraws nothing
Scores = Mapping[int, Scored]  # by person


class FaceScorer(Protocol):
    """Measures faces; ``digests`` are those of its networks, by role."""

    @property
    def digests(self) -> Mapping[str, str]: ...

    def score(self, faces: Sequence[FaceInput]) -> list[Scored]:
        """One result per face, in order."""
        ...


@dataclass
class Redraw:
    """The second pass with what it needs at every frame.

    ``background``: the method that enlarges the picture outside the faces, "auto" resolved.
    ``watching``: what measures over time; None: a face is held against its footage.
    ``alone``: no original exists, so that nothing is flagged and no face has a band.  ``paired``:
    the restored side is somebody else's, so that it is asked whether it shows the same face.
    """

    media: Media
    following: Following
    drawer: Drawer
    scorer: FaceScorer
    traces: SourceTraces
    settings: Settings
    writer: Writer
    sink: Sink
    probing: Probing | None = None  # None: no key face is examined further
    background: str = PLAIN
    watching: Watching | None = None
    alone: bool = False
    paired: bool = False
    _over_time: Watching = field(init=False)

    def __post_init__(self) -> None:
        self._over_time = self.watching or FacesOverTime(self.scorer.digests)

    def run(self, progress: Progress) -> None:
        """Restore, paste, write and measure the whole clip."""
        with (
            progress.step("Restoring and measuring", self.following.frames) as step,
            Relay(FRAMES_WAITING) as relay,
        ):
            for group in self._groups():
                if isinstance(group, FrameFailure):
                    relay.put(_Losing(self, group))
                    step.advance()
                    continue
                drawn = self.drawer.draw([(d, self._followed(d)) for d in group])
                for frame, scores in zip(drawn, self._score(drawn), strict=True):
                    picture = self.drawer.picture(frame)
                    relay.put(_Writing(self, frame, scores, picture))
                    step.advance()

    def _groups(self) -> Iterator[list[DecodedFrame] | FrameFailure]:
        """Frames to draw together, as many as make a good batch; a failed frame stands alone."""
        waiting: list[DecodedFrame] = []
        faces = 0
        for item in read_frames(self.media):
            if isinstance(item, FrameFailure):
                if waiting:
                    yield waiting
                waiting, faces = [], 0
                yield item
                continue
            waiting.append(item)
            faces += len(self._followed(item))
            if faces >= FACES_AT_ONCE or len(waiting) >= FRAMES_AT_ONCE:
                yield waiting
                waiting, faces = [], 0
        if waiting:
            yield waiting

    def _followed(self, decoded: DecodedFrame) -> tuple[FollowedFace, ...]:
        return self.following.faces.get(decoded.frame, ())

    def _score(self, frames: Sequence[DrawnFrame]) -> list[Scores]:
        due = [
            (number, face)
            for number, frame in enumerate(frames)
            if (frame.decoded.frame - 1) % self.settings.every == 0
            for face in frame.faces
            if face.restored_rgb_u8 is not None
        ]
        inputs = [face_input(frames[number].decoded, face) for number, face in due]
        rims = [rim_of(frames[number].decoded, face) for number, face in due]
        scores: list[dict[int, Scored]] = [{} for _ in frames]
        held = [within_frame(given, rim) for given, rim in zip(inputs, rims, strict=True)]
        found = [
            blank_beyond(scored, rim)
            for scored, rim in zip(self.scorer.score(held), rims, strict=True)
        ]
        for (number, face), given, scored in zip(due, inputs, found, strict=True):
            if self.probing is not None:
                scored = self.probing.examine(frames[number].decoded.frame, face, given, scored)
            scores[number][face.followed.person] = scored
        return list(scores)

    def write(self, frame: DrawnFrame, scores: Scores, picture: Enlarged | None) -> None:
        """Put one frame into the clip and everything about it into the sink; in frame order."""
        decoded, name = frame.decoded, picture_name(frame.decoded.frame)
        if "source" in self.settings.saves:
            self.sink.picture("source_imgs", name, decoded.rgb_u8)
        if picture is not None:
            self.writer.write(decoded, picture.rgb_u8)
            if "frames" in self.settings.saves:
                self.sink.picture("restored_imgs", name, picture.rgb_u8)
        lines = self._faces(frame, scores)
        self.sink.frame(self._frame_line(frame, lines, picture))

    def _faces(self, frame: DrawnFrame, scores: Scores) -> list[FaceLine]:
        """Pictures and lines of a frame's faces, put into the sink."""
        decoded = frame.decoded
        lines = []
        for face in frame.faces:
            scored, steps = self._over_time.add(
                face,
                scores.get(face.followed.person),
                decoded.frame,
                decoded.pts_s,
                self.following.shot(decoded.frame),
                decoded.qp_at(face.followed.detection.box_px),
            )
            self._pictures(decoded.frame, face, scored)
            beyond = None if face.aligned is None else rim_of(decoded, face).share()
            line = self._line(decoded.frame, decoded.pts_s, face, scored, beyond)
            line = self._with_others(line)
            self.sink.face(line, self._decided(decoded, line, face, steps, scored))
            lines.append(line)
        return lines

    def _frame_line(
        self, frame: DrawnFrame, lines: Sequence[FaceLine], picture: Enlarged | None
    ) -> FrameLine:
        decoded, failed = frame.decoded, frame.failed
        redrawn = self._redrawn(frame, picture)
        fallen_back = None if picture is None else picture.fallen_back
        rejected = (*self.following.rejected.get(decoded.frame, ()), *frame.extra)
        reason = frame.skipped if failed is None else failed.reason
        notes = [note for note in (reason, decoded.note, frame.note, fallen_back) if note]
        outcome: FrameOutcome = "restored" if frame.skipped is None else "skipped"
        return FrameLine(
            frame=decoded.frame,
            name=decoded.name,
            pts=decoded.pts,
            pts_s=decoded.pts_s,
            duration=decoded.duration,
            shot=self.following.shot(decoded.frame),
            outcome=outcome if failed is None else "failed",
            reason="; ".join(notes) or None,
            error=None if failed is None else failed.error,
            other_frame=frame.other,
            fallen_back=fallen_back,
            faces=len(lines),
            rejected=rejected,
            source_rgb_sha256=rgb_sha256(decoded.rgb_u8),
            restored_rgb_sha256=None if picture is None else rgb_sha256(picture.rgb_u8),
            background_redrawn=redrawn.changed_grey if redrawn else None,
            background_plain=redrawn.plain_grey if redrawn else None,
            flags=tuple(sorted({code for line in lines for code in line.flags})),
        )

    def _line(
        self,
        frame: int,
        pts_s: float | None,
        face: DrawnFace,
        scored: Scored | None,
        beyond: float | None = None,
    ) -> FaceLine:
        every, alone = self.settings.every, self.alone
        return face_line(frame, pts_s, face, scored, every, alone=alone, beyond_frame=beyond)

    def lose(self, item: FrameFailure) -> None:
        """Record a frame that could not be read now, and every face that was followed in it."""
        base = self.media.source.time_base
        timed = base is not None and item.pts is not None
        pts_s = float(item.pts * Fraction(base)) if timed else None  # type: ignore[operator,arg-type] # timed says so
        failure = Failure("decode", item.reason, item.error)
        followed = self.following.faces.get(item.frame, ())
        for face in (DrawnFace(one, failure=failure) for one in followed):
            line = self._line(item.frame, pts_s, face, None)
            self.sink.face(line, self._fact(line, face, Steps()))
        self.sink.frame(
            FrameLine(
                frame=item.frame,
                name=item.name,
                pts=item.pts,
                pts_s=pts_s,
                outcome="failed",
                reason=item.reason,
                error=item.error,
                faces=len(followed),
                flags=("failed",),
            )
        )

    def _with_others(self, line: FaceLine) -> FaceLine:
        """The line with the digests of the other faces that fit, whose pictures are written."""
        others = () if self.probing is None else self.probing.others(line.frame, line.person)
        for letter, picture in zip(LETTERS, others, strict=False):
            self.sink.picture(
                "alternatives", picture_name(line.frame, line.person, letter), picture
            )
        digests = tuple(rgb_sha256(picture) for picture in others)
        return line.model_copy(update={"alternatives": digests}) if others else line

    def _redrawn(self, frame: DrawnFrame, picture: Enlarged | None) -> Redrawn | None:
        """How far a network changed the picture outside the faces; None where none drew it."""
        if self.background == PLAIN or picture is None or picture.fallen_back is not None:
            return None
        drawn = [
            f.aligned.affine for f in frame.faces if f.restored_rgb_u8 is not None and f.aligned
        ]
        return background_change(frame.decoded.rgb_u8, picture.rgb_u8, drawn)

    def _decided(
        self,
        decoded: DecodedFrame,
        line: FaceLine,
        face: DrawnFace,
        steps: Steps,
        scored: Scored | None,
    ) -> FaceFact:
        """The fact of a face, with what is decided over all faces of its person."""
        if scored is None:
            return self._fact(line, face, steps)
        likeness = None
        if self.paired:
            shown = within_frame(face_input(decoded, face), rim_of(decoded, face))
            likeness = measure_likeness(shown).values.get(PAIR_LIKENESS)
        traces = self.traces.read(decoded, line.person, face.aligned)
        return self._fact(line, face, steps, traces, likeness)

    def _fact(
        self,
        line: FaceLine,
        face: DrawnFace,
        steps: Steps,
        traces: float | None = None,
        pair_likeness: float | None = None,
    ) -> FaceFact:
        return FaceFact.of(
            line,
            face.followed.similarity,
            face.followed.rival,
            steps.step_grey,
            self.following.shot(line.frame),
            steps.over_time,
            traces=traces,
            pair_likeness=pair_likeness,
            plain=plain_risk(line) if FACE_FLAGS.intersection(line.flags) else None,
        )

    def _pictures(self, frame: int, face: DrawnFace, scored: Scored | None) -> None:
        name = picture_name(frame, face.followed.person)
        if self.alone:
            # There is no footage to show beside it: the face as it lies in the clip is all.
            if face.restored_rgb_u8 is not None:
                self.sink.picture("restored_faces", name, face.restored_rgb_u8)
            return
        if face.aligned is not None:
            self.sink.picture("cropped_faces", name, face.aligned.crop_rgb_u8)
        if face.aligned is not None and face.restored_rgb_u8 is not None:
            self.sink.picture("restored_faces", name, face.restored_rgb_u8)
            pair = np.hstack([face.aligned.crop_rgb_u8, face.restored_rgb_u8])
            self.sink.picture("cmp", name, pair)
        if scored is not None:
            self.sink.picture("maps", name, render_map(scored))


@dataclass(frozen=True)
class _Losing:
    """A job of the relay: a frame that failed."""

    redraw: Redraw
    item: FrameFailure

    def __call__(self) -> None:
        self.redraw.lose(self.item)


@dataclass(frozen=True)
class _Writing:
    """A job of the relay: one frame, drawn and measured."""

    redraw: Redraw
    frame: DrawnFrame
    scores: Scores
    picture: Enlarged | None

    def __call__(self) -> None:
        self.redraw.write(self.frame, self.scores, self.picture)

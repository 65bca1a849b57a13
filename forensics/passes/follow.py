"""First pass: read every frame, find faces, follow people. Nothing is restored yet.

Person numbers are needed for file names, and a person who returns is known only at the end, so
the whole clip is read once before anything is drawn.  Only detections and small embeddings are
kept, so memory hardly grows with the clip.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forensics.faces.align import TEMPLATE_PX, align_face, landmarks_array
from forensics.faces.detector import split_doubles, split_nested
from forensics.faces.embed import Embedder
from forensics.faces.track import Tracker, Tracks
from forensics.faces.tracklets import Decision
from forensics.media.cuts import CutMeter
from forensics.media.probe import Media
from forensics.media.reader import DecodedFrame, FrameFailure, read_frames
from forensics.passes.sink import Sink
from forensics.progress import Progress
from forensics.records import Detection, Rejected, RejectReason

DETECT_BATCH = 8


class FaceDetector(Protocol):
    """Anything that finds faces with five points."""

    def detect(self, frames_rgb_u8: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """Faces of each frame (H, W, 3) uint8 RGB, in order of confidence."""
        ...


@dataclass(frozen=True)
class Finder:
    """What the first pass works with; smaller faces than ``least_eye_px`` are turned away."""

    detector: FaceDetector
    embedder: Embedder
    decision: Decision
    least_eye_px: float


@dataclass(frozen=True)
class FollowedFace:
    """One person's face in a frame, before it is restored."""

    person: int
    detection: Detection
    landmarks_px: NDArray[np.float64]  # (5, 2), smoothed along the track
    similarity: float | None  # to the person's other frames, cosine
    rival: float | None  # highest cosine to another person


@dataclass(frozen=True)
class Following:
    """Who is where: the result of the first pass."""

    faces: Mapping[int, tuple[FollowedFace, ...]]  # by frame number
    rejected: Mapping[int, tuple[Rejected, ...]]
    cuts: tuple[int, ...]  # frames that begin a new shot, ascending; the first shot is not listed
    frames: int
    people: int

    def shot(self, frame: int) -> int:
        """Number of the shot a frame lies in, from 1."""
        return 1 + bisect_right(self.cuts, frame)

    @property
    def count(self) -> int:
        """Faces of people in all frames."""
        return sum(len(faces) for faces in self.faces.values())


def follow(
    media: Media,
    finder: Finder,
    sink: Sink,
    progress: Progress,
) -> Following:
    """Find and follow the faces of a whole clip."""
    tracker = Tracker(finder.decision)
    cut_meter = CutMeter()
    cuts: list[int] = []
    seen: dict[int, list[Detection]] = {}
    rejected: dict[int, list[Rejected]] = {}
    frames = 0
    with progress.step("Finding and following faces", media.source.frames or None) as step:
        for batch in _batches(read_frames(media)):
            readable = [item for item in batch if isinstance(item, DecodedFrame)]
            found = finder.detector.detect([item.rgb_u8 for item in readable])
            for item, detections in zip(readable, found, strict=True):
                kept, nested = split_nested(detections)
                kept, doubles = split_doubles(kept)
                tiny = [d for d in kept if d.interocular_px < finder.least_eye_px]
                kept = [d for d in kept if d.interocular_px >= finder.least_eye_px]
                if nested or doubles or tiny:
                    rejected[item.frame] = [
                        *(_rejected(d, "nested_in_face") for d in nested),
                        *(_rejected(d, "second_box") for d in doubles),
                        *(_rejected(d, "below_eye_px") for d in tiny),
                    ]
                seen[item.frame] = kept
                # The pictures of a folder of photographs may all be shots of their own: so be it.
                cut = cut_meter.add(item.rgb_u8)
                if cut:
                    cuts.append(item.frame)
                tracker.add(
                    item.frame, item.pts_s, kept, _embed(item, kept, finder.embedder), cut=cut
                )
            frames += len(batch)
            step.advance(len(batch))
    tracks = tracker.finish()
    for line in tracks.frames:
        for index in line.rejected:
            unsure = _rejected(seen[line.frame][index], "track_rejected")
            rejected.setdefault(line.frame, []).append(unsure)
    following = Following(
        faces=_faces(tracks),
        rejected={frame: tuple(items) for frame, items in rejected.items()},
        cuts=tuple(cuts),
        frames=frames,
        people=len(tracks.people),
    )
    sink.event(
        "followed",
        {
            "frames": frames,
            "people": following.people,
            "faces": following.count,
            "cuts_before_frames": cuts,
            "rejected_detections": sum(map(len, rejected.values())),
        },
    )
    return following


def _batches(
    items: Iterator[DecodedFrame | FrameFailure],
) -> Iterator[list[DecodedFrame | FrameFailure]]:
    while batch := list(islice(items, DETECT_BATCH)):
        yield batch


def _rejected(detection: Detection, reason: RejectReason) -> Rejected:
    return Rejected(box_px=detection.box_px, score=detection.score, reason=reason)


def _embed(
    item: DecodedFrame, detections: list[Detection], embedder: Embedder
) -> NDArray[np.float32]:
    crops = [
        align_face(item.rgb_u8, landmarks_array(d.landmarks_px)).crop_rgb_u8 for d in detections
    ]
    empty = np.zeros((0, TEMPLATE_PX, TEMPLATE_PX, 3), np.uint8)
    return embedder.embed(np.stack(crops) if crops else empty)


def _faces(tracks: Tracks) -> dict[int, tuple[FollowedFace, ...]]:
    by_frame: dict[int, list[FollowedFace]] = {}
    for track in tracks.people:
        for face in track.faces:
            by_frame.setdefault(face.frame, []).append(
                FollowedFace(
                    person=track.person,
                    detection=face.detection,
                    landmarks_px=landmarks_array(face.landmarks_px),
                    similarity=face.similarity,
                    rival=face.rival,
                )
            )
    return {
        frame: tuple(sorted(faces, key=lambda f: f.person)) for frame, faces in by_frame.items()
    }

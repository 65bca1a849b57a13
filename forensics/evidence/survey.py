"""The survey: counts everything again from frames.jsonl and faces.jsonl, in one pass each.

What audit.json claims is compared with these counts in `check_counts`; nothing here believes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from forensics.records import FaceLine, FlagCode, FrameLine

MAX_FAULTS = 20
_WITHOUT = {"failed": "failed", "skipped": "was skipped"}


@dataclass
class PersonSurvey:
    """What the lines say about one person."""

    first_frame: int
    last_frame: int
    outcomes: Counter[str] = field(default_factory=Counter)
    bands: Counter[str] = field(default_factory=Counter)
    flags: set[FlagCode] = field(default_factory=set)
    interocular_px_range: tuple[float, float] = (0.0, 0.0)
    gaps: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Survey:
    """Counts from the lines, and where the lines contradict themselves."""

    frame_outcomes: Counter[str] = field(default_factory=Counter)
    face_outcomes: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    flagged_faces: int = 0
    flagged: set[int] = field(default_factory=set)
    faces_claimed: dict[int, int] = field(default_factory=dict)
    faces_found: Counter[int] = field(default_factory=Counter)
    people: dict[int, PersonSurvey] = field(default_factory=dict)
    places: dict[tuple[FlagCode, int], set[int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    other_frame: int = 0  # highest frame of somebody else's restoration that a line names

    @property
    def frames(self) -> int:
        return self.frame_outcomes.total()

    @property
    def faces(self) -> int:
        return self.face_outcomes.total()

    def totals(self) -> dict[str, int]:
        """The counts under the names of `records.Totals`."""
        return {
            "frames": self.frames,
            "frames_restored": self.frame_outcomes["restored"],
            "frames_failed": self.frame_outcomes["failed"],
            "frames_skipped": self.frame_outcomes["skipped"],
            "faces": self.faces,
            "faces_restored": self.face_outcomes["restored"],
            "faces_skipped": self.face_outcomes["skipped"],
            "faces_failed": self.face_outcomes["failed"],
            "rejected_detections": self.rejected,
            "people": len(self.people),
            "flagged_faces": self.flagged_faces,
            "flagged_frames": len(self.flagged),
        }

    def say(self, fault: str) -> None:
        """Keep a fault; a hostile file must not make the list endless."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)


def survey(frames: Iterable[FrameLine], faces: Iterable[FaceLine]) -> Survey:
    """Count all lines. Errors of the iterables (IntegrityError, OSError) pass through."""
    found = Survey()
    for line in frames:
        _count_frame(found, line)
    previous = (0, -1)
    for face in faces:
        place = (face.frame, face.person)
        if face.frame < previous[0]:
            found.say(f"the face of person {face.person} in frame {face.frame} is out of order")
        _count_face(found, face)
        previous = place
    for frame, claimed in found.faces_claimed.items():
        if found.faces_found[frame] != claimed:
            found.say(f"frame {frame} counts {claimed} faces, found {found.faces_found[frame]}")
    return found


def _count_frame(found: Survey, line: FrameLine) -> None:
    expected = found.frames + 1
    if line.frame != expected:
        found.say(f"frames.jsonl line {expected} is frame {line.frame}")
    found.frame_outcomes[line.outcome] += 1
    found.rejected += len(line.rejected)
    found.faces_claimed[line.frame] = line.faces
    found.other_frame = max(found.other_frame, line.other_frame or 0)
    if line.flags:
        found.flagged.add(line.frame)
    if line.outcome != "restored" and not line.reason:
        found.say(f"frame {line.frame} {_WITHOUT[line.outcome]} without a reason")


def _count_face(found: Survey, face: FaceLine) -> None:
    name = f"person {face.person} in frame {face.frame}"
    found.face_outcomes[face.outcome] += 1
    found.faces_found[face.frame] += 1
    if face.frame not in found.faces_claimed:
        found.say(f"{name}: frames.jsonl has no such frame")
    if face.flags:
        found.flagged_faces += 1
        found.flagged.add(face.frame)
        for code in face.flags:
            found.places.setdefault((code, face.person), set()).add(face.frame)
    if face.outcome != "restored" and not face.reason:
        found.say(f"{name} was {face.outcome} without a reason")
    if both := face.measures.keys() & face.not_measured.keys():
        found.say(f"{name} has {', '.join(sorted(both))} both measured and not measured")
    _count_person(found, face, name)


def _count_person(found: Survey, face: FaceLine, name: str) -> None:
    eyes_px = face.interocular_px
    person = found.people.get(face.person)
    if person is None:
        person = PersonSurvey(face.frame, face.frame, interocular_px_range=(eyes_px, eyes_px))
        found.people[face.person] = person
    elif face.frame <= person.last_frame:
        found.say(f"{name} appears twice")
    elif face.frame > person.last_frame + 1:
        person.gaps.append((person.last_frame + 1, face.frame - 1))
    low, high = person.interocular_px_range
    person.interocular_px_range = (min(low, eyes_px), max(high, eyes_px))
    person.last_frame = max(person.last_frame, face.frame)
    person.outcomes[face.outcome] += 1
    person.bands[face.risk.band] += 1
    person.flags.update(face.flags)

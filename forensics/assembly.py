"""Assembly: from the lines of frames and faces to totals, people, flags and sentences.

Takes each line as it arises and keeps one small fact per face, so that a long clip fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from forensics.records import (
    Background,
    Band,
    FaceLine,
    Flag,
    FlagCode,
    FrameLine,
    Mode,
    Person,
    Risk,
    Totals,
)
from forensics.report.calibration import frequency_sentence
from forensics.report.other_words import OTHER_FINDINGS, alone_summary, mismatched_summary
from forensics.report.words import counted, flag_words, person_summary
from forensics.scoring.background_figure import Redrawn, RedrawnFrames
from forensics.scoring.facts import FaceFact, FlagFinding
from forensics.scoring.flags import person_flags
from forensics.scoring.rating import Rating
from forensics.scoring.risk import person_risk

KEY_FRAMES = 4
FlagsByFace = Mapping[tuple[int, int], tuple[FlagCode, ...]]
MISMATCH: Final[FlagCode] = "mismatched_pair"
_SAID_OF_MISMATCHED: Final = frozenset({MISMATCH, "failed", "restored_twice"})
"""Flags that are no comparison of two pictures that do not belong together."""
_BAD_FIRST: dict[Band, int] = {"high": 0, "caution": 1, "not_calculable": 2, "no_sign": 3}


@dataclass
class Gathered:
    """What is kept of a run's lines: one fact a face, and counts."""

    facts: list[FaceFact] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    frames: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    fallen_back: Counter[str] = field(default_factory=Counter)  # frames, by reason
    lesser: Counter[str] = field(default_factory=Counter)  # restored faces, by reason
    rating: Rating = field(default_factory=Rating)
    flagged_faces: int = 0
    flagged_frames: int = 0
    redrawn: RedrawnFrames = field(default_factory=RedrawnFrames)
    plugin_failures: Counter[str] = field(default_factory=Counter)  # faces, by plugin:NAME

    def face(self, fact: FaceFact, reason: str | None) -> None:
        """Keep what flags and bands over time need of a face, and count.

        ``reason`` of a restored face: the lesser method that stepped in for it.
        """
        self.outcomes[fact.outcome] += 1
        self.facts.append(fact)
        if fact.outcome == "restored" and reason is not None:
            self.lesser[reason] += 1

    def frame(self, line: FrameLine) -> None:
        """Count a frame."""
        self.frames[line.outcome] += 1
        self.rejected += len(line.rejected)
        if line.fallen_back is not None:
            self.fallen_back[line.fallen_back] += 1
        if line.background_redrawn is not None and line.background_plain is not None:
            self.redrawn.add(line.frame, Redrawn(line.background_redrawn, line.background_plain))

    def plugin_sentences(self) -> list[str]:
        """What is said of plugins that broke on faces."""
        return [
            f"{name} failed on {count} face(s); faces.jsonl says why."
            for name, count in sorted(self.plugin_failures.items())
        ]

    def background(self, method: str, requested: str) -> Background:
        """What was done outside the faces, with the frames in which a lesser method stood in."""
        return Background(
            method=method,
            requested=requested,
            outcome="restored",
            reason="; ".join(
                f"Lanczos stood in for {counted(n, 'frame')}: {why}"
                for why, n in self.fallen_back.most_common()
            )
            or None,
            fallen_back_frames=self.fallen_back.total(),
            redrawn_grey=self.redrawn.median_grey,
        )

    def totals(self, people: int) -> Totals:
        """Counts that add up."""
        return Totals(
            frames=sum(self.frames.values()),
            frames_restored=self.frames["restored"],
            frames_failed=self.frames["failed"],
            frames_skipped=self.frames["skipped"],
            faces=len(self.facts),
            faces_restored=self.outcomes["restored"],
            faces_skipped=self.outcomes["skipped"],
            faces_failed=self.outcomes["failed"],
            rejected_detections=self.rejected,
            people=people,
            flagged_faces=self.flagged_faces,
            flagged_frames=self.flagged_frames,
        )


def find_flags(
    facts: Sequence[FaceFact], frame_size_px: tuple[int, int], mode: Mode = "restore"
) -> list[FlagFinding]:
    """Flags of every person over the clip, person by person, worst first.

    Where somebody else restored there is no log: what switches on or off is inferred from pixels.
    """
    own = mode == "restore"
    found: list[FlagFinding] = []
    for person in _people(facts):
        found += person_flags(
            person,
            facts,
            frame_size_px=frame_size_px,
            logged=own,
            outcomes=own,
            paired=mode == "pair",
        )
    return found


@dataclass(frozen=True)
class Closed:
    """Of whom nothing may be read as a score, and what the record gives as the reason.

    ``people``: where the two pictures do not belong together.  ``everybody``: no original exists.
    """

    people: frozenset[int] = frozenset()
    everybody: bool = False

    def risk(self, person: int) -> Risk | None:
        """The band of a closed person; None for one that is rated."""
        if self.everybody:
            return Risk(band="not_calculable")
        if person in self.people:
            return Risk(band="not_calculable", because=(MISMATCH,))
        return None

    def finding(self, one: FlagFinding) -> bool:
        """Whether a finding may be said."""
        return one.person not in self.people or one.code in _SAID_OF_MISMATCHED

    def fact(self, fact: FaceFact) -> FaceFact:
        """The fact without a band and without flags that compare what does not belong together."""
        risk = self.risk(fact.person)
        if risk is None:
            return fact
        flags = self._flags(fact.person, fact.flags)
        return replace(fact, band=risk.band, because=risk.because, flags=flags)

    def line(self, line: FaceLine) -> FaceLine:
        """The same for a line of faces.jsonl."""
        risk = self.risk(line.person)
        if risk is None:
            return line
        flags = self._flags(line.person, line.flags)
        return line.model_copy(update={"risk": risk, "flags": flags})

    def _flags(self, person: int, flags: tuple[FlagCode, ...]) -> tuple[FlagCode, ...]:
        if person not in self.people:
            return flags
        return tuple(code for code in flags if code in _SAID_OF_MISMATCHED)


NOBODY_CLOSED: Final = Closed()


def closed_by(found: Iterable[FlagFinding], mode: Mode) -> Closed:
    """Who is closed by these findings."""
    wrong = {one.person for one in found if one.code == MISMATCH and one.person is not None}
    return Closed(frozenset(wrong), mode == "restored_only")


def flags_by_face(found: Iterable[FlagFinding], facts: Iterable[FaceFact]) -> FlagsByFace:
    """(frame, person) -> flags, for the faces that lie in the ranges of the findings."""
    out: dict[tuple[int, int], list[FlagCode]] = {(f.frame, f.person): [] for f in facts}
    for finding in found:
        if finding.person is None:  # of the picture: no face carries it
            continue
        for first, last in finding.frames:
            for frame in range(first, last + 1):
                if (frame, finding.person) in out:
                    out[frame, finding.person].append(finding.code)
    return {key: tuple(codes) for key, codes in out.items() if codes}


def flag_records(found: Iterable[FlagFinding], mode: Mode = "restore") -> tuple[Flag, ...]:
    """Findings with their sentences, in the words of the run's kind."""
    return tuple(
        Flag(
            code=f.code,
            person=f.person,
            frames=f.frames,
            severity=f.severity,
            measured=f.measured,
            reference=f.reference,
            unit=f.unit,
            words=flag_words(
                f.code,
                measured=f.measured,
                reference=f.reference,
                unit=f.unit,
                detail=f.detail,
                finding=OTHER_FINDINGS[mode].get(f.code),
            ),
        )
        for f in found
    )


def describe_people(
    facts: Sequence[FaceFact],
    found: Sequence[FlagFinding],
    rating: Rating | None = None,
    closed: Closed = NOBODY_CLOSED,
) -> tuple[Person, ...]:
    """Every person with band, flags and the sentence a reader gets.

    ``rating`` adds the probability of a calibrated restorer; ``closed`` people are not rated.
    """
    rates = rating or Rating()
    people = (
        _person(
            number,
            sorted((f for f in facts if f.person == number), key=lambda f: f.frame),
            [f for f in found if f.person == number],
            rates,
            closed,
        )
        for number in _people(facts)
    )
    return tuple(_with_frequency(person, rates) for person in people)


def _with_frequency(person: Person, rating: Rating) -> Person:
    """The person with the probability in words, where there is one."""
    if rating.note is None or not person.risk.calibrated:
        return person
    words = f"{person.summary} {frequency_sentence(person.risk, rating.note)}"
    return person.model_copy(update={"summary": words})


def _people(facts: Iterable[FaceFact]) -> list[int]:
    return sorted({fact.person for fact in facts})


def _person(
    number: int,
    own: Sequence[FaceFact],
    found: Sequence[FlagFinding],
    rating: Rating,
    closed: Closed,
) -> Person:
    outcomes = Counter(f.outcome for f in own)
    bands = Counter(f.band for f in own)
    sizes = [f.interocular_px for f in own]
    span = (round(min(sizes), 2), round(max(sizes), 2))
    codes = tuple(dict.fromkeys(f.code for f in found))
    risk = closed.risk(number) or rating.person(person_risk(own, found), own)
    return Person(
        id=number,
        first_frame=own[0].frame,
        last_frame=own[-1].frame,
        faces=len(own),
        faces_restored=outcomes["restored"],
        faces_failed=outcomes["failed"],
        risk=risk,
        bands=dict(bands),
        flags=codes,
        interocular_px_range=span,
        gaps=_gaps([f.frame for f in own]),
        key_frames=_key_frames(own),
        summary=_summary(number, own, codes, risk, closed),
    )


def _summary(
    number: int, own: Sequence[FaceFact], codes: Sequence[FlagCode], risk: Risk, closed: Closed
) -> str:
    """The sentence a reader gets."""
    outcomes = Counter(f.outcome for f in own)
    sizes = [f.interocular_px for f in own]
    span = (round(min(sizes), 2), round(max(sizes), 2))
    if closed.everybody:
        return alone_summary(number, len(own), outcomes["failed"], codes, span)
    if number in closed.people:
        return mismatched_summary(number, len(own), codes)
    return person_summary(
        person=number,
        band=risk.band,
        faces=len(own),
        faces_restored=outcomes["restored"],
        faces_failed=outcomes["failed"],
        bands=Counter(f.band for f in own),
        flags=codes,
        interocular_px_range=span,
    )


def _gaps(frames: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple((a + 1, b - 1) for a, b in pairwise(frames) if b > a + 1)


def _key_frames(own: Sequence[FaceFact]) -> tuple[int, ...]:
    """The largest face of each band, then the smallest of all: what a reader should see first."""
    chosen: list[int] = []
    for band in sorted({f.band for f in own}, key=_BAD_FIRST.__getitem__):
        largest = max((f for f in own if f.band == band), key=lambda f: f.interocular_px)
        chosen.append(largest.frame)
    chosen.append(min(own, key=lambda f: f.interocular_px).frame)
    return tuple(dict.fromkeys(chosen))[:KEY_FRAMES]

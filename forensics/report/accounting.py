"""Accounting: every frame, face and rejected detection counted, with the reasons, from the lines.

The counts come from frames.jsonl and faces.jsonl and are held against ``totals`` of audit.json;
where they differ the report says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from forensics.records import FaceLine, Outcome, Totals
from forensics.report.known import known
from forensics.report.language import _, english, joined_text
from forensics.report.language import number as said
from forensics.report.other_words import ACCOUNTED, outcome_words
from forensics.report.stretches import joined
from forensics.report.view import View
from forensics.report.words import person_name, range_words, reason_words

_MOST_ROWS: Final = 40


@dataclass(frozen=True)
class CountRow:
    """A line of the totals table; ``part_of`` indents it below the line it belongs to."""

    label: str
    count: int
    reason: str
    part: bool


@dataclass(frozen=True)
class LostRow:
    """A run of frames in which something was not restored."""

    what: str
    frames: str
    outcome: str
    reason: str
    error: str


@dataclass(frozen=True)
class Accounting:
    """The accounting section."""

    rows: tuple[CountRow, ...]
    lost_caption: str
    nothing_lost: str
    lost: tuple[LostRow, ...]
    lost_left_out: int
    disagreements: tuple[str, ...]


def accounting(view: View) -> Accounting:
    """Totals, what was not restored and why, and where the counts disagree."""
    lost = [*_lost_frames(view), *_lost_faces(view)]
    return Accounting(
        rows=tuple(_rows(view)),
        lost_caption=ACCOUNTED[view.audit.mode].lost,
        nothing_lost=ACCOUNTED[view.audit.mode].nothing_lost,
        lost=tuple(lost[:_MOST_ROWS]),
        lost_left_out=max(0, len(lost) - _MOST_ROWS),
        disagreements=tuple(_disagreements(view)),
    )


def _rows(view: View) -> Iterable[CountRow]:
    totals = view.audit.totals
    done = ACCOUNTED[view.audit.mode].done
    yield CountRow(_("frames"), totals.frames, "", part=False)
    yield CountRow(done, totals.frames_restored, "", part=True)
    frame_reasons = Counter(
        reason_words(line.reason) for line in view.frames if line.outcome == "failed"
    )
    if view.audit.mode == "pair":
        without = Counter(
            reason_words(line.reason) for line in view.frames if line.outcome == "skipped"
        )
        yield CountRow(_("without counterpart"), totals.frames_skipped, _listed(without), part=True)
    yield CountRow(_("failed"), totals.frames_failed, _listed(frame_reasons), part=True)
    yield CountRow(_("with a flag"), totals.flagged_frames, "", part=True)
    yield CountRow(_("faces of people"), totals.faces, "", part=False)
    yield CountRow(done, totals.faces_restored, "", part=True)
    for outcome, label, count in (
        ("skipped", _("skipped"), totals.faces_skipped),
        ("failed", _("failed"), totals.faces_failed),
    ):
        reasons = Counter(
            reason_words(face.reason) for face in view.faces if face.outcome == outcome
        )
        yield CountRow(label, count, _listed(reasons), part=True)
    fallen = Counter(
        known(face.reason) for face in view.faces if face.outcome == "restored" and face.reason
    )
    if fallen:
        yield CountRow(
            _("{done}, with a note").format(done=done),
            sum(fallen.values()),
            _listed(fallen),
            part=True,
        )
    yield CountRow(_("with a flag"), totals.flagged_faces, "", part=True)
    rejected = Counter(
        reason_words(found.reason) for line in view.frames for found in line.rejected
    )
    yield CountRow(
        _("detections that are no face of a person"),
        totals.rejected_detections,
        _listed(rejected),
        part=False,
    )
    yield CountRow(_("people"), totals.people, "", part=False)


def _listed(reasons: Counter[str]) -> str:
    return joined_text(
        "; ",
        (joined_text(": ", (words, said(n, ","))) for words, n in reasons.most_common(8)),
    )


def _lost_frames(view: View) -> Iterable[LostRow]:
    causes: dict[tuple[str, str], list[int]] = {}
    for line in view.frames:
        if line.outcome == "failed":
            causes.setdefault((reason_words(line.reason), line.error or ""), []).append(line.frame)
    for (reason, error), frames in causes.items():
        yield LostRow(
            _("whole frame"),
            range_words(joined(frames)),
            ACCOUNTED[view.audit.mode].frame_failed,
            reason,
            error,
        )


def _lost_faces(view: View) -> Iterable[LostRow]:
    causes: dict[tuple[int, Outcome, str, str], list[int]] = {}
    for face in view.faces:
        if face.outcome != "restored":
            key = (face.person, face.outcome, reason_words(face.reason), face.error or "")
            causes.setdefault(key, []).append(face.frame)
    # Failures first: a reader must not have to look for them among the skipped.
    order = sorted(causes.items(), key=lambda item: (item[0][1] != "failed", item[0][0]))
    for (person, outcome, reason, error), frames in order:
        yield LostRow(
            person_name(person),
            range_words(joined(frames)),
            outcome_words(outcome, view.audit.mode),
            reason,
            error,
        )


def _disagreements(view: View) -> Iterable[str]:
    """Totals that are not what the lines add up to; ``verify`` checks the same."""
    totals = view.audit.totals
    found = Totals(
        frames=len(view.frames),
        frames_restored=sum(line.outcome == "restored" for line in view.frames),
        frames_failed=sum(line.outcome == "failed" for line in view.frames),
        frames_skipped=sum(line.outcome == "skipped" for line in view.frames),
        faces=len(view.faces),
        faces_restored=_with(view.faces, "restored"),
        faces_skipped=_with(view.faces, "skipped"),
        faces_failed=_with(view.faces, "failed"),
        rejected_detections=sum(len(line.rejected) for line in view.frames),
        people=len({face.person for face in view.faces}),
        flagged_faces=sum(bool(face.flags) for face in view.faces),
        flagged_frames=totals.flagged_frames,  # flags of the whole picture are not in the lines
    )
    for name, value in totals.model_dump().items():
        counted_value = getattr(found, name)
        if value != counted_value:
            words = name.replace("_", " ")
            yield (
                _(
                    "audit.json says {value:,} for \u201c{words}\u201d, the lines add up to "
                    "{counted_value:,}"
                ).format(value=value, words=english(words), counted_value=counted_value)
            )


def _with(faces: Iterable[FaceLine], outcome: str) -> int:
    return sum(face.outcome == outcome for face in faces)
